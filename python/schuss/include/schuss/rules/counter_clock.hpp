// The counter clock (Zhang, Lipton, Li, Smola, Dive into Deep Learning, 12.7.1): lr_i = lr / sqrt(count_i + c),
// count_i = how often coordinate i had a gradient, the present one included. In float32 the count stops at 2^24.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct CounterClock : Elementwise {
  static constexpr const char* name = "counter_clock";
  static constexpr auto slots = names("count");
  static constexpr auto hyper = names("lr", "c");
  struct Hyper {
    double lr, c;
  };
  struct Step {
    T rate, c;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr), T(h.c)}; }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [count] = s;
    count += magnitude(sign(g));
    w -= h.rate * g / root(count + h.c);
  }
};

}  // namespace schuss
