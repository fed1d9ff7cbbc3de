// Polyak 1964 (heavy ball) and Nesterov 1983 in the practical form of Sutskever et al. 2013.
// Two forms, equal under a constant rate: the rate outside the velocity (torch) or inside it (Keras, the papers).
// The first gradient enters undamped, as in torch.
#pragma once
#include "../rule.hpp"

namespace schuss {

enum class Rate { outside, inside };

template <class T, Rate form>
struct Momentum : Elementwise {
  static constexpr const char* name = "momentum";
  static constexpr int variant = int(form);
  static constexpr auto slots = names("b");
  static constexpr auto hyper = names("lr", "momentum", "dampening");
  struct Hyper {
    double lr, mu, dampening;
  };
  struct Step {
    T mu, gain, rate;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double gain = t == 1 ? 1.0 : 1 - h.dampening;
    return {T(h.mu), T(form == Rate::outside ? gain : gain * h.lr), T(h.lr)};
  }

  static constexpr bool linear = true;
  static constexpr int carrier = 0;
  static void idle(const Step& h, double keep, double decay, Gap& gap) {
    const double way = form == Rate::outside ? -double(h.rate) : 1.0;  // w <- keep w + way b
    gap.cc = double(h.mu);
    gap.cw = (form == Rate::outside ? 1.0 : -1.0) * double(h.gain) * decay;
    gap.ww = keep + way * gap.cw;
    gap.wc = way * gap.cc;
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [b] = s;
    if constexpr (form == Rate::outside) {
      b = h.mu * b + h.gain * g;
      w -= h.rate * b;
    } else {
      b = h.mu * b - h.gain * g;
      w += b;
    }
  }
};

template <class T, Rate form>
struct Nesterov : Elementwise {
  static constexpr const char* name = "nesterov";
  static constexpr int variant = int(form);
  static constexpr auto slots = names("b");
  static constexpr auto hyper = names("lr", "momentum");
  struct Hyper {
    double lr, mu;
  };
  struct Step {
    T mu, rate;
  };

  static Step at(const Hyper& h, std::int64_t) { return {T(h.mu), T(h.lr)}; }

  static constexpr bool linear = true;
  static constexpr int carrier = 0;
  static void idle(const Step& h, double keep, double decay, Gap& gap) {
    const double mu = double(h.mu), rate = double(h.rate);
    gap.cc = mu;
    if (form == Rate::outside) {  // b <- mu b + decay w;  w <- keep w - rate (decay w + mu b)
      gap.cw = decay;
      gap.ww = keep - rate * decay * (1 + mu);
      gap.wc = -rate * mu * mu;
    } else {  // b <- mu b - rate decay w;  w <- keep w + mu b - rate decay w
      gap.cw = -rate * decay;
      gap.ww = keep - rate * decay * (1 + mu);
      gap.wc = mu * mu;
    }
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [b] = s;
    if constexpr (form == Rate::outside) {
      b = h.mu * b + g;
      w -= h.rate * (g + h.mu * b);
    } else {
      const P move = h.rate * g;
      b = h.mu * b - move;
      w += h.mu * b - move;
    }
  }
};

}  // namespace schuss
