// Dozat 2016, with the momentum schedule mu_i = b1 (1 - 0.96^(i psi) / 2) of its section 3.1; psi is `momentum_decay`.
// The product of all mu up to now needs no state: log(1 - x / 2) as a series gives geometric sums.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct NAdam : Elementwise {
  static constexpr const char* name = "nadam";
  static constexpr auto slots = names("m", "v");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "momentum_decay");
  struct Hyper {
    double lr, b1, b2, eps, psi;
  };
  struct Step {
    T gain1, gain2, by_g, by_m, floor;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double c2 = std::sqrt(1 - std::pow(h.b2, t)), all = product(h, t), next = mu(h, t + 1);
    return {T(1 - h.b1), T(1 - h.b2), T(h.lr * c2 * (1 - mu(h, t)) / (1 - all)), T(h.lr * c2 * next / (1 - all * next)),
            T(h.eps * c2)};
  }

  static constexpr Idle idling = Idle::drift;
  static double fading(const Hyper& h) { return h.b1 / std::sqrt(h.b2); }
  static void idle(const Step& h, double keep, double, Gap& gap) {
    gap.fade[0] = 1 - double(h.gain1);
    gap.fade[1] = 1 - double(h.gain2);
    gap.drift_by(keep, double(h.by_m), gap.fade[0], std::sqrt(gap.fade[1]), double(h.floor));
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
    w -= (h.by_g * g + h.by_m * m) / (root(v) + h.floor);
  }

 private:
  static double mu(const Hyper& h, std::int64_t t) { return h.b1 * (1 - 0.5 * std::pow(0.96, double(t) * h.psi)); }

  // log prod_i (1 - q^i / 2) = -sum_k (q^k + q^2k + ... + q^tk) / (k 2^k), q = 0.96^psi.
  static double product(const Hyper& h, std::int64_t t) {
    const double log_q = h.psi * std::log(0.96);
    double sum = 0, half = 0.5;
    for (int k = 1; k <= 54; ++k, half /= 2) {
      const double geometric = log_q < 0 ? std::expm1(k * double(t) * log_q) / std::expm1(k * log_q) : double(t);
      sum += half / k * std::exp(k * log_q) * geometric;
    }
    return std::pow(h.b1, t) * std::exp(-sum);
  }
};

}  // namespace schuss
