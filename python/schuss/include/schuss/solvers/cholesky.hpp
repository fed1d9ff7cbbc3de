// Cholesky factors of a dense symmetric matrix, rows in double, columns by inner products of rows.
#pragma once
#include <cmath>
#include <vector>

#include "space.hpp"

namespace schuss {

class Cholesky {
 public:
  Cholesky(const Vectors* vectors, std::int64_t n) : vectors_(vectors), n_(n), rows_(n * n, f64) {}

  // L L' = A + shift I from the lower triangle of A; -1, or the first row whose pivot is not positive.
  std::int64_t factor(const double* a, double shift, double least, int threads) {
    double* const l = rows_.as<double>();
    std::copy_n(a, n_ * n_, l);
    for (std::int64_t j = 0; j < n_; ++j) {
      const double square = l[j * n_ + j] + shift - own(j, j);
      if (!(square > least)) return j;
      const double pivot = l[j * n_ + j] = std::sqrt(square);
      const std::int64_t rows = n_ - j - 1, tasks = (rows + together - 1) / together;
      Team::get().run(tasks, j * rows > 200000 ? threads : 1, [&](std::int64_t task, int) {
        const std::int64_t first = j + 1 + task * together, last = std::min(n_, first + together);
        const void* left[together];
        double out[together] = {};
        const void* const right = l + j * n_;
        for (std::int64_t i = first; i < last; ++i) left[i - first] = l + i * n_;
        vectors_->dots(left, int(last - first), &right, 1, j, out);
        for (std::int64_t i = first; i < last; ++i) l[i * n_ + j] = (l[i * n_ + j] - out[i - first]) / pivot;
      });
    }
    return -1;
  }

  // x = (L L')^-1 b
  void solve(const double* b, double* x) const {
    const double* const l = rows_.as<double>();
    for (std::int64_t i = 0; i < n_; ++i) {
      double sum = b[i];
      for (std::int64_t j = 0; j < i; ++j) sum -= l[i * n_ + j] * x[j];
      x[i] = sum / l[i * n_ + i];
    }
    back(n_, x);
  }

  // Where the pivot of row k was not positive: v with v' A v = that pivot, v_k = 1.
  void curved(std::int64_t k, double* v) const {
    const double* const l = rows_.as<double>();
    for (std::int64_t j = 0; j < n_; ++j) v[j] = j < k ? -l[k * n_ + j] : 0;
    back(k, v);
    v[k] = 1;
  }

 private:
  static constexpr std::int64_t together = 64;

  double own(std::int64_t i, std::int64_t n) const {
    const void* const row = rows_.as<double>() + i * n_;
    double out = 0;
    vectors_->dots(&row, 1, &row, 1, n, &out);
    return out;
  }
  // x = L'^-1 x for the first n rows
  void back(std::int64_t n, double* x) const {
    const double* const l = rows_.as<double>();
    for (std::int64_t i = n - 1; i >= 0; --i) {
      x[i] /= l[i * n_ + i];
      for (std::int64_t j = 0; j < i; ++j) x[j] -= l[i * n_ + j] * x[i];
    }
  }

  const Vectors* vectors_;
  std::int64_t n_;
  Vec rows_;
};

}  // namespace schuss
