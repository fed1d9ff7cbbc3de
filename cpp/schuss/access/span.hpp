// Dense access: a rule on n neighbours.
#pragma once
#include "../vec.hpp"
#include "before.hpp"

namespace schuss {

constexpr std::int64_t ahead = 1024;      // bytes; measured in bench/README.md
constexpr std::int64_t long_span = 4096;  // numbers

template <class T>
[[gnu::always_inline]] inline void fetch(const T* p) {
  __builtin_prefetch(reinterpret_cast<const char*>(p) + ahead, 1);
}

// All loads of a pack come before its stores: streams at equal page offsets would otherwise wait for each other.
template <class R, class T, class Count>
[[gnu::always_inline]] inline void some(bool as_given, T* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                        std::int64_t i, Count count, const Plan<R, T>& plan) {
  constexpr std::size_t n = R::slots.size();
  Pack<T> wi = load(w + i, count), gi = load(g + i, count);
  std::array<Pack<T>, n> si;
  for (std::size_t j = 0; j < n; ++j) si[j] = load(slots[j] + i, count);
  if (!as_given) plan.before(wi, gi);
  R::apply(wi, si, gi, plan.step);
  if (!as_given && !plan.after.none) plan.after(wi);
  store(w + i, wi, count);
  for (std::size_t j = 0; j < n; ++j) store(slots[j] + i, si[j], count);
}

// Less than a pack, out of line: at most two of them in a span, and a third of the time of compilation if inlined.
template <class R, class T>
[[gnu::noinline]] void some_left(T* w, const std::array<T*, R::slots.size()>& slots, const T* g, std::int64_t i,
                                 int count, const Plan<R, T>& plan) {
  some(plan.plain(), w, slots, g, i, count, plan);
}

// A pack that was gathered, out of line too: short rows, coordinates and waking share it.
template <class R, class T>
[[gnu::noinline]] void one_pack(T* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                const Plan<R, T>& plan) {
  some(plan.plain(), w, slots, g, 0, std::integral_constant<int, lanes<T>>{}, plan);
}

template <class R, class T>
std::array<T*, R::slots.size()> pointers(void* const* slots) {
  std::array<T*, R::slots.size()> typed{};
  for (std::size_t j = 0; j < typed.size(); ++j) typed[j] = static_cast<T*>(slots[j]);
  return typed;
}

// In a long array the first numbers are done apart so that the rest of w starts on a cache line; the optimizer lays its
// slots alike. A short one loses more by two partial packs than by packs across lines.
template <class T, class Whole, class Left>
[[gnu::always_inline]] inline void for_lines(const T* w, std::int64_t n, Whole whole, Left left) {
  constexpr int width = lanes<T>;
  const auto past_line = reinterpret_cast<std::uintptr_t>(w) % 64 / sizeof(T);
  std::int64_t i = 0;
  if (past_line != 0 && n >= long_span) {
    i = width - std::int64_t(past_line);
    left(0, int(i));
  }
  for (; i + width <= n; i += width) whole(i);
  if (i < n) left(i, int(n - i));
}

template <class R, class T>
[[gnu::always_inline]] inline void span_as(bool as_given, const Span& a, const Plan<R, T>& plan) {
  const auto slots = pointers<R, T>(a.slots);
  T* const w = static_cast<T*>(a.w);
  const T* const g = static_cast<const T*>(a.g);
  for_lines(
      w, a.n,
      [&](std::int64_t i) __attribute__((always_inline)) {
        fetch(w + i);
        fetch(g + i);
        for (T* const s : slots) fetch(s + i);
        some(as_given, w, slots, g, i, std::integral_constant<int, lanes<T>>{}, plan);
      },
      [&](std::int64_t i, int count) { some_left(w, slots, g, i, count, plan); });
}

template <class R, class T>
void span(const Span& a, const void* step) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  if (plan.plain()) span_as(true, a, plan);
  else span_as(false, a, plan);
}

// What look k finds in one pack. The dense walk keeps what the look makes of the slots, if the rule says so.
template <class R, class T, int k, bool dense, class Count>
[[gnu::always_inline]] inline auto look_at(const T* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                           std::int64_t i, Count count, const Plan<R, T>& plan) {
  if constexpr (dense) {
    if constexpr (R::sees_weights) fetch(w + i);
    fetch(g + i);
    for (std::size_t j = 0; j < R::sees_slots; ++j) fetch(slots[j] + i);
  }
  Pack<T> wi = load(w + i, count), gi = load(g + i, count);
  std::array<Pack<T>, R::slots.size()> si;
  for (std::size_t j = 0; j < si.size(); ++j) si[j] = load(slots[j] + i, count);
  if (!plan.before.none) plan.before(wi, gi);
  const auto found = R::template look<k>(wi, si, gi, plan.step);
  if constexpr (dense && R::moves)
    for (std::size_t j = 0; j < si.size(); ++j) store(slots[j] + i, si[j], count);
  return found;
}

