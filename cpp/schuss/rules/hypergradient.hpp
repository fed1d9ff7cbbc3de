// Baydin et al. 2018, Algorithm 4 (SGD-HD): one rate a for the array, itself trained by the product of this gradient
// with the last one, p. `multiplicative`: its equation (8), by the cosine and in proportion to a.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct Hypergradient : GroupRule {
  static constexpr const char* name = "hypergradient";
  static constexpr Group group = Group::array;
  static constexpr auto slots = names("p");
  static constexpr auto shared = names("a");
  static constexpr auto hyper = names("lr", "hyper_rate", "multiplicative");
  static constexpr std::array<Fold, 1> looks{Fold::sum};
  static constexpr int terms = 3;
  static constexpr bool moves = true;
  static constexpr std::size_t sees_slots = 1;
  struct Hyper {
    double lr, hyper_rate, multiplicative;
  };
  struct Step {
    double hyper_rate;
    bool multiplicative;
    T rate;
  };

  static Step at(const Hyper& h, std::int64_t) { return {h.hyper_rate, h.multiplicative != 0, T(0)}; }

  static constexpr int carrier = 0, whole = 2;
  static void idle(const Step&, double keep, double, Gap& gap) {
    gap.ww = keep;
    gap.cc = 0;
  }

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 3> look(const P&, std::array<P, 1>& s, const P& g, const Step&) {
    const P p = s[0];
    s[0] = g;
    return {g * p, g * g, p * p};
  }

  static void settle(int, const double* found, std::int64_t, T* shared, Step& step) {
    const double rate = double(*shared), size = std::sqrt(found[1]) * std::sqrt(found[2]);
    double change = step.hyper_rate * found[0];
    if (step.multiplicative) change = size > 0 ? change / size * rate : 0;
    *shared = step.rate = T(rate + change);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    s[0] = g;
    finish(w, s, h);
  }

  template <class P>
  [[gnu::always_inline]] static void finish(P& w, const std::array<P, 1>& s, const Step& h) {
    w -= h.rate * s[0];
  }
};

}  // namespace schuss
