// Sums and plain passes over vectors, in fixed lane order: the same bits on every level.
#pragma once
#include <algorithm>
#include <type_traits>

#include "pack.hpp"
#include "rule.hpp"

namespace schuss {

// Numbers of a register of the level: no longer vector is ever returned.
template <class T>
constexpr int register_lanes = lanes<T> / Pack<T>::parts;

// A vector of the compiler.
template <class T, int n>
struct Run {
  typedef T Vector __attribute__((vector_size(n * sizeof(T))));
};

// The same numbers in double.
template <class T>
struct Wide {
  static constexpr int packs = int(sizeof(double) / sizeof(T));
  Pack<double> pack[packs];

  [[gnu::always_inline]] explicit Wide(const Pack<T>& a) {
    if constexpr (packs == 1) {
      pack[0] = a;
    } else {
      alignas(64) T x[lanes<T>];
      alignas(64) double y[lanes<T>];
      store(x, a);
      for (int i = 0; i < lanes<T>; ++i) y[i] = double(x[i]);
      for (int k = 0; k < packs; ++k) pack[k] = load(y + k * lanes<double>);
    }
  }
};

// Every lane becomes the sum of those `n` apart from it: lane i and lane i + half, from the widest half on. In
// registers, for what waits for a sum waits for all of its steps; both sides of a half add the same two numbers.
template <int n, class T, int half, std::size_t... i>
[[gnu::always_inline]] inline auto sums_apart(typename Run<T, register_lanes<T>>::Vector a,
                                              std::index_sequence<i...> all) {
  constexpr int width = register_lanes<T>;
  if constexpr (half < n) return a;
  else return sums_apart<n, T, half / 2>(a + __builtin_shufflevector(a, a, (int(i) + half) % width...), all);
}
template <int n, class T>
[[gnu::always_inline]] inline Pack<T> sums_apart(Pack<T> a) {
  constexpr int width = register_lanes<T>;
  for (int half = Pack<T>::parts / 2; half > 0 && half * width >= n; half /= 2) {
    const Pack<T> old = a;
    for (int i = 0; i < Pack<T>::parts; ++i) a.part[i] = Eigen::internal::padd(old.part[i], old.part[i ^ half]);
  }
  if constexpr (n < width) {
    typename Run<T, width>::Vector last;
    std::memcpy(&last, &a.part[0], sizeof last);
    last = sums_apart<n, T, width / 2>(last, std::make_index_sequence<width>{});
    for (auto& part : a.part) std::memcpy(&part, &last, sizeof last);
  }
  return a;
}

template <class T>
[[gnu::always_inline]] inline T sum_of(const Pack<T>& a) {
  return Eigen::internal::pfirst(sums_apart<1>(a).part[0]);
}

// Folds packs lane by lane, in double, and the lanes at the end as a fixed tree.
template <class T, Fold fold>
struct Folder {
  static constexpr T neutral = fold == Fold::sum ? T(0) : -infinity<T>;
  Wide<T> lane{fill(neutral)};

  [[gnu::always_inline]] void add(const Wide<T>& a) {
    for (int k = 0; k < Wide<T>::packs; ++k) lane.pack[k] = join(lane.pack[k], a.pack[k]);
  }
  [[gnu::always_inline]] void add(const Pack<T>& a) { add(Wide<T>(a)); }
  [[gnu::always_inline]] void add(const Pack<T>& a, int count) { add(kept(a, count)); }
  template <int n>
  [[gnu::always_inline]] void add(const Pack<T>& a, std::integral_constant<int, n>) {
    add(a);
  }

  double result() const {
    Pack<double> all = lane.pack[0];
    for (int k = 1; k < Wide<T>::packs; ++k) all = join(all, lane.pack[k]);
    for (int half = Pack<double>::parts / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) all.part[i] = join_parts(all.part[i], all.part[i + half]);
    typename Run<double, register_lanes<double>>::Vector last;
    std::memcpy(&last, &all.part[0], sizeof last);
    return halved<register_lanes<double>>(last);
  }

  template <class N>
  [[gnu::always_inline]] static N join(const N& a, const N& b) {
    if constexpr (fold == Fold::sum) return a + b;
    else if constexpr (std::is_arithmetic_v<N>) return a < b ? b : a;
    else return larger(a, b);
  }

 private:
  static typename Pack<double>::Part join_parts(const typename Pack<double>::Part& a,
                                                const typename Pack<double>::Part& b) {
    if constexpr (fold == Fold::sum) return Eigen::internal::padd(a, b);
    else return Eigen::internal::pmax(a, b);
  }

  // Lane i and lane i + n / 2, then again: in registers, for a group's rate waits for it.
  template <int n>
  [[gnu::always_inline]] static double halved(const typename Run<double, n>::Vector& a) {
    if constexpr (n == 1) {
      return a[0];
    } else if constexpr (n == 2) {
      return join(a[0], a[1]);
    } else {
      typename Run<double, n / 2>::Vector low, high;
      if constexpr (n == 4) low = __builtin_shufflevector(a, a, 0, 1), high = __builtin_shufflevector(a, a, 2, 3);
      else low = __builtin_shufflevector(a, a, 0, 1, 2, 3), high = __builtin_shufflevector(a, a, 4, 5, 6, 7);
      if constexpr (fold == Fold::sum) return halved<n / 2>(low + high);
      else return halved<n / 2>(low < high ? high : low);
    }
  }

  // The lanes beyond `count` are left out.
  static Pack<T> kept(const Pack<T>& a, int count) {
    alignas(64) T x[lanes<T>];
    store(x, a);
    std::fill(x + count, x + lanes<T>, neutral);
    return load(x);
  }
};

// Calls some(i, count) for the packs of 0 .. n; the tail is the body with a zero-filled pack.
template <class T, class F>
[[gnu::always_inline]] inline void for_packs(std::int64_t n, F some) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) some(i, std::integral_constant<int, lanes<T>>{});
  if (i < n) some(i, int(n - i));
}

// 0 in the lanes from `count` on. For numbers that may be read beyond: less work than a load of some.
template <class T>
[[gnu::always_inline]] inline Pack<T> first_of(const Pack<T>& a, int count) {
  struct Window {
    alignas(64) T all[2 * lanes<T>];
    constexpr Window() : all{} {
      for (int i = 0; i < lanes<T>; ++i) all[i] = T(1);
    }
  };
  static constexpr Window window{};
  const Pack<T> zero = fill(T(0));
  return where(less(zero, load(window.all + lanes<T> - count)), a, zero);
}
template <class T, int n>
[[gnu::always_inline]] inline Pack<T> first_of(const Pack<T>& a, std::integral_constant<int, n>) {
  return a;
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
    Wide<T> x(clamped(load(g + i, k), unit, limit));
    for (auto& part : x.pack) part = part * part;
    sum.add(x);
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
