// Scattered coordinates: gathered into packs, stepped, scattered back. Each coordinate once.
#pragma once
#include "span.hpp"

namespace schuss {

// The gradients of `count` coordinates from i on, duplicates summed in the order given.
template <class T>
[[gnu::always_inline]] inline void merged(const Coords& a, std::int64_t i, int count, T* sums) {
  const T* const g = static_cast<const T*>(a.g);
  for (int j = 0; j < count; ++j) {
    std::int64_t k = a.start[i + j];
    T sum = g[a.from[k]];
    while (++k < a.start[i + j + 1]) sum += g[a.from[k]];
    sums[j] = sum;
  }
}

// Up to a pack of coordinates in consecutive memory, so that the dense text serves them.
template <class R, class T>
struct Gathered {
  alignas(64) T w[lanes<T>] = {};
  alignas(64) T g[lanes<T>] = {};
  alignas(64) T slot[R::slots.size() + 1][lanes<T>] = {};
  std::array<T*, R::slots.size()> slots;

  Gathered(const Coords& a, std::int64_t i, int count) {
    merged(a, i, count, g);
    for (int j = 0; j < count; ++j) w[j] = static_cast<const T*>(a.w)[a.ids[i + j]];
    for (std::size_t s = 0; s < slots.size(); ++s) {
      slots[s] = slot[s];
      for (int j = 0; j < count; ++j) slot[s][j] = static_cast<const T*>(a.slots[s])[a.ids[i + j]];
    }
  }

  void scatter(const Coords& a, std::int64_t i, int count) const {
    for (int j = 0; j < count; ++j) static_cast<T*>(a.w)[a.ids[i + j]] = w[j];
    for (std::size_t s = 0; s < slots.size(); ++s)
      for (int j = 0; j < count; ++j) static_cast<T*>(a.slots[s])[a.ids[i + j]] = slot[s][j];
  }
};

template <class R, class T>
[[gnu::always_inline]] inline void fetch_coords(const Coords& a, std::int64_t i) {
  const std::int64_t end = std::min(i + 3 * lanes<T>, a.last);
  for (std::int64_t j = i + 2 * lanes<T>; j < end; ++j) {
    __builtin_prefetch(static_cast<const T*>(a.w) + a.ids[j], 1);
    for (std::size_t s = 0; s < R::slots.size(); ++s)
      __builtin_prefetch(static_cast<const T*>(a.slots[s]) + a.ids[j], 1);
  }
}

template <class R, class T>
void coords(const Coords& a, const void* step) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  for (std::int64_t i = a.first; i < a.last; i += lanes<T>) {
    const int count = int(std::min<std::int64_t>(lanes<T>, a.last - i));
    fetch_coords<R, T>(a, i);
    Gathered<R, T> pack(a, i, count);
    some<R, T>(plan.before.none, pack.w, pack.slots, pack.g, 0, std::integral_constant<int, lanes<T>>{}, plan);
    pack.scatter(a, i, count);
  }
}

template <class R, class T>
void look_coords(int which, const Coords& a, const void* step, double* folded) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  with_look<R>(which, [&](auto k) {
    Found<R, T, k> found;
    for (std::int64_t i = a.first; i < a.last; i += lanes<T>) {
      const int count = int(std::min<std::int64_t>(lanes<T>, a.last - i));
      const Gathered<R, T> pack(a, i, count);
      look_over<R, T, k>(pack.w, pack.slots, pack.g, count, plan, found);
    }
    join<R, T, k>(found, folded);
  });
}

template <class T>
double squares_coords(const Coords& a, double unit, double limit) {
  double sum = 0;
  for (std::int64_t i = a.first; i < a.last; i += lanes<T>) {
    const int count = int(std::min<std::int64_t>(lanes<T>, a.last - i));
    T g[lanes<T>] = {};
    merged(a, i, count, g);
    sum += squares(g, count, T(unit), T(limit));
  }
  return sum;
}

}  // namespace schuss
