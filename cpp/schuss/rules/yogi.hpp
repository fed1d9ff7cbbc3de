// Zaheer et al. 2018, Algorithm 2: v moves to g^2 by steps of (1 - b2) g^2, so it falls slowly. The paper has no bias
// correction; optax has it.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct Yogi : Elementwise {
  static constexpr const char* name = "yogi";
  static constexpr auto slots = names("m", "v");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "bias_correction");
  struct Hyper {
    double lr, b1, b2, eps, corrected;
  };
  struct Step {
    T gain1, gain2, rate, floor;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double c1 = h.corrected != 0 ? 1 - std::pow(h.b1, t) : 1;
    const double c2 = h.corrected != 0 ? std::sqrt(1 - std::pow(h.b2, t)) : 1;
    return {T(1 - h.b1), T(1 - h.b2), T(h.lr * c2 / c1), T(h.eps * c2)};
  }

  static constexpr Idle idling = Idle::drift;
  static double fading(const Hyper& h) { return h.b1; }
  static void idle(const Step& h, double keep, double, Gap& gap) {  // v stays
    gap.fade[0] = 1 - double(h.gain1);
    gap.drift_by(keep, double(h.rate), gap.fade[0], 1, double(h.floor));
  }
  template <class P>
  [[gnu::always_inline]] static P size(const std::array<P, 2>& s) {
    return root(s[1]);
  }
  template <class P>
  static void hold(std::array<P, 2>&, T) {}

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    auto& [m, v] = s;
    const P square = g * g;
    m += h.gain1 * (g - m);
    v -= h.gain2 * (sign(v - square) * square);
    w -= h.rate * m / (root(v) + h.floor);
  }
};

}  // namespace schuss
