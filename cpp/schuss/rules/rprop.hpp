// Riedmiller & Braun 1993 in the form of Igel & Huesken 2000 without weight backtracking (iRprop-, torch): a step s for
// each coordinate, grown while the gradient's sign stays; where it turned, s shrinks and the gradient is forgotten.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct Rprop : Elementwise {
  static constexpr const char* name = "rprop";
  static constexpr auto slots = names("p", "s");
  static constexpr auto hyper = names("lr", "eta_minus", "eta_plus", "step_min", "step_max");
  struct Hyper {
    double lr, minus, plus, least, most;
  };
  struct Step {
    T minus, plus, least, most;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.minus), T(h.plus), T(h.least), T(h.most)}; }

  static void idle(const Step&, double keep, double, Gap& gap) {
    gap.ww = keep;
    gap.fade[0] = 0;
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& slot, const P& g, const Step& h) {
    auto& [p, s] = slot;
    const P zero = fill(T(0)), agreed = sign(g) * sign(p);
    const P factor = where(less(zero, agreed), fill(h.plus), where(less(agreed, zero), fill(h.minus), fill(T(1))));
    s = clip(s * factor, h.least, h.most);
    p = where(less(agreed, zero), zero, g);
    w -= sign(p) * s;
  }
};

}  // namespace schuss
