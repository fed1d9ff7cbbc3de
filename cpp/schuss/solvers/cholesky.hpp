// Cholesky factors of a dense symmetric matrix, rows in double, by inner products of rows.
#pragma once
#include <cmath>
#include <vector>

#include "space.hpp"

namespace schuss {

class Cholesky {
 public:
  Cholesky(const Vectors* vectors, std::int64_t n) : vectors_(vectors), n_(n), rows_(n * n, f64) {}

  // L L' = A + shift I from the lower triangle of A; -1, or the first row whose pivot is not positive. A panel of
  // columns at a time, in blocks of rows: the inner products over the columns before it are taken while both blocks
  // stay in the cache. Every number is the sum of its own products in one order, whoever computes it.
  std::int64_t factor(const double* a, double shift, double least, int threads) {
    double* const l = rows_.as<double>();
    std::copy_n(a, n_ * n_, l);
    for (std::int64_t i = 0; i < n_; ++i) l[i * n_ + i] += shift;
    for (std::int64_t from = 0; from < n_; from += together) {
      const std::int64_t to = std::min(n_, from + together), tasks = (n_ - from + together - 1) / together;
      const int members = from * (n_ - from) > 20000 ? threads : 1;
      Team::get().run(tasks, members, [&](std::int64_t task, int) {
        const std::int64_t first = from + task * together;
        subtract(first, std::min(n_, first + together), from, to);
      });
      for (std::int64_t i = from; i < to; ++i) {
        const double square = below(i, from, i);
        if (!(square > least)) return i;
        l[i * n_ + i] = std::sqrt(square);
      }
      Team::get().run(tasks - 1, members, [&](std::int64_t task, int) {
        const std::int64_t first = to + task * together, last = std::min(n_, first + together);
        for (std::int64_t i = first; i < last; ++i) below(i, from, to);
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

  // Rows first .. last of columns from .. to: less the inner products over the columns before `from`.
  void subtract(std::int64_t first, std::int64_t last, std::int64_t from, std::int64_t to) {
    constexpr std::int64_t deep = 256;
    double* const l = rows_.as<double>();
    const void *left[together], *right[2];
    for (std::int64_t k = 0; k < from; k += deep) {
      for (std::int64_t i = first; i < last; ++i) left[i - first] = l + i * n_ + k;
      for (std::int64_t j = from; j < to; j += 2) {
        const int rights = int(std::min<std::int64_t>(2, to - j));
        double out[2 * together] = {};
        for (int r = 0; r < rights; ++r) right[r] = l + (j + r) * n_ + k;
        vectors_->dots(left, int(last - first), right, rights, std::min(deep, from - k), out);
        for (std::int64_t i = first; i < last; ++i)
          for (int r = 0; r < rights; ++r) l[i * n_ + j + r] -= out[(i - first) * rights + r];
      }
    }
  }
  // Row i of columns from .. to, which lie left of the diagonal; returns the square of the pivot where to = i.
  double below(std::int64_t i, std::int64_t from, std::int64_t to) {
    double* const l = rows_.as<double>();
    double* const row = l + i * n_;
    double square = row[i];
    for (std::int64_t j = from; j < to; ++j) {
      const double* const other = l + j * n_;
      double sum = row[j];
      for (std::int64_t k = from; k < j; ++k) sum -= row[k] * other[k];
      row[j] = sum / other[j];
      square -= row[j] * row[j];
    }
    return square;
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
