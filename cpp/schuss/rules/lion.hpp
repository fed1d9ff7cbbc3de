// Chen et al. 2023, Algorithm 2: the sign of a blend of momentum and gradient. Every weight moves by lr at every step,
// also without a gradient: by the sign of m, which stays while m fades.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct Lion : Elementwise {
  static constexpr const char* name = "lion";
  static constexpr auto slots = names("m");
  static constexpr auto hyper = names("lr", "beta1", "beta2");
  struct Hyper {
    double lr, b1, b2;
  };
  struct Step {
    T rate, blend, gain;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr), T(1 - h.b1), T(1 - h.b2)}; }

  static constexpr int carrier = 0, lasting = 0;
  static constexpr bool by_sign = true;
  static void idle(const Step& h, double keep, double, Gap& gap) {
    gap.ww = keep;
    gap.wc = -double(h.rate);
    gap.fade[0] = 1 - double(h.gain);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [m] = s;
    const P news = g - m;
    w -= h.rate * sign(m + h.blend * news);
    m += h.gain * news;
  }
};

}  // namespace schuss
