// Shazeer & Stern 2018, Algorithms 4 (matrices: the second moment is the product of its rows' and columns' means) and 5
// (vectors: as it is), without momentum. eps "square": g^2 + eps1 is averaged, as in the paper; "clamp": the moment and
// its mean are kept above eps1^2 and eps1 (torch).
#pragma once
#include <algorithm>

#include "../rule.hpp"

namespace schuss {

template <class T>
struct AdafactorStep : GroupRule {
  static constexpr Group group = Group::array;
  static constexpr auto hyper =
      names("lr", "decay_power", "eps1", "eps2", "limit", "clamp", "relative_step", "scale_parameter", "weight_decay");
  static constexpr std::array<Fold, 1> looks{Fold::sum};
  static constexpr int terms = 2;
  static constexpr bool whole_only = true;
  static constexpr Idle idling = Idle::never;
  struct Hyper {
    double lr, power, eps1, eps2, limit, clamp, relative, scaled, decay;
  };
  struct Step {
    double rate_of_all, eps2, limit, fresh, added, least_mean;
    bool scaled;
    T gain, more, least, keep, rate, share;
  };

  static Step at(const Hyper& h, std::int64_t t) {
    const bool clamp = h.clamp != 0;
    Step step{};
    step.rate_of_all = h.relative != 0 ? std::min(h.lr, 1 / std::sqrt(double(t))) : h.lr;
    step.eps2 = h.eps2;
    step.limit = h.limit;
    step.fresh = std::pow(double(t), -h.power);
    step.added = clamp ? 0 : h.eps1;
    step.least_mean = clamp ? h.eps1 : 0;
    step.scaled = h.scaled != 0;
    step.gain = T(step.fresh);
    step.more = T(step.added);
    step.least = T(clamp ? h.eps1 * h.eps1 : 0);
    step.keep = T(1 - h.lr * h.decay);
    return step;
  }

  // Of sum u^2 and sum w^2.
  static void settle(int, const double* found, std::int64_t n, T*, Step& step) {
    const double size = step.scaled ? std::max(step.eps2, std::sqrt(found[1] / double(n))) : 1;
    step.rate = T(step.rate_of_all * size / std::max(1.0, std::sqrt(found[0] / double(n)) / step.limit));
  }

  template <class P>
  [[gnu::always_inline]] static P scaled(const P& g, const P& moment, const Step& h) {
    return g / root(larger(moment, fill(h.least)));
  }
};

template <class T>
struct Adafactor : AdafactorStep<T> {
  using Step = typename AdafactorStep<T>::Step;
  static constexpr const char* name = "adafactor";
  static constexpr int variant = 0;
  static constexpr auto slots = names("v");

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 2> look(const P& w, const std::array<P, 1>& s, const P& g,
                                                      const Step& h) {
    const P u = AdafactorStep<T>::scaled(g, moment(s[0], g, h), h);
    return {u * u, w * w};
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    s[0] = moment(s[0], g, h);
    w = h.keep * w - h.rate * AdafactorStep<T>::scaled(g, s[0], h);
  }

 private:
  template <class P>
  [[gnu::always_inline]] static P moment(const P& v, const P& g, const Step& h) {
    return v + h.gain * (g * g + h.more - v);
  }
};

// The moment of row i and column j is r_i c_j / mean(r). `share` is r_i / mean(r); c takes the place of a slot.
template <class T>
struct AdafactorFactored : AdafactorStep<T> {
  using Step = typename AdafactorStep<T>::Step;
  static constexpr const char* name = "adafactor";
  static constexpr int variant = 1;
  static constexpr auto slots = names();
  static constexpr auto shared = names("r", "c");
  static constexpr bool factored = true;

  // New means from the sums of g^2 along rows and columns.
  static void average(T* means, const double* sums, std::int64_t n, std::int64_t each, const Step& h) {
    for (std::int64_t i = 0; i < n; ++i)
      means[i] = T(double(means[i]) + h.fresh * (sums[i] / double(each) + h.added - double(means[i])));
  }
  static double mean(const T* r, std::int64_t rows, const Step& h) {
    double sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) sum += double(r[i]);
    return std::max(sum / double(rows), h.least_mean);
  }

  template <class P>
  [[gnu::always_inline]] static P unit(const P& c, const P& g, const Step& h) {
    return AdafactorStep<T>::scaled(g, h.share * c, h);
  }
};

}  // namespace schuss
