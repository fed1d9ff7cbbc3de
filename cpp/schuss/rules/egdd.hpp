// Amid, Anil, Fifty & Warmuth 2022, "Step-size adaptation using exponentiated gradient updates": a gain p per
// coordinate and one scale s per array, both learned by exponentiated gradient; h is the momentum, a the average
// gradient. Old h and old a steer s and p; the new gain enters h, the new scale moves w.
#pragma once
#include <algorithm>

#include "../exponential.hpp"
#include "../rule.hpp"

namespace schuss {

template <class T, bool signs>
struct EGDD : GroupRule {
  static constexpr const char* name = "egdd";
  static constexpr int variant = int(signs);
  static constexpr Group group = Group::array;
  static constexpr auto slots = names("h", "a", "p");
  static constexpr auto shared = names("s");
  static constexpr auto hyper = names("lr", "momentum", "beta", "gain_rate", "scale_rate", "gain_min", "gain_max",
                                      "scale_min", "scale_max", "directions");
  static constexpr std::array<Fold, 1> looks{Fold::sum};
  static constexpr int terms = 3;
  static constexpr std::size_t sees_slots = 1;
  struct Hyper {
    double lr, mu, beta, gain_rate, scale_rate, gain_min, gain_max, scale_min, scale_max, directions;
  };
  struct Step {
    double scale_rate, scale_min, scale_max;
    bool directions;
    T rate, mu, fresh, gain_rate, grow, shrink, gain_min, gain_max, scale;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double unbias = signs ? 1 : 1 - std::pow(h.beta, std::max<std::int64_t>(t - 1, 1));
    Step step{};
    step.scale_rate = h.scale_rate;
    step.scale_min = h.scale_min;
    step.scale_max = h.scale_max;
    step.directions = h.directions != 0;
    step.rate = T(h.lr);
    step.mu = T(h.mu);
    step.fresh = T(1 - h.beta);
    step.gain_rate = T(h.gain_rate / unbias);
    step.grow = T(exp(h.gain_rate));
    step.shrink = T(exp(-h.gain_rate));
    step.gain_min = T(h.gain_min);
    step.gain_max = T(h.gain_max);
    return step;
  }

  static constexpr int carrier = 0, lasting = 1, whole = 2;
  static void idle(const Step& k, double keep, double, Gap& gap) {
    gap.cc = double(k.mu);
    gap.wc = -double(k.scale) * gap.cc;
    gap.ww = keep;
    gap.fade[1] = 1 - double(k.fresh);
  }

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 3> look(const P&, const std::array<P, 3>& s, const P& g, const Step&) {
    const auto& h = s[0];
    return {g * h, g * g, h * h};
  }

  static void settle(int, const double* found, std::int64_t, T* shared, Step& step) {
    double along = found[0];
    if (step.directions) along /= (std::sqrt(found[1]) + 1e-10) * (std::sqrt(found[2]) + 1e-10);
    const double scale = double(*shared) * exp(step.scale_rate * along);
    *shared = step.scale = T(std::min(std::max(scale, step.scale_min), step.scale_max));
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 3>& s, const P& g, const Step& k) {
    auto& [h, a, p] = s;
    p = clip(p * growth(g, a, k), k.gain_min, k.gain_max);
    h = k.mu * h + k.rate * p * g;
    a += k.fresh * (g - a);
    w -= k.scale * h;
  }

 private:
  // e^(gain_rate sign(g) sign(a)) has three values only.
  template <class P>
  [[gnu::always_inline]] static P growth(const P& g, const P& a, const Step& k) {
    if constexpr (!signs) return exp(k.gain_rate * (g * a));
    const P agreed = sign(g) * sign(a), zero = fill(T(0));
    return where(less(zero, agreed), fill(k.grow), where(less(agreed, zero), fill(k.shrink), fill(T(1))));
  }
};

}  // namespace schuss
