// Bernstein et al. 2018 (signSGD), Signum: m <- beta m + (1 - beta) g;  w <- w - lr sign(m).
#pragma once
#include "schuss/rule.hpp"

template <class T>
struct Signum : schuss::Elementwise {
  static constexpr const char* name = "signum";
  static constexpr auto slots = schuss::names("m");
  static constexpr auto hyper = schuss::names("lr", "beta");
  struct Hyper {
    double lr, beta;
  };
  struct Step {
    T rate, gain;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr), T(1 - h.beta)}; }

  // Without a gradient w moves on by lr sign(m), which is neither linear nor a drift (schuss/gap.hpp): no `idle`, and
  // the dataclass refuses exact mode.
  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [m] = s;
    m += h.gain * (g - m);
    w -= h.rate * schuss::sign(m);
  }
};
