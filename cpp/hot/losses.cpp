// Products with sparse rows, and losses of scores eight at a time.
#include "schuss/losses.hpp"

#include "schuss/exponential.hpp"
#include "schuss/list.hpp"
#include "schuss/vector_kernels.hpp"

namespace schuss {
namespace {

// Four sums keep four loads in flight.
template <class V, class X, bool ones>
double row_product(const std::int32_t* ids, const V* values, const X* x, std::int64_t n) {
  double sum[4] = {};
  std::int64_t k = 0;
  for (; k + 4 <= n; k += 4)
    for (int j = 0; j < 4; ++j) sum[j] += ones ? double(x[ids[k + j]]) : double(values[k + j]) * double(x[ids[k + j]]);
  for (; k < n; ++k) sum[0] += ones ? double(x[ids[k]]) : double(values[k]) * double(x[ids[k]]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

template <class V, class X>
void product(const Sparse& a, const void* vector, std::int64_t first, std::int64_t last, double* out) {
  const X* const x = static_cast<const X*>(vector);
  const V* const values = static_cast<const V*>(a.values);
  for (std::int64_t i = first; i < last; ++i) {
    const std::int64_t from = a.start[i], n = a.start[i + 1] - from;
    if (a.width == 1) {
      out[i] = values ? row_product<V, X, false>(a.ids + from, values + from, x, n)
                      : row_product<V, X, true>(a.ids + from, nullptr, x, n);
      continue;
    }
    double* const to = out + i * a.width;
    for (std::int64_t c = 0; c < a.width; ++c) to[c] = 0;
    for (std::int64_t k = from; k < from + n; ++k) {
      const double value = values ? double(values[k]) : 1;
      const X* const own = x + a.ids[k] * a.width;
      for (std::int64_t c = 0; c < a.width; ++c) to[c] += value * double(own[c]);
    }
  }
}

// log(1 + u) for 0 <= u <= 1, by 2 artanh(u / (2 + u)); exact to 1e-16 of 1.
[[gnu::always_inline]] inline double log_1p(double u) {
  const double s = u / (2 + u), q = s * s;
  double series = 1.0 / 35;
  for (int i = 33; i > 0; i -= 2) series = series * q + 1.0 / i;
  return 2 * s * series;
}

// log(1 + e^-m) with m = label z; its derivative is -label / (1 + e^m).
double logistic(double* scores, const double* labels, const double* weights, std::int64_t rows, std::int64_t) {
  const Eight one = fill(1.0), zero = fill(0.0);
  Eight sum = zero;
  for_packs<double>(rows, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Eight label = read(labels + i, k), margin = label * read(scores + i, k);
    const Eight u = exp(-magnitude(margin));
    const Eight loss = larger(-margin, zero) + map([](double lane) { return log_1p(lane); }, u);
    const Eight part = where(less(zero, margin), u / (one + u), one / (one + u)) + (margin - margin);
    const Eight weight = weights ? read(weights + i, k) : one;
    write(scores + i, -(weight * (label * part)), k);
    alignas(64) double each[lanes<double>] = {};
    store(each, weight * loss);
    for (int j = int(k); j < lanes<double>; ++j) each[j] = 0;  // beyond the tail a margin is 0, its loss is not
    sum += load(each);
  });
  return total(sum);
}

// (z - label)^2 / 2
double squared(double* scores, const double* labels, const double* weights, std::int64_t rows, std::int64_t) {
  Eight sum = fill(0.0);
  for_packs<double>(rows, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Eight off = read(scores + i, k) - read(labels + i, k);
    const Eight weight = weights ? read(weights + i, k) : fill(1.0);
    write(scores + i, weight * off, k);
    sum += weight * (0.5 * (off * off));
  });
  return total(sum);
}

// e^z - label z
double poisson(double* scores, const double* labels, const double* weights, std::int64_t rows, std::int64_t) {
  double sum = 0;
  for_packs<double>(rows, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Eight z = read(scores + i, k), label = read(labels + i, k), mean = exp(z);
    const Eight weight = weights ? read(weights + i, k) : fill(1.0);
    write(scores + i, weight * (mean - label), k);
    double each[lanes<double>];
    store(each, weight * (mean - label * z));
    for (int j = 0; j < int(k); ++j) sum += each[j];
  });
  return sum;
}

// log of the sum of e^z, less z of the label
double softmax(double* scores, const double* labels, const double* weights, std::int64_t rows, std::int64_t width) {
  double sum = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    double* const z = scores + i * width;
    double most = z[0];
    for (std::int64_t c = 1; c < width; ++c) most = std::max(most, z[c]);
    const auto label = std::int64_t(labels[i]);
    const double own = z[label] - most, weight = weights ? weights[i] : 1;
    Eight all = fill(0.0);
    for_packs<double>(width, [&](std::int64_t c, auto k) __attribute__((always_inline)) {
      const Eight e = exp(read(z + c, k) - fill(most));
      write(z + c, e, k);
      all += read(z + c, k);
    });
    const double whole = total(all);
    sum += weight * (std::log(whole) - own);
    for (std::int64_t c = 0; c < width; ++c) z[c] *= weight / whole;
    z[label] -= weight;
  }
  return sum;
}

}  // namespace

const Losses* losses() {
  static constexpr Losses all = {
      {{product<float, float>, product<float, double>}, {product<double, float>, product<double, double>}},
      {logistic, squared, poisson, softmax}};
  return &all;
}

}  // namespace schuss
