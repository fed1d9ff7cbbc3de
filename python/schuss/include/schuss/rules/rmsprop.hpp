// Tieleman & Hinton 2012 (lecture 6e); centred as in Graves 2013. Momentum runs over the scaled gradient, with the rate
// outside it (torch) or inside it (Keras).
#pragma once
#include "adagrad.hpp"
#include "momentum.hpp"

namespace schuss {

enum class Inertia { none, rate_outside, rate_inside };

template <class T, Eps place, bool centered, Inertia inertia>
struct RMSprop : Elementwise {
  static constexpr bool moving = inertia != Inertia::none;
  static constexpr const char* name = "rmsprop";
  static constexpr int variant = int(place) + 2 * int(centered) + 4 * int(inertia);
  static constexpr auto slots = [] {
    if constexpr (centered && moving) return names("v", "a", "b");
    else if constexpr (centered) return names("v", "a");
    else if constexpr (moving) return names("v", "b");
    else return names("v");
  }();
  static constexpr auto hyper = names("lr", "alpha", "eps", "momentum");
  struct Hyper {
    double lr, alpha, eps, mu;
  };
  struct Step {
    T rate, gain, eps, mu;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr), T(1 - h.alpha), T(h.eps), T(h.mu)}; }

  static constexpr int carrier = moving ? int(slots.size()) - 1 : -1;
  static void idle(const Step& h, double keep, double, Gap& gap) {
    gap.ww = keep;
    gap.fade[0] = 1 - double(h.gain);
    if (centered) gap.fade[1] = gap.fade[0];
    if (!moving) return;
    gap.cc = double(h.mu);
    gap.wc = (inertia == Inertia::rate_outside ? -double(h.rate) : -1.0) * gap.cc;
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, slots.size()>& s, const P& g, const Step& h) {
    auto& v = s[0];
    v += h.gain * (g * g - v);
    P spread = v;
    if constexpr (centered) {
      auto& a = s[1];
      a += h.gain * (g - a);
      spread = larger(v - a * a, fill(T(0)));  // rounding may leave it below zero
    }
    const P scale = guarded_root<place>(spread, h.eps);
    if constexpr (inertia == Inertia::rate_outside) {
      auto& b = s.back();
      b = h.mu * b + g / scale;
      w -= h.rate * b;
    } else if constexpr (inertia == Inertia::rate_inside) {
      auto& b = s.back();
      b = h.mu * b + h.rate * g / scale;
      w -= b;
    } else {
      w -= h.rate * g / scale;
    }
  }
};

}  // namespace schuss
