// The compact form of the L-BFGS matrix: B = theta I - W M W', W = [Y, theta S] (Byrd, Nocedal & Schnabel 1994).
#pragma once
#include <cmath>

#include "fields.hpp"
#include "space.hpp"

namespace schuss {

// A small square matrix, by rows.
struct Square {
  int n = 0;
  std::vector<double> a;

  explicit Square(int size = 0) : n(size), a(std::size_t(size * size)) {}
  double& operator()(int i, int j) { return a[std::size_t(i * n + j)]; }
  double operator()(int i, int j) const { return a[std::size_t(i * n + j)]; }

  std::vector<double> operator*(const std::vector<double>& x) const {
    std::vector<double> y(std::size_t(n), 0.0);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) y[std::size_t(i)] += (*this)(i, j) * x[std::size_t(j)];
    return y;
  }

  // By Gauss and Jordan with row pivots; false where it is singular.
  bool invert() {
    Square left = *this, right(n);
    for (int i = 0; i < n; ++i) right(i, i) = 1;
    for (int k = 0; k < n; ++k) {
      int best = k;
      for (int i = k + 1; i < n; ++i)
        if (std::abs(left(i, k)) > std::abs(left(best, k))) best = i;
      const double pivot = left(best, k);
      if (!(std::abs(pivot) > 0) || !std::isfinite(pivot)) return false;
      for (int j = 0; j < n; ++j) {
        std::swap(left(k, j), left(best, j));
        std::swap(right(k, j), right(best, j));
        left(k, j) /= pivot;
        right(k, j) /= pivot;
      }
      for (int i = 0; i < n; ++i) {
        const double factor = left(i, k);
        if (i == k || factor == 0) continue;
        for (int j = 0; j < n; ++j) {
          left(i, j) -= factor * left(k, j);
          right(i, j) -= factor * right(k, j);
        }
      }
    }
    a = right.a;
    return true;
  }
};

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

class Compact {
 public:
  int memory, count = 0, next = 0;
  double theta = 1;
  Square middle;  // M

  Compact(const Space& space, int pairs)
      : memory(pairs), s_(space.make(pairs)), y_(space.make(pairs)), ss_(pairs), sy_(pairs), yy_(pairs) {}

  int slot(int k) const { return (next - count + k + memory) % memory; }
  void* new_s() const { return s_.row(next); }
  void* new_y() const { return y_.row(next); }
  void clear() {
    count = 0;
    theta = 1;
    middle = Square(0);
  }

  // The columns of [Y, S], each without theta.
  Pointers columns() const {
    Pointers all;
    for (int k = 0; k < count; ++k) all.push_back(y_.row(slot(k)));
    for (int k = 0; k < count; ++k) all.push_back(s_.row(slot(k)));
    return all;
  }
  // W' v
  std::vector<double> times(Space& space, const void* v) const {
    std::vector<double> out(std::size_t(2 * count));
    space.dots(columns(), &v, 1, out.data());
    for (int k = 0; k < count; ++k) out[std::size_t(count + k)] *= theta;
    return out;
  }
  // Row i of W
  void row(const Space& space, std::int64_t i, std::vector<double>& w) const {
    for (int k = 0; k < count; ++k) {
      w[std::size_t(k)] = space.get(y_.row(slot(k)), i);
      w[std::size_t(count + k)] = theta * space.get(s_.row(slot(k)), i);
    }
  }
  // W' W
  Square gram() const {
    Square w(2 * count);
    for (int i = 0; i < count; ++i)
      for (int j = 0; j < count; ++j) {
        w(i, j) = yy_(slot(i), slot(j));
        w(i, count + j) = w(count + j, i) = theta * sy_(slot(j), slot(i));
        w(count + i, count + j) = theta * theta * ss_(slot(i), slot(j));
      }
    return w;
  }

  // The pair that lies in the next slot.
  void take(Space& space) {
    count = std::min(count, memory - 1);
    const int kept = count++, own = next;
    next = (next + 1) % memory;
    const void* const right[] = {s_.row(own), y_.row(own)};
    std::vector<double> out(std::size_t(4 * count));
    space.dots(columns(), right, 2, out.data());
    const double* const with_y = out.data();
    const double* const with_s = with_y + 2 * count;
    const double sy = with_s[2 * kept + 1], yy = with_y[2 * kept + 1], square = with_s[2 * kept];
    if (!(sy > 1e-12 * std::sqrt(square * yy))) {
      --count;
      next = own;
      return;
    }
    for (int k = 0; k < count; ++k) {
      const int i = slot(k);
      sy_(own, i) = with_y[2 * k];
      sy_(i, own) = with_s[2 * k + 1];
      yy_(i, own) = yy_(own, i) = with_y[2 * k + 1];
      ss_(i, own) = ss_(own, i) = with_s[2 * k];
    }
    theta = yy / sy;
    refresh();
  }

  void fields(Fields& all) {
    all("history.count", count);
    all("history.next", next);
    all("theta", theta);
  }
  void arrays(std::vector<Named>& all, const Space& space) {
    for (int k = 0; k < memory; ++k) {
      all.push_back({"history.s." + std::to_string(k), s_.row(k), space.n, space.number});
      all.push_back({"history.y." + std::to_string(k), y_.row(k), space.n, space.number});
    }
    for (auto [name, square] : {std::pair{"history.ss", &ss_}, {"history.sy", &sy_}, {"history.yy", &yy_}})
      all.push_back({name, square->a.data(), std::int64_t(square->a.size()), f64});
  }

  // M = [-D L'; L theta S'S]^-1 (eq. 3.4 of Byrd, Lu, Nocedal & Zhu 1995); without pairs where that is singular.
  void refresh() {
    middle = Square(2 * count);
    for (int i = 0; i < count; ++i) {
      middle(i, i) = -sy_(slot(i), slot(i));
      for (int j = 0; j < count; ++j) {
        if (i > j) middle(count + i, j) = middle(j, count + i) = sy_(slot(i), slot(j));
        middle(count + i, count + j) = theta * ss_(slot(i), slot(j));
      }
    }
    if (!middle.invert()) clear();
  }

 private:
  Vec s_, y_;
  Square ss_, sy_, yy_;  // sy_(i, j) = s_i . y_j
};

}  // namespace schuss
