// Exact mode: a row takes the steps that it missed, in closed form (gap.hpp), before anything else happens to it.
#pragma once
#include "rows.hpp"

namespace schuss {

// One pack of a row: weights, slots, average. Its ways to sleep are out of line: a row that wakes is seldom the
// bottleneck, and inlined into both kinds of pack they cost a quarter of the time of compilation.
template <class R, class T>
struct Sleeper {
  Pack<T> w, mean;
  std::array<Pack<T>, R::slots.size()> slots;

  // Step by step, as the dense rule does it with g = 0.
  [[gnu::noinline]] void steps(const Past& past, std::uint32_t first, std::uint32_t last, bool averaged) {
    const T fresh = T(past.fresh);
    alignas(64) T numbers[R::slots.size() + 2][lanes<T>] = {};  // weights, slots, and a gradient of zeros
    store(numbers[0], w);
    std::array<T*, R::slots.size()> at;
    for (std::size_t k = 0; k < at.size(); ++k) store(at[k] = numbers[k + 1], slots[k]);
    for (std::uint32_t t = first; t < last; ++t) {
      one_pack<R, T>(numbers[0], at, numbers[R::slots.size() + 1], *static_cast<const Plan<R, T>*>(past.step(past, t)));
      if (averaged) mean += fresh * (load(numbers[0]) - mean);
    }
    w = load(numbers[0]);
    for (std::size_t k = 0; k < at.size(); ++k) slots[k] = load(numbers[k + 1]);
  }

  [[gnu::noinline]] void closed(const Rest& rest) {
    const Pack<T> old = w;
    w = T(rest.ww) * w;
    mean = T(rest.mw) * old + T(rest.mm) * mean;
    if constexpr (R::carrier >= 0) {
      auto& c = slots[std::size_t(R::carrier)];
      const Pack<T> pull = R::by_sign ? sign(c) : c;
      w += T(rest.wc) * pull;
      mean += T(rest.mc) * pull;
      if (!R::by_sign) c = T(rest.cw) * old + T(rest.cc) * c;
    }
    if constexpr (R::idling == Idle::drift) {
      constexpr int terms = sizeof(T) == 4 ? float_terms : double_terms;
      const Pack<T> y = fill(T(1)) / (larger(R::size(slots), fill(T(rest.least))) + T(rest.x)), z = T(-rest.x) * y;
      Pack<T> moved = fill(T(rest.drift[terms - 1])), lagged = fill(T(rest.mean_drift[terms - 1]));
      for (int n = terms - 2; n >= 0; --n) {
        moved = moved * z + T(rest.drift[n]);
        lagged = lagged * z + T(rest.mean_drift[n]);
      }
      const Pack<T> force = slots[0] * y;
      w -= force * moved;
      mean -= force * lagged;
    }
    for (std::size_t k = 0; k < slots.size(); ++k) {
      if (int(k) == R::carrier && !R::by_sign) continue;
      const Pack<T> was = slots[k];
      slots[k] = T(rest.fade[k]) * was;
      if (int(k) == R::lasting) slots[k] = lasting(slots[k], was);
    }
    if constexpr (R::idling == Idle::drift) R::hold(slots, T(rest.least));
  }

  // Step by step a number never fades below the smallest one, so that its sign stays.
  static Pack<T> lasting(const Pack<T>& now, const Pack<T>& was) {
    const Pack<T> way = sign(was), least = magnitude(way) * fill(std::numeric_limits<T>::denorm_min());
    return way * larger(magnitude(now), least);
  }

  // Whether the series serves all coordinates that move.
  [[gnu::noinline]] bool within(const Rest& rest) const {
    if constexpr (R::idling == Idle::drift) {
      if (rest.reach == 0) return true;
      const Pack<T> zero = fill(T(0)), far = R::size(slots) + T(rest.x);
      const Pack<T> moving = where(less(far, fill(T(rest.reach))), magnitude(slots[0]), zero);
      alignas(64) T x[lanes<T>];
      store(x, moving);
      bool none = true;
      for (int i = 0; i < lanes<T>; ++i) none &= !(x[i] > 0);
      return none;
    }
    return true;
  }
};

// After the horizon a drift has ended.
inline Rest still(Rest rest) {
  std::fill_n(rest.drift, most_moments, 0.0);
  std::fill_n(rest.mean_drift, most_moments, 0.0);
  return rest;
}

template <class R, class T>
[[gnu::noinline]] void wake_row(const Rows& a, std::int64_t row, T* w) {
  const Past& past = *a.past;
  const std::uint32_t stamp = std::max(past.stamps[row], past.first);
  if (stamp == past.now) return;
  const Rest& rest = past.rest(past, stamp, a.member);
  const auto slots = row_slots<R, T>(a, row);
  T* const mean = a.mean ? at_row<T>(a.mean, row, a.mean_stride) : nullptr;
  for_packs<T>(a.dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
    Sleeper<R, T> pack;
    pack.w = load(w + j, count);
    pack.mean = mean ? load(mean + j, count) : fill(T(0));
    for (std::size_t k = 0; k < slots.size(); ++k) pack.slots[k] = load(slots[k] + j, count);
    if constexpr (R::idling == Idle::once) {
      pack.steps(past, mean ? stamp : past.now - 1, past.now, mean != nullptr);
    } else if (pack.within(rest)) {
      pack.closed(rest);
    } else {
      const auto end = std::uint32_t(std::min<std::int64_t>(past.now, stamp + past.horizon));
      pack.steps(past, stamp, end, mean != nullptr);
      if (end < past.now) pack.closed(still(past.rest(past, end, a.member)));
    }
    store(w + j, pack.w, count);
    if (mean) store(mean + j, pack.mean, count);
    for (std::size_t k = 0; k < slots.size(); ++k) store(slots[k] + j, pack.slots[k], count);
  });
}

template <class R, class T>
void wake(const Rows& a) {
  const Ahead ahead = ahead_of<R, T>(a);
  for (std::int64_t i = a.first; i < a.last; ++i) {
    ahead(a, i);
    const std::int64_t row = a.ids ? a.ids[i] : i;
    T* const w = opened<T>(a, row);
    wake_row<R>(a, row, w);
    closed(a, row, w);
    a.past->stamps[row] = a.past->now;
  }
}

template <class R, class T>
void idle(const void* step, double fresh, Gap* one) {
  const auto& plan = *static_cast<const Plan<R, T>*>(step);
  *one = Gap{};
  R::idle(plan.step, double(plan.before.keep), double(plan.before.decay), *one);
  one->average_by(double(T(fresh)));
}

}  // namespace schuss
