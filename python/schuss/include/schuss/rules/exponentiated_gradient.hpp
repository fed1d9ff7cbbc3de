// Kivinen & Warmuth 1997: exponentiated gradient, unnormalised (EGU), normalised on the simplex (EG), signed pair
// (EG+-).
#pragma once
#include <algorithm>

#include "../exponential.hpp"
#include "../rule.hpp"

namespace schuss {

// w e^(-lr g): keeps the sign, and zero stays zero.
template <class T>
struct EGU : Elementwise {
  static constexpr const char* name = "egu";
  static constexpr auto slots = names();
  static constexpr auto hyper = names("lr");
  struct Hyper {
    double lr;
  };
  struct Step {
    T rate;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(-h.lr)}; }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 0>&, const P& g, const Step& h) {
    w = w * exp(h.rate * g);
  }
};

// w e^(-lr g) / sum: the largest exponent is taken off first, so that nothing overflows.
template <class T>
struct EG : GroupRule {
  static constexpr const char* name = "eg";
  static constexpr Group group = Group::row;
  static constexpr auto slots = names();
  static constexpr auto hyper = names("lr");
  static constexpr std::array<Fold, 2> looks{Fold::max, Fold::sum};
  static constexpr int terms = 1;
  struct Hyper {
    double lr;
  };
  struct Step {
    T rate, shift, scale;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(-h.lr), T(0), T(1)}; }

  template <int k, class P>
  [[gnu::always_inline]] static std::array<P, 1> look(const P& w, const std::array<P, 0>&, const P& g, const Step& h) {
    if constexpr (k == 0) return {h.rate * g};
    return {grown(w, g, h)};
  }

  static void settle(int k, const double* found, std::int64_t, T*, Step& step) {
    if (k == 0) step.shift = T(*found);
    if (k == 1) step.scale = T(1 / *found);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 0>&, const P& g, const Step& h) {
    w = h.scale * grown(w, g, h);
  }

 private:
  template <class P>
  [[gnu::always_inline]] static P grown(const P& w, const P& g, const Step& h) {
    return w * exp(h.rate * g - fill(h.shift));
  }
};

// w = p - n, both positive: EGU on each with opposite gradients.
template <class T>
struct EGUPair : Elementwise {
  static constexpr const char* name = "egpm";
  static constexpr int variant = 0;
  static constexpr auto slots = names("p", "n");
  static constexpr auto hyper = names("lr");
  struct Hyper {
    double lr;
  };
  struct Step {
    T rate;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.lr)}; }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    auto& [p, n] = s;
    const P x = h.rate * g;
    p = p * exp(-x);
    n = n * exp(x);
    w = p - n;
  }
};

// EG+- itself: the exponent is lr U g, and sum(p) + sum(n) = U over the group.
template <class T>
struct EGPair : GroupRule {
  static constexpr const char* name = "egpm";
  static constexpr int variant = 1;
  static constexpr Group group = Group::row;
  static constexpr auto slots = names("p", "n");
  static constexpr auto hyper = names("lr", "total");
  static constexpr std::array<Fold, 2> looks{Fold::max, Fold::sum};
  static constexpr int terms = 1;
  struct Hyper {
    double lr, total;
  };
  struct Step {
    double total;
    T rate, shift, scale;
  };

  static Step at(const Hyper& h, std::int64_t) { return {h.total, T(h.lr * h.total), T(0), T(1)}; }

  template <int k, class P>
  [[gnu::always_inline]] static std::array<P, 1> look(const P&, const std::array<P, 2>& s, const P& g, const Step& h) {
    if constexpr (k == 0) return {magnitude(h.rate * g)};
    const auto [p, n] = grown(s, g, h);
    return {p + n};
  }

  static void settle(int k, const double* found, std::int64_t, T*, Step& step) {
    if (k == 0) step.shift = T(*found);
    if (k == 1) step.scale = T(step.total / *found);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    const auto [p, n] = grown(s, g, h);
    s = {h.scale * p, h.scale * n};
    w = s[0] - s[1];
  }

 private:
  template <class P>
  [[gnu::always_inline]] static std::array<P, 2> grown(const std::array<P, 2>& s, const P& g, const Step& h) {
    const P x = h.rate * g, shift = fill(h.shift);
    return {s[0] * exp(-x - shift), s[1] * exp(x - shift)};
  }
};

}  // namespace schuss
