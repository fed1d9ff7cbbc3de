// Robbins & Monro 1951: w -= lr g.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct SGD : Elementwise {
  static constexpr const char* name = "sgd";
  static constexpr auto slots = names();
  static constexpr auto hyper = names("lr");
  struct Hyper {
    double lr;
  };
  struct Step {
    T rate;
  };

  static constexpr bool linear = true, descends = true, halves = true;

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr)}; }
  static void idle(const Step& h, double keep, double decay, Gap& gap) { gap.ww = keep - double(h.rate) * decay; }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 0>&, const P& g, const Step& h) {
    w -= h.rate * g;
  }
};

}  // namespace schuss
