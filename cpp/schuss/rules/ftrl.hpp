// McMahan et al. 2013, Algorithm 1 (FTRL-Proximal); `power` is the exponent of n, 1/2 in the paper.
// The denominator is the paper's, (beta + n^power) / alpha + l2; TF and Keras have 2 l2.
#pragma once
#include "../exponential.hpp"
#include "../rule.hpp"

namespace schuss {

template <class T, bool rooted>
struct FTRL : Elementwise {
  static constexpr const char* name = "ftrl";
  static constexpr int variant = int(rooted);
  static constexpr auto slots = names("z", "n");
  static constexpr auto hyper = names("lr", "beta", "l1", "l2", "power");
  static constexpr bool paired = rooted;
  struct Hyper {
    double alpha, beta, l1, l2, power;
  };
  struct Step {
    double power;
    T per_alpha, least, l1;  // least = beta / alpha + l2
  };

  static Step at(const Hyper& h, std::int64_t) {
    return {h.power, T(1 / h.alpha), T(h.beta / h.alpha + h.l2), T(h.l1)};
  }

  static constexpr Idle idling = Idle::once;  // z and n stay, w follows alpha

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 2>& s, const P& g, const Step& h) {
    auto& [z, n] = s;
    const P more = n + g * g, before = raised(n, h), after = raised(more, h);
    z += g - h.per_alpha * (after - before) * w;
    n = more;
    const P beyond = larger(magnitude(z) - fill(h.l1), fill(T(0)));
    w = (fill(T(0)) - sign(z) * beyond) / (h.per_alpha * after + h.least);  // +0 inside the l1 ball
  }

 private:
  template <class P>
  [[gnu::always_inline]] static P raised(const P& n, const Step& h) {
    if constexpr (rooted) return root(n);
    return power(n, h.power);
  }
};

}  // namespace schuss