template <class R, class T, int k>
using Found = std::array<Folder<T, R::looks[k]>, R::terms>;

// Folds the terms that look(i, count) gives for the packs of 0 .. n; four packs in T before they are widened.
template <class R, class T, int k, class Look>
[[gnu::always_inline]] inline void fold_over(std::int64_t n, Found<R, T, k>& found, Look look) {
  using F = Folder<T, R::looks[k]>;
  constexpr std::integral_constant<int, lanes<T>> all{};
  constexpr std::int64_t width = lanes<T>;
  std::int64_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    const auto a = look(i, all), b = look(i + width, all), c = look(i + 2 * width, all), d = look(i + 3 * width, all);
    for (std::size_t j = 0; j < a.size(); ++j) found[j].add(F::join(F::join(a[j], b[j]), F::join(c[j], d[j])));
  }
  for_packs<T>(n - i, [&](std::int64_t at, auto count) __attribute__((always_inline)) {
    const auto terms = look(i + at, count);
    for (std::size_t j = 0; j < terms.size(); ++j) found[j].add(terms[j], count);
  });
}

// Looks over n neighbours.
template <class R, class T, int k, bool dense = false>
[[gnu::always_inline]] inline void look_over(const T* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                             std::int64_t n, const Plan<R, T>& plan, Found<R, T, k>& found) {
  fold_over<R, T, k>(n, found, [&](std::int64_t i, auto count) __attribute__((always_inline)) {
    return look_at<R, T, k, dense>(w, slots, g, i, count, plan);
  });
}

template <class R, class T, int k>
[[gnu::always_inline]] inline void join(const Found<R, T, k>& found, double* folded) {
  for (int j = 0; j < R::terms; ++j) folded[j] = Folder<T, R::looks[k]>::join(folded[j], found[j].result());
}

// look<k> for the k that is known only at run time.
template <class R, int k = 0, class F>
void with_look(int which, F f) {
  if constexpr (k < int(R::looks.size())) {
    if (which == k) return f(std::integral_constant<int, k>{});
    with_look<R, k + 1>(which, f);
  }
}

template <class R, class T>
void look_span(int which, const Span& a, const void* step, double* folded) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  const auto slots = pointers<R, T>(a.slots);
  with_look<R>(which, [&](auto k) {
    Found<R, T, k> found;
    look_over<R, T, k, true>(static_cast<const T*>(a.w), slots, static_cast<const T*>(a.g), a.n, plan, found);
    join<R, T, k>(found, folded);
  });
}

// The rest of the step of a rule whose look has moved the slots.
template <class R, class T>
void finish_span(const Span& a, const void* step) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  const auto slots = pointers<R, T>(a.slots);
  T* const w = static_cast<T*>(a.w);
  const auto finish = [&](std::int64_t i, auto count) __attribute__((always_inline)) {
    Pack<T> wi = load(w + i, count), none = fill(T(0));
    std::array<Pack<T>, R::slots.size()> si;
    for (std::size_t j = 0; j < si.size(); ++j) si[j] = load(slots[j] + i, count);
    if (!plan.before.none) plan.before(wi, none);
    R::finish(wi, si, plan.step);
    if (!plan.after.none) plan.after(wi);
    store(w + i, wi, count);
  };
  for_lines(
      w, a.n,
      [&](std::int64_t i) __attribute__((always_inline)) {
        fetch(w + i);
        for (T* const s : slots) fetch(s + i);
        finish(i, std::integral_constant<int, lanes<T>>{});
      },
      finish);
}

// The step, and the look for the next one, in one walk.
template <class R, class T>
void pass_span(const Span& a, const void* step, double* folded) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  const auto slots = pointers<R, T>(a.slots);
  T* const w = static_cast<T*>(a.w);
  const T* const g = static_cast<const T*>(a.g);
  Found<R, T, 0> found;
  fold_over<R, T, 0>(a.n, found, [&](std::int64_t i, auto count) __attribute__((always_inline)) {
    fetch(w + i);
    fetch(g + i);
    for (T* const s : slots) fetch(s + i);
    const auto terms = look_at<R, T, 0, false>(w, slots, g, i, count, plan);
    some(plan.plain(), w, slots, g, i, count, plan);
    return terms;
  });
  join<R, T, 0>(found, folded);
}

template <class R, class T>
void settle(int k, const double* folded, std::int64_t n, void* shared, void* step) {
  R::settle(k, folded, n, static_cast<T*>(shared), static_cast<Plan<R, T>*>(step)->step);
}

}  // namespace schuss
