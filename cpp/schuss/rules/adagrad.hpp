// Duchi, Hazan & Singer 2011, diagonal form. Where eps sits is a type: root(s) + eps (torch) or root(s + eps) (d2l,
// Keras).
#pragma once
#include "../rule.hpp"

namespace schuss {

enum class Eps { outside, inside };

template <Eps place, class P, class T>
[[gnu::always_inline]] inline P guarded_root(const P& s, T eps) {
  if constexpr (place == Eps::outside) return root(s) + eps;
  return root(s + eps);
}

template <class T, Eps place>
struct AdaGrad : Elementwise {
  static constexpr const char* name = "adagrad";
  static constexpr int variant = int(place);
  static constexpr auto slots = names("s");
  static constexpr auto hyper = names("lr", "eps", "lr_decay");
  static constexpr bool paired = true, halves = true;
  struct Hyper {
    double lr, eps, decay;
  };
  struct Step {
    T rate, eps;
  };

  static Step at(const Hyper& h, std::int64_t t) { return {T(h.lr / (1 + double(t - 1) * h.decay)), T(h.eps)}; }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    auto& [sum] = s;
    sum += g * g;
    w -= h.rate * g / guarded_root<place>(sum, h.eps);
  }
};

// One sum for a whole row, of the row's mean square (Mudigere et al. 2022, FBGEMM).
template <class T, Eps place>
struct RowWiseAdaGrad : GroupRule {
  static constexpr const char* name = "row_wise_adagrad";
  static constexpr int variant = int(place);
  static constexpr Group group = Group::row;
  static constexpr auto slots = names();
  static constexpr auto shared = names("s");
  static constexpr auto hyper = names("lr", "eps");
  static constexpr bool paired = true, halves = true;
  static constexpr std::array<Fold, 1> looks{Fold::sum};
  static constexpr int terms = 1;
  struct Hyper {
    double lr, eps;
  };
  struct Step {
    double lr, eps;
    T rate;
  };

  static Step at(const Hyper& h, std::int64_t) { return {h.lr, h.eps, T(0)}; }

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 1> look(const P&, const std::array<P, 0>&, const P& g, const Step&) {
    return {g * g};
  }

  static void settle(int, const double* squares, std::int64_t n, T* shared, Step& step) {
    const double share = 1 / double(n);  // known before the squares are: a division less to wait for
    const double sum = double(*shared) + *squares * share;
    *shared = T(sum);
    step.rate = T(step.lr / (place == Eps::outside ? std::sqrt(sum) + step.eps : std::sqrt(sum + step.eps)));
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 0>&, const P& g, const Step& h) {
    w -= h.rate * g;
  }
};

}  // namespace schuss
