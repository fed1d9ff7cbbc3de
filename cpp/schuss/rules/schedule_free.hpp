// Defazio et al. 2024, "The road less scheduled": gradients are taken at y = (1 - beta) z + beta x, z takes the steps,
// x is z's average. The weight is y; x = y + (1 - 1 / beta) (z - y) is where the model is evaluated. The average weighs
// step t by t^power lr^lr_power; the sum of the weights is one number for the array.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T>
struct ScheduleFree : GroupRule {
  static constexpr Group group = Group::array;
  static constexpr auto shared = names("s");
  static constexpr std::array<Fold, 0> looks{};
  static constexpr int terms = 0;
  static constexpr bool opens = true;
  struct Step {
    double weight, beta, lr;
    T rate, fresh, push;

    // y <- y + fresh (z - y) - push u;  z <- z - rate u
    template <class P>
    [[gnu::always_inline]] void move(P& y, P& z, const P& u) const {
      y += fresh * (z - y) - push * u;
      z -= rate * u;
    }
  };

  static Step step(double lr, double beta, double power, double lr_power, std::int64_t t) {
    return {std::pow(double(t), power) * std::pow(lr, lr_power), beta, lr, T(lr), T(0), T(0)};
  }
  static void open(T* sum, Step& step) {
    const double all = double(*sum) + step.weight, fresh = all > 0 ? step.weight / all : 0;
    *sum = T(all);
    step.fresh = T(fresh);
    step.push = T(step.lr * (1 - step.beta * (1 - fresh)));
  }

  static constexpr int carrier = 0;  // z
  static void linear_gap(const Step& h, double decay, Gap& gap) {
    gap.ww = 1 - double(h.fresh) - double(h.push) * decay;
    gap.wc = double(h.fresh);
    gap.cw = -double(h.rate) * decay;
  }
};

template <class T>
struct ScheduleFreeSGD : ScheduleFree<T> {
  using Step = typename ScheduleFree<T>::Step;
  static constexpr const char* name = "schedule_free_sgd";
  static constexpr auto slots = names("z");
  static constexpr auto hyper = names("lr", "beta", "power", "lr_power");
  struct Hyper {
    double lr, beta, power, lr_power;
  };

  static Step at(const Hyper& h, std::int64_t t) { return ScheduleFree<T>::step(h.lr, h.beta, h.power, h.lr_power, t); }
  static void settle(int, const double*, std::int64_t, T* shared, Step& step) { ScheduleFree<T>::open(shared, step); }

  static constexpr bool linear = true;
  static void idle(const Step& h, double, double decay, Gap& gap) { ScheduleFree<T>::linear_gap(h, decay, gap); }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    h.move(w, s[0], g);
  }
};

// Decay acts on y beside the scaled gradient, as in the authors' code.
template <class T>
struct ScheduleFreeAdamW : ScheduleFree<T> {
  static constexpr const char* name = "schedule_free_adamw";
  static constexpr auto slots = names("z", "v");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "power", "lr_power", "weight_decay");
  struct Hyper {
    double lr, b1, b2, eps, power, lr_power, decay;
  };
  struct Step : ScheduleFree<T>::Step {
    T gain, scale, floor, decay;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double c2 = std::sqrt(1 - std::pow(h.b2, t));
    return {ScheduleFree<T>::step(h.lr, h.b1, h.power, h.lr_power, t), T(1 - h.b2), T(c2), T(h.eps * c2), T(h.decay)};
  }
  static void settle(int, const double*, std::int64_t, T* shared, Step& step) { ScheduleFree<T>::open(shared, step); }

  static void idle(const Step& h, double, double, Gap& gap) {
    ScheduleFree<T>::linear_gap(h, double(h.decay), gap);
    gap.fade[1] = 1 - double(h.gain);
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    auto& [z, v] = s;
    v += h.gain * (g * g - v);
    h.move(w, z, h.scale * g / (root(v) + h.floor) + h.decay * w);
  }
};

}  // namespace schuss
