// Sums and plain passes over vectors, in fixed lane order: the same bits on every level.
#pragma once
#include <algorithm>

#include "pack.hpp"
#include "rule.hpp"

namespace schuss {

// One double per lane, folded at the end as a fixed tree. Float packs are summed in double too.
template <class T, Fold fold>
struct Folder {
  alignas(64) double lane[lanes<T>];

  Folder() { std::fill_n(lane, lanes<T>, fold == Fold::sum ? 0.0 : -infinity<double>); }

  [[gnu::always_inline]] void add(const Pack<T>& a, int count = lanes<T>) {
    alignas(64) T x[lanes<T>];
    store(x, a);
    if (count == lanes<T>) {
      for (int i = 0; i < lanes<T>; ++i) lane[i] = join(lane[i], double(x[i]));
    } else {
      for (int i = 0; i < count; ++i) lane[i] = join(lane[i], double(x[i]));
    }
  }

  double result() const {
    double part[lanes<T>];
    std::copy_n(lane, lanes<T>, part);
    for (int half = lanes<T> / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) part[i] = join(part[i], part[i + half]);
    return part[0];
  }

  [[gnu::always_inline]] static double join(double a, double b) { return fold == Fold::sum ? a + b : (a < b ? b : a); }
};

// Calls some(i, count) for the packs of 0 .. n; the tail is the body with a zero-filled pack.
template <class T, class F>
[[gnu::always_inline]] inline void for_packs(std::int64_t n, F some) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) some(i, std::integral_constant<int, lanes<T>>{});
  if (i < n) some(i, int(n - i));
}

// A count known at compile time means a whole pack.
template <class T, int n>
[[gnu::always_inline]] inline Pack<T> load(const T* from, std::integral_constant<int, n>) {
  return load(from);
}
template <class T, int n>
[[gnu::always_inline]] inline void store(T* to, const Pack<T>& a, std::integral_constant<int, n>) {
  store(to, a);
}

template <class T>
std::int64_t not_finite(const T* a, std::int64_t n) {
  constexpr std::int64_t block = 4096;
  for (std::int64_t from = 0; from < n; from += block) {
    const std::int64_t count = std::min(block, n - from);
    Pack<T> bad[4] = {fill(T(0)), fill(T(0)), fill(T(0)), fill(T(0))};  // x - x is 0, or NaN for infinities and NaN
    std::int64_t i = from;
    for (; i + 4 * lanes<T> <= from + count; i += 4 * lanes<T>)
      for (int j = 0; j < 4; ++j) {
        const Pack<T> x = load(a + i + j * lanes<T>);
        bad[j] += x - x;
      }
    for_packs<T>(from + count - i, [&](std::int64_t j, auto k) __attribute__((always_inline)) {
      const Pack<T> x = load(a + i + j, k);
      bad[0] += x - x;
    });
    Folder<T, Fold::sum> sum;
    sum.add((bad[0] + bad[1]) + (bad[2] + bad[3]));
    if (sum.result() != 0)
      for (i = from; i < from + count; ++i)
        if (!std::isfinite(a[i])) return i;
  }
  return -1;
}

template <class T>
[[gnu::always_inline]] inline Pack<T> clamped(const Pack<T>& g, T unit, T limit) {
  return clip(unit * g, -limit, limit);
}

// Each number is widened before it is squared: float gradients beyond 1e19 have finite squares here.
template <class T>
double squares(const T* g, std::int64_t n, T unit, T limit) {
  Folder<T, Fold::sum> sum;
  for_packs<T>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    alignas(64) T x[lanes<T>];
    store(x, clamped(load(g + i, k), unit, limit));
    for (int j = 0; j < lanes<T>; ++j) sum.lane[j] += double(x[j]) * double(x[j]);
  });
  return sum.result();
}

template <class T>
void add(T* to, const T* a, std::int64_t n) {
  for_packs<T>(n, [&](std::int64_t i, auto k)
                      __attribute__((always_inline)) { store(to + i, load(to + i, k) + load(a + i, k), k); });
}

template <class T>
void average(T* mean, const T* w, std::int64_t n, T gain) {
  for_packs<T>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Pack<T> old = load(mean + i, k);
    store(mean + i, old + gain * (load(w + i, k) - old), k);
  });
}

}  // namespace schuss
