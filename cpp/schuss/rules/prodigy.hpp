// Mishchenko & Defazio 2023, Algorithm 4 (Prodigy with Adam's form): the distance d to the solution is estimated from
// below and takes the place of a rate. x is where the weights started; d and r are one number each for the array.
#pragma once
#include <algorithm>

#include "../rule.hpp"

namespace schuss {

template <class T>
struct Prodigy : GroupRule {
  static constexpr const char* name = "prodigy";
  static constexpr Group group = Group::array;
  static constexpr auto slots = names("m", "v", "s", "x");
  static constexpr auto shared = names("d", "r");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "memory", "eps", "weight_decay");
  static constexpr std::array<Fold, 1> looks{Fold::sum};
  static constexpr int terms = 2;
  static constexpr bool opens = true, whole_only = true, passing = true;
  struct Hyper {
    double lr, b1, b2, b3, eps, decay;
  };
  struct Step {
    Hyper hyper;
    T b1, b2, b3, by_m, by_v, by_s, rate, floor, keep;
  };

  static Step at(const Hyper& h, std::int64_t) {
    Step step{};
    step.hyper = h;
    step.b1 = T(h.b1);
    step.b2 = T(h.b2);
    step.b3 = T(h.b3);
    return step;
  }

  static constexpr Idle idling = Idle::never;

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 2> look(const P& w, const std::array<P, 4>& slot, const P& g,
                                                      const Step& h) {
    return {g * (slot[3] - w), magnitude(h.b3 * slot[2] + h.by_s * g)};
  }

  static void settle(int k, const double* found, std::int64_t, T* shared, Step& step) {
    const Hyper& h = step.hyper;
    const double d = double(shared[0]), by_s = (1 - h.b3) * h.lr * d * d;
    if (k < 0) {  // the step is taken with the d that it found
      step.by_m = T((1 - h.b1) * d);
      step.by_v = T((1 - h.b2) * d * d);
      step.by_s = T(by_s);
      step.rate = T(h.lr * d);
      step.floor = T(h.eps * d);
      step.keep = T(1 - h.lr * d * h.decay);
    } else {
      const double r = h.b3 * double(shared[1]) + by_s * found[0];
      shared[1] = T(r);
      if (found[1] > 0) shared[0] = T(std::max(d, r / found[1]));
    }
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 4>& slot, const P& g, const Step& h) {
    auto &m = slot[0], &v = slot[1], &s = slot[2];
    m = h.b1 * m + h.by_m * g;
    v = h.b2 * v + h.by_v * (g * g);
    s = h.b3 * s + h.by_s * g;
    w = h.keep * w - h.rate * m / (root(v) + h.floor);
  }
};

}  // namespace schuss
