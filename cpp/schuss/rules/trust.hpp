// Trust ratios: the step of a whole array is scaled to the norm of its weights. Where either norm is zero the ratio
// is 1.
#pragma once
#include "../rule.hpp"

namespace schuss {

// You, Gitman & Ginsburg 2017, Algorithm 1; `joint`: the norm of g + decay w below (optax), not the norms' sum.
template <class T>
struct LARS : GroupRule {
  static constexpr const char* name = "lars";
  static constexpr Group group = Group::array;
  static constexpr auto slots = names("b");
  static constexpr auto hyper = names("lr", "momentum", "weight_decay", "trust", "eps", "joint");
  static constexpr std::array<Fold, 1> looks{Fold::sum};
  static constexpr int terms = 3;
  static constexpr bool sees_weights = true;
  struct Hyper {
    double lr, mu, decay, trust, eps, joint;
  };
  struct Step {
    Hyper hyper;
    T mu, rate, decay;
  };

  static Step at(const Hyper& h, std::int64_t) { return {h, T(h.mu), T(h.lr), T(h.decay)}; }

  static constexpr Idle idling = Idle::never;

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 3> look(const P& w, const std::array<P, 1>&, const P& g, const Step&) {
    return {w * w, g * g, w * g};
  }

  static void settle(int, const double* found, std::int64_t, T*, Step& step) {
    const Hyper& h = step.hyper;
    const double w = std::sqrt(found[0]), g = std::sqrt(found[1]);
    const double both = std::sqrt(std::fmax(found[1] + h.decay * (2 * found[2] + h.decay * found[0]), 0));
    const double size = h.joint != 0 ? both : g + h.decay * w;
    step.rate = T(w > 0 && size > 0 ? h.lr * h.trust * w / (size + h.eps) : h.lr);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [b] = s;
    b = h.mu * b + h.rate * (g + h.decay * w);
    w -= b;
  }
};

// You et al. 2020, Algorithm 2, with phi(z) = z: Adam's step plus decay w, scaled.
template <class T>
struct LAMB : GroupRule {
  static constexpr const char* name = "lamb";
  static constexpr Group group = Group::array;
  static constexpr auto slots = names("m", "v");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "weight_decay", "bias_correction");
  static constexpr std::array<Fold, 1> looks{Fold::sum};
  static constexpr int terms = 2;
  static constexpr bool moves = true, sees_weights = true;
  static constexpr std::size_t sees_slots = 2;
  struct Hyper {
    double lr, b1, b2, eps, decay, corrected;
  };
  struct Step {
    double lr;
    T gain1, gain2, scale, floor, decay, rate;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double c1 = h.corrected != 0 ? 1 - std::pow(h.b1, t) : 1;
    const double c2 = h.corrected != 0 ? std::sqrt(1 - std::pow(h.b2, t)) : 1;
    return {h.lr, T(1 - h.b1), T(1 - h.b2), T(c2 / c1), T(h.eps * c2), T(h.decay), T(h.lr)};
  }

  static constexpr Idle idling = Idle::never;

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 2> look(const P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    average(s, g, h);
    const P u = direction(w, s, h);
    return {w * w, u * u};
  }

  static void settle(int, const double* found, std::int64_t, T*, Step& step) {
    const double w = std::sqrt(found[0]), u = std::sqrt(found[1]);
    step.rate = T(w > 0 && u > 0 ? step.lr * w / u : step.lr);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    average(s, g, h);
    finish(w, s, h);
  }

  template <class P>
  [[gnu::always_inline]] static void finish(P& w, const std::array<P, 2>& s, const Step& h) {
    w -= h.rate * direction(w, s, h);
  }

 private:
  template <class P>
  [[gnu::always_inline]] static void average(std::array<P, 2>& s, const P& g, const Step& h) {
    auto& [m, v] = s;
    m += h.gain1 * (g - m);
    v += h.gain2 * (g * g - v);
  }
  template <class P>
  [[gnu::always_inline]] static P direction(const P& w, const std::array<P, 2>& s, const Step& h) {
    const auto& [m, v] = s;
    return h.scale * m / (root(v) + h.floor) + h.decay * w;
  }
};

}  // namespace schuss
