// Rows by id: each row once, with the sum of its gradients in the order given. Row i + near is fetched while row i
// works.
#pragma once
#include "span.hpp"

namespace schuss {

constexpr std::int64_t near = 8;  // rows

// The gradient of the i-th row: a pointer into g, or the sum of several rows in `buffer`.
template <class T>
[[gnu::always_inline]] inline const T* merged(const Rows& a, std::int64_t i) {
  const T* const g = static_cast<const T*>(a.g);
  if (!a.ids) return g + i * a.dim;
  std::int64_t k = a.start[i];
  const std::int64_t end = a.start[i + 1];
  const T* const one = g + a.from[k] * a.dim;
  if (end - k == 1) return one;
  T* const sum = static_cast<T*>(a.buffer);
  std::memcpy(sum, one, std::size_t(a.dim) * sizeof(T));
  while (++k < end) add(sum, g + a.from[k] * a.dim, a.dim);
  return sum;
}

template <class R, class T>
[[gnu::always_inline]] inline void fetch_row(const Rows& a, std::int64_t i) {
  if (!a.ids || i + near >= a.last) return;
  const std::int64_t at = a.ids[i + near] * a.dim;
  const auto all = [&](const T* p) {
    for (std::int64_t j = 0; j < a.dim; j += lanes<T>) __builtin_prefetch(p + j, 1);
  };
  all(static_cast<const T*>(a.w) + at);
  for (std::size_t j = 0; j < R::slots.size(); ++j) all(static_cast<const T*>(a.slots[j]) + at);
}

template <class R, class T>
[[gnu::always_inline]] inline std::array<T*, R::slots.size()> row_slots(const Rows& a, std::int64_t row) {
  auto slots = pointers<R, T>(a.slots);
  for (T*& s : slots) s += row * a.dim;
  return slots;
}

// All looks of a row rule over one row: the step's scalars of this row.
template <class R, class T, int k = 0>
[[gnu::always_inline]] inline void look_row(const T* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                            std::int64_t dim, T* shared, Plan<R, T>& plan) {
  if constexpr (k < int(R::looks.size())) {
    Found<R, T, k> found;
    look_over<R, T, k>(w, slots, g, dim, plan, found);
    double folded[R::terms];
    for (int j = 0; j < R::terms; ++j) folded[j] = found[std::size_t(j)].result();
    R::settle(k, folded, dim, shared, plan.step);
    look_row<R, T, k + 1>(w, slots, g, dim, shared, plan);
  }
}

template <class R, class T>
void rows(const Rows& a, const void* step) {
  auto plan = *static_cast<const Plan<R, T>*>(step);
  for (std::int64_t i = a.first; i < a.last; ++i) {
    fetch_row<R, T>(a, i);
    const std::int64_t row = a.ids ? a.ids[i] : i;
    T* const w = static_cast<T*>(a.w) + row * a.dim;
    const T* const g = merged<T>(a, i);
    const auto slots = row_slots<R, T>(a, row);
    if constexpr (R::group == Group::row) {
      plan.step = static_cast<const Plan<R, T>*>(step)->step;
      look_row<R, T>(w, slots, g, a.dim, R::shared.size() ? static_cast<T*>(a.shared) + row : nullptr, plan);
    }
    for_packs<T>(a.dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      some<R, T>(plan.before.none, w, slots, g, j, count, plan);
    });
  }
}

template <class R, class T>
void look_rows(int which, const Rows& a, const void* step, double* folded) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  with_look<R>(which, [&](auto k) {
    Found<R, T, k> found;
    for (std::int64_t i = a.first; i < a.last; ++i) {
      fetch_row<R, T>(a, i);
      const T* const w = static_cast<const T*>(a.w) + a.ids[i] * a.dim;
      look_over<R, T, k>(w, row_slots<R, T>(a, a.ids[i]), merged<T>(a, i), a.dim, plan, found);
    }
    join<R, T, k>(found, folded);
  });
}

template <class T>
double squares_rows(const Rows& a, double unit, double limit) {
  double sum = 0;
  for (std::int64_t i = a.first; i < a.last; ++i) sum += squares(merged<T>(a, i), a.dim, T(unit), T(limit));
  return sum;
}

}  // namespace schuss
