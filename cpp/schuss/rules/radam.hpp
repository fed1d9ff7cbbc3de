// Liu et al. 2020, Algorithm 2: Adam's step times the rectification of the variance of its rate, and plain momentum
// while that variance is not known (rho <= 5, as torch and optax; the paper says 4). The paper has no eps. "hat":
// root(v) + eps (torch), "outside": root(v / c2) + eps (optax). Both phases are one loop: momentum divides by 0 root(v)
// + 1.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct RAdam : Elementwise {
  static constexpr const char* name = "radam";
  static constexpr auto slots = names("m", "v");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "hat");
  struct Hyper {
    double lr, b1, b2, eps, hat;
  };
  struct Step {
    T gain1, gain2, rate, share, floor;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double fade = std::pow(h.b2, t), most = 2 / (1 - h.b2) - 1, rho = most - 2 * double(t) * fade / (1 - fade);
    const double rate = h.lr / (1 - std::pow(h.b1, t)), c2 = std::sqrt(1 - fade);
    if (!(rho > 5)) return {T(1 - h.b1), T(1 - h.b2), T(rate), T(0), T(1)};
    const double rectified = std::sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
    return {T(1 - h.b1), T(1 - h.b2), T(rate * rectified * c2), T(1), T(h.hat != 0 ? h.eps : h.eps * c2)};
  }

  static constexpr Idle idling = Idle::drift;
  static double fading(const Hyper& h) { return h.b1 / std::sqrt(h.b2); }
  static void idle(const Step& h, double keep, double, Gap& gap) {
    gap.fade[0] = 1 - double(h.gain1);
    gap.fade[1] = 1 - double(h.gain2);
    gap.drift_by(keep, double(h.rate), gap.fade[0], std::sqrt(gap.fade[1]), double(h.floor));
    gap.odd |= h.share == 0;  // momentum is no quotient by root(v): such gaps are taken step by step
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
    m += h.gain1 * (g - m);
    v += h.gain2 * (g * g - v);
    w -= h.rate * m / (h.share * root(v) + h.floor);
  }
};

}  // namespace schuss
