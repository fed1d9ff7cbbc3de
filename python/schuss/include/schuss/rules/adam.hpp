// Kingma & Ba 2015, Algorithm 1; with `amsgrad` Reddi, Kale & Kumar 2018, Algorithm 2 (the maximum over raw v, as
// torch). eps "outside": root(v / c2) + eps, as in Algorithm 1. eps "hat": root(v) + eps with the corrections in the
// rate, the form of the paper's section 2, Keras and torch's SparseAdam. Both are one loop: the corrections fold into
// two scalars.
#pragma once
#include "../rule.hpp"

namespace schuss {

template <class T, bool amsgrad>
struct Adam : Elementwise {
  static constexpr const char* name = "adam";
  static constexpr int variant = int(amsgrad);
  static constexpr auto slots = [] {
    if constexpr (amsgrad) return names("m", "v", "x");
    else return names("m", "v");
  }();
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "hat", "bias_correction");
  struct Hyper {
    double lr, b1, b2, eps, hat, corrected;
  };
  struct Step {
    T gain1, gain2, rate, floor;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const double c1 = h.corrected != 0 ? 1 - std::pow(h.b1, t) : 1;
    const double c2 = h.corrected != 0 ? std::sqrt(1 - std::pow(h.b2, t)) : 1;
    return {T(1 - h.b1), T(1 - h.b2), T(h.lr * c2 / c1), T(h.hat != 0 ? h.eps : h.eps * c2)};
  }

  static constexpr Idle idling = Idle::drift;
  static double fading(const Hyper& h) { return amsgrad ? h.b1 : h.b1 / std::sqrt(h.b2); }
  static void idle(const Step& h, double keep, double, Gap& gap) {
    gap.fade[0] = 1 - double(h.gain1);
    gap.fade[1] = 1 - double(h.gain2);
    gap.drift_by(keep, double(h.rate), gap.fade[0], amsgrad ? 1 : std::sqrt(gap.fade[1]), double(h.floor));
  }
  template <class P>
  [[gnu::always_inline]] static P size(const std::array<P, slots.size()>& s) {
    return root(s.size() == 3 ? s.back() : s[1]);
  }
  template <class P>
  static void hold(std::array<P, slots.size()>&, T) {}

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, slots.size()>& s, const P& g, const Step& h) {
    auto &m = s[0], &v = s[1];
    m += h.gain1 * (g - m);
    v += h.gain2 * (g * g - v);
    P size = v;
    if constexpr (amsgrad) size = s[2] = larger(s[2], v);
    w -= h.rate * m / (root(size) + h.floor);
  }
};

// The same paper, Algorithm 2 (section 7.1). The paper has no eps and divides 0 by 0 where no gradient ever came;
// eps "max": u = max(b2 u, |g| + eps) (torch), eps "outside": m / (u + eps) (Keras). One of the two scalars is zero.
template <class T>
struct AdaMax : Elementwise {
  static constexpr const char* name = "adamax";
  static constexpr auto slots = names("m", "u");
  static constexpr auto hyper = names("lr", "beta1", "beta2", "eps", "outside");
  struct Hyper {
    double lr, b1, b2, eps, outside;
  };
  struct Step {
    T gain1, b2, rate, least, floor;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const bool outside = h.outside != 0;
    return {T(1 - h.b1), T(h.b2), T(h.lr / (1 - std::pow(h.b1, t))), T(outside ? 0 : h.eps), T(outside ? h.eps : 0)};
  }

  static constexpr Idle idling = Idle::drift;
  static double fading(const Hyper& h) { return h.b1 / h.b2; }
  static void idle(const Step& h, double keep, double, Gap& gap) {
    gap.fade[0] = 1 - double(h.gain1);
    gap.fade[1] = double(h.b2);
    gap.drift_by(keep, double(h.rate), gap.fade[0], gap.fade[1], double(h.floor));
    gap.least = double(h.least);
  }
  template <class P>
  [[gnu::always_inline]] static P size(const std::array<P, 2>& s) {
    return s[1];
  }
  template <class P>
  [[gnu::always_inline]] static void hold(std::array<P, 2>& s, T least) {
    s[1] = larger(s[1], fill(least));
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    auto& [m, u] = s;
    m += h.gain1 * (g - m);
    u = larger(magnitude(g) + h.least, h.b2 * u);
    w -= h.rate * m / (u + h.floor);
  }
};

}  // namespace schuss
