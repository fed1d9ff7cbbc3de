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
  store(w + i, wi, count);
  for (std::size_t j = 0; j < n; ++j) store(slots[j] + i, si[j], count);
}

// Less than a pack, out of line: at most two of them in a span, and a third of the time of compilation if inlined.
template <class R, class T>
[[gnu::noinline]] void some_left(T* w, const std::array<T*, R::slots.size()>& slots, const T* g, std::int64_t i,
                                 int count, const Plan<R, T>& plan) {
  some(plan.before.none, w, slots, g, i, count, plan);
}

template <class R, class T>
std::array<T*, R::slots.size()> pointers(void* const* slots) {
  std::array<T*, R::slots.size()> typed{};
  for (std::size_t j = 0; j < typed.size(); ++j) typed[j] = static_cast<T*>(slots[j]);
  return typed;
}

// In a long array the first numbers are done apart so that the rest of w starts on a cache line; the optimizer lays its
// slots alike. A short one loses more by two partial packs than by packs across lines.
template <class R, class T>
[[gnu::always_inline]] inline void span_as(bool as_given, const Span& a, const Plan<R, T>& plan) {
  constexpr int width = lanes<T>;
  const auto slots = pointers<R, T>(a.slots);
  T* const w = static_cast<T*>(a.w);
  const T* const g = static_cast<const T*>(a.g);
  const std::int64_t n = a.n;

  const auto past_line = reinterpret_cast<std::uintptr_t>(w) % 64 / sizeof(T);
  std::int64_t i = 0;
  if (past_line != 0 && n >= long_span) {
    i = width - std::int64_t(past_line);
    some_left(w, slots, g, 0, int(i), plan);
  }
  for (; i + width <= n; i += width) {
    fetch(w + i);
    fetch(g + i);
    for (T* const s : slots) fetch(s + i);
    some(as_given, w, slots, g, i, std::integral_constant<int, width>{}, plan);
  }
  if (i < n) some_left(w, slots, g, i, int(n - i), plan);
}

template <class R, class T>
void span(const Span& a, const void* step) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  if (plan.before.none) span_as(true, a, plan);
  else span_as(false, a, plan);
}

// What look k finds in one pack.
template <class R, class T, int k, class Count>
[[gnu::always_inline]] inline auto look_at(const T* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                           std::int64_t i, Count count, const Plan<R, T>& plan) {
  Pack<T> wi = load(w + i, count), gi = load(g + i, count);
  std::array<Pack<T>, R::slots.size()> si;
  for (std::size_t j = 0; j < si.size(); ++j) si[j] = load(slots[j] + i, count);
  if (!plan.before.none) plan.before(wi, gi);
  return R::template look<k>(wi, si, gi, plan.step);
}

template <class R, class T, int k>
using Found = std::array<Folder<T, R::looks[k]>, R::terms>;

// Looks over n neighbours. Four packs are folded in T before they are widened.
template <class R, class T, int k>
[[gnu::always_inline]] inline void look_over(const T* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                             std::int64_t n, const Plan<R, T>& plan, Found<R, T, k>& found) {
  using F = Folder<T, R::looks[k]>;
  constexpr std::integral_constant<int, lanes<T>> all{};
  constexpr std::int64_t width = lanes<T>;
  std::int64_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width) {
    const auto a = look_at<R, T, k>(w, slots, g, i, all, plan), b = look_at<R, T, k>(w, slots, g, i + width, all, plan),
               c = look_at<R, T, k>(w, slots, g, i + 2 * width, all, plan),
               d = look_at<R, T, k>(w, slots, g, i + 3 * width, all, plan);
    for (std::size_t j = 0; j < a.size(); ++j) found[j].add(F::join(F::join(a[j], b[j]), F::join(c[j], d[j])));
  }
  for_packs<T>(n - i, [&](std::int64_t at, auto count) __attribute__((always_inline)) {
    const auto terms = look_at<R, T, k>(w, slots, g, i + at, count, plan);
    for (std::size_t j = 0; j < terms.size(); ++j) found[j].add(terms[j], count);
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
    look_over<R, T, k>(static_cast<const T*>(a.w), slots, static_cast<const T*>(a.g), a.n, plan, found);
    join<R, T, k>(found, folded);
  });
}

template <class R, class T>
void settle(int k, const double* folded, std::int64_t n, void* shared, void* step) {
  R::settle(k, folded, n, static_cast<T*>(shared), static_cast<Plan<R, T>*>(step)->step);
}

}  // namespace schuss
