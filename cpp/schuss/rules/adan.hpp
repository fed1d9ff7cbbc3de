// Xie et al. 2022, Algorithm 1, with the decays as the factors of the old averages and the bias corrections of the
// authors' code; p is the last gradient, and the first difference is zero. `proximal_decay` divides, as in the paper.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct Adan : Elementwise {
  static constexpr const char* name = "adan";
  static constexpr auto slots = names("m", "v", "n", "p");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "beta3", "eps", "proximal_decay");
  struct Hyper {
    double lr, b1, b2, b3, eps, decay;
  };
  struct Step {
    T gain1, gain2, gain3, b2, by_m, by_v, floor, keep, known;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double c1 = 1 - std::pow(h.b1, t), c2 = 1 - std::pow(h.b2, t), c3 = std::sqrt(1 - std::pow(h.b3, t));
    return {T(1 - h.b1),       T(1 - h.b2),
            T(1 - h.b3),       T(h.b2),
            T(h.lr * c3 / c1), T(h.lr * h.b2 * c3 / c2),
            T(h.eps * c3),     T(1 / (1 + h.lr * h.decay)),
            T(t > 1 ? 1 : 0)};
  }

  static constexpr Idle idling = Idle::never;  // the first step without a gradient squares the difference to zero

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 4>& s, const P& g, const Step& h) {
    auto& [m, v, n, p] = s;
    const P difference = h.known * (g - p), ahead = g + h.b2 * difference;
    m += h.gain1 * (g - m);
    v += h.gain2 * (difference - v);
    n += h.gain3 * (ahead * ahead - n);
    p = g;
    w = h.keep * (w - (h.by_m * m + h.by_v * v) / (root(n) + h.floor));
  }
};

}  // namespace schuss
