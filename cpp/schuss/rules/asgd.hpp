// Polyak & Juditsky 1992 with the rates of Xu 2011 (Bottou's ASGD, torch): eta = lr / (1 + lambd lr t)^alpha, and an
// average of the weights from step t0 on.
#pragma once
#include <algorithm>

#include "../rule.hpp"

namespace schuss {

template <class T>
struct ASGD : Elementwise {
  static constexpr const char* name = "asgd";
  static constexpr auto slots = names("a");
  static constexpr auto hyper = names("lr", "lambd", "alpha", "t0");
  struct Hyper {
    double lr, lambd, alpha, t0;
  };
  struct Step {
    T keep, rate, fresh, stay;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double past = double(t - 1), eta = h.lr / std::pow(1 + h.lambd * h.lr * past, h.alpha);
    const double fresh = 1 / std::max(1.0, past - h.t0);
    return {T(1 - h.lambd * eta), T(eta), T(fresh), T(1 - fresh)};
  }

  static constexpr bool linear = true;
  static constexpr int carrier = 0;
  static void idle(const Step& h, double keep, double decay, Gap& gap) {
    gap.ww = double(h.keep) * keep - double(h.rate) * decay;
    gap.cw = double(h.fresh) * gap.ww;
    gap.cc = double(h.stay);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [a] = s;
    w = h.keep * w - h.rate * g;
    a = h.fresh * w + h.stay * a;
  }
};

}  // namespace schuss
