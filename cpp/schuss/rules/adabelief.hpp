// Zhuang et al. 2020, Algorithm 2: Adam with the average square of g - m, the gradient's surprise, and eps added to it
// at every step (`eps_inside`) as well as to its root.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct AdaBelief : Elementwise {
  static constexpr const char* name = "adabelief";
  static constexpr auto slots = names("m", "s");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "eps_inside");
  struct Hyper {
    double lr, b1, b2, eps, inside;
  };
  struct Step {
    T gain1, gain2, rate, floor, inside;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double c1 = 1 - std::pow(h.b1, t), c2 = std::sqrt(1 - std::pow(h.b2, t));
    return {T(1 - h.b1), T(1 - h.b2), T(h.lr * c2 / c1), T(h.eps * c2), T(h.inside)};
  }

  static constexpr Idle idling = Idle::never;  // with g = 0 the surprise is m: s depends on all of m's way

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& slot, const P& g, const Step& h) {
    auto& [m, s] = slot;
    m += h.gain1 * (g - m);
    const P surprise = g - m;
    s += h.gain2 * (surprise * surprise - s);
    s += fill(h.inside);
    w -= h.rate * m / (root(s) + h.floor);
  }
};

}  // namespace schuss
