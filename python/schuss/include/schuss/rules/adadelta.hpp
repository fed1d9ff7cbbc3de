// Zeiler 2012, Algorithm 1; the rate of the peers is kept as a factor, 1 in the paper.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct AdaDelta : Elementwise {
  static constexpr const char* name = "adadelta";
  static constexpr auto slots = names("e", "d");
  static constexpr auto hyper = names("lr", "rho", "eps");
  struct Hyper {
    double lr, rho, eps;
  };
  struct Step {
    T rate, gain, eps;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr), T(1 - h.rho), T(h.eps)}; }
  static void idle(const Step& h, double keep, double, Gap& gap) {
    gap.ww = keep;
    gap.fade[0] = gap.fade[1] = 1 - double(h.gain);
  }

  // One root of the quotient instead of a quotient of two roots: half the work of the divider, the same value.
  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    auto& [e, d] = s;
    e += h.gain * (g * g - e);
    const P u = root((d + h.eps) / (e + h.eps)) * g;
    d += h.gain * (u * u - d);
    w -= h.rate * u;
  }
};

}  // namespace schuss
