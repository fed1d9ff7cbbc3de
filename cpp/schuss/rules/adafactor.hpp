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
    double rate_of_all, eps2, limit, fresh, added, least_mean, least;
    bool scaled;
    T gain, more, keep, rate;
    double mean;  // of the rows' means
    T most;       // that a gradient is multiplied with
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
    step.least = clamp ? h.eps1 * h.eps1 : 0;
    step.gain = T(step.fresh);
    step.more = T(step.added);
    step.keep = T(1 - h.lr * h.decay);
    step.most = finite(clamp ? 1 / h.eps1 : infinity<double>);
    return step;
  }

  // Of sum u^2 and sum w^2.
  static void settle(int, const double* found, std::int64_t n, T*, Step& step) {
    const double size = step.scaled ? std::max(step.eps2, std::sqrt(found[1] / double(n))) : 1;
    step.rate = T(step.rate_of_all * size / std::max(1.0, std::sqrt(found[0] / double(n)) / step.limit));
  }

  // Zeros of g times it are zeros.
  static T finite(double x) { return T(std::min(x, double(std::numeric_limits<T>::max()))); }
};

template <class T>
struct Adafactor : AdafactorStep<T> {
  using Step = typename AdafactorStep<T>::Step;
  static constexpr const char* name = "adafactor";
  static constexpr int variant = 0;
  static constexpr auto slots = names("v");
  static constexpr bool sees_weights = true;
  static constexpr std::size_t sees_slots = 1;

  template <int, class P>
  [[gnu::always_inline]] static std::array<P, 2> look(const P& w, const std::array<P, 1>& s, const P& g,
                                                      const Step& h) {
    const P u = unit(g, moment(s[0], g, h), h);
    return {u * u, w * w};
  }

  template <class P>
  [[gnu::always_inline]] static void apply(P& w, std::array<P, 1>& s, const P& g, const Step& h) {
    s[0] = moment(s[0], g, h);
    w = h.keep * w - h.rate * unit(g, s[0], h);
  }

 private:
  template <class P>
  [[gnu::always_inline]] static P moment(const P& v, const P& g, const Step& h) {
    return v + h.gain * (g * g + h.more - v);
  }
  template <class P>
  [[gnu::always_inline]] static P unit(const P& g, const P& moment, const Step& h) {
    return g / root(larger(moment, fill(T(h.least))));
  }
};

// The moment of row i and column j is v = r_i c_j / mean(r); u = g a_i b_j with a_i = sqrt(mean(r) / r_i) and
// b_j = 1 / sqrt(c_j), so that roots are taken of rows and columns only. c takes the place of a slot. Where no moment
// is below its least,
//
//   sum u^2 = mean(r) sum_j (sum_i g_ij^2 / r_i) / c_j
//
// whose inner sums are taken in the pass that finds r: a row's mean is known as soon as the row has been read.
template <class T>
struct AdafactorFactored : AdafactorStep<T> {
  using Step = typename AdafactorStep<T>::Step;
  static constexpr const char* name = "adafactor";
  static constexpr int variant = 1;
  static constexpr auto slots = names();
  static constexpr auto shared = names("r", "c");
  static constexpr bool factored = true;

  // A row's or column's new mean from its sum of g^2, and what the squares in a row are multiplied with.
  static T averaged(T mean, double sum, std::int64_t each, const Step& h) {
    return T(double(mean) + h.fresh * (sum / double(each) + h.added - double(mean)));
  }
  static T inverse(T r) { return AdafactorStep<T>::finite(1 / double(r)); }

  // Whether all moments are at their least or above.
  static bool unclamped(double least_row, double least_column, const Step& h) {
    return !(least_row * least_column / h.mean < h.least);
  }

  static T of_row(T r, const Step& h) { return AdafactorStep<T>::finite(std::sqrt(h.mean / double(r))); }
  template <class P>
  [[gnu::always_inline]] static P of_columns(const P& c) {
    return fill(T(1)) / root(c);
  }
  template <class P>
  [[gnu::always_inline]] static P unit(const P& g, const P& of_row, const P& of_columns, const Step& h) {
    return g * smaller(of_row * of_columns, fill(h.most));
  }
};

}  // namespace schuss
