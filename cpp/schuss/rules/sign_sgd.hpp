// Bernstein et al. 2018, Algorithm 1: the sign of the gradient, 0 where it is 0.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct SignSGD : Elementwise {
  static constexpr const char* name = "sign_sgd";
  static constexpr auto slots = names();
  static constexpr auto hyper = names("lr");
  struct Hyper {
    double lr;
  };
  struct Step {
    T rate;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr)}; }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 0>&, const P& g, const Step& h) {
    w -= h.rate * sign(g);
  }
};

}  // namespace schuss
