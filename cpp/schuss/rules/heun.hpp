// Heun 1900, as an optimizer: two gradients of one batch, at w and where Euler's step leads. Odd steps predict and keep
// the gradient; even ones correct by half the difference.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct Heun : Elementwise {
  static constexpr const char* name = "heun";
  static constexpr auto slots = names("p");
  static constexpr auto hyper = names("lr");
  struct Hyper {
    double lr;
  };
  struct Step {
    bool predicts;
    T rate;
  };

  static Step at(const Hyper& h, std::int64_t t) { return {t % 2 == 1, T(t % 2 == 1 ? h.lr : h.lr / 2)}; }

  static constexpr Idle idling = Idle::never;

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [p] = s;
    if (h.predicts) {
      w -= h.rate * g;
      p = g;
    } else {
      w -= h.rate * (g - p);
    }
  }
};

}  // namespace schuss
