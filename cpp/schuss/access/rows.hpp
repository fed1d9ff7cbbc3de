// Rows by id: each row once, with the sum of its gradients in the order given. Rows are fetched ahead.
#pragma once
#include "../fetch.hpp"
#include "../half.hpp"
#include "short.hpp"
#include "span.hpp"

namespace schuss {

// ---- gradients ---------------------------------------------------------------------------------------------------

// Sums gradient rows from[k] ... from[end - 1] into `sum`, four packs in registers at a time.
template <class T>
void gather(const T* g, const std::int64_t* from, std::int64_t k, std::int64_t end, std::int64_t dim, T* sum) {
  constexpr std::int64_t width = lanes<T>;
  std::int64_t j = 0;
  for (; j + 4 * width <= dim; j += 4 * width) {
    const T* p = g + from[k] * dim + j;
    Pack<T> a = load(p), b = load(p + width), c = load(p + 2 * width), d = load(p + 3 * width);
    for (std::int64_t i = k + 1; i < end; ++i) {
      p = g + from[i] * dim + j;
      a += load(p), b += load(p + width), c += load(p + 2 * width), d += load(p + 3 * width);
    }
    store(sum + j, a), store(sum + j + width, b), store(sum + j + 2 * width, c), store(sum + j + 3 * width, d);
  }
  for_packs<T>(dim - j, [&](std::int64_t at, auto count) __attribute__((always_inline)) {
    Pack<T> a = load(g + from[k] * dim + j + at, count);
    for (std::int64_t i = k + 1; i < end; ++i) a += load(g + from[i] * dim + j + at, count);
    store(sum + j + at, a, count);
  });
}

// The gradient of the i-th row: a pointer into g, or the sum of several rows in a row of the buffer.
template <class T>
[[gnu::always_inline]] inline const T* merged(const Rows& a, std::int64_t i, int room = 0) {
  const T* const g = static_cast<const T*>(a.g);
  if (!a.start) return g + i * a.dim;
  const std::int64_t k = a.start[i], end = a.start[i + 1];
  if (end - k == 1) return g + a.from[k] * a.dim;
  T* const sum = static_cast<T*>(a.buffer) + room * a.dim;
  gather(g, a.from, k, end, a.dim, sum);
  return sum;
}

// ---- fetching ahead ----------------------------------------------------------------------------------------------

[[gnu::always_inline]] inline void fetch_lines(const void* p, std::int64_t bytes) {
  const char* const first = static_cast<const char*>(p);
  for (std::int64_t at = 0; at < bytes; at += 64) fetch_to_write(first + at);
}

// As many bytes that need not begin on a line.
[[gnu::always_inline]] inline void fetch_bytes(const void* p, std::int64_t bytes) {
  fetch_lines(p, bytes);
  fetch_to_write(static_cast<const char*>(p) + bytes - 1);
}

// 4 KiB of rows ahead, within limits. `slots` of `item` bytes a number lie apart from the weights unless `together`.
// Gradients are fetched too, though they come nearly in sequence: rows from all over the table upset the processor's
// own guesses. What need not be asked for each row is not: it was a fifth of the time of short rows.
class Ahead {
 public:
  Ahead(const Rows& a, int slots, std::int64_t item) : slots_(slots), bytes_(a.dim * item) {
    const std::int64_t row = a.together ? a.together : bytes_ * (1 + slots);
    rows_ = std::clamp<std::int64_t>(4096 / std::max<std::int64_t>(row, 1), 4, 32);
    gradients_ = std::clamp<std::int64_t>(2048 / std::max<std::int64_t>(bytes_, 1), 8, 16);
    if (!a.ids || a.near) return;
    last_row_ = a.last - rows_;
    if (a.g) last_gradient_ = a.last - gradients_;
    on_lines_ = a.together && a.stride % 64 == 0 && reinterpret_cast<std::uintptr_t>(a.w) % 64 == 0;
  }

  [[gnu::always_inline]] void operator()(const Rows& a, std::int64_t i) const {
    if (i < last_gradient_) fetch_gradient(a, i + gradients_);
    if (i < last_row_) {
      if (on_lines_) fetch_lines(static_cast<char*>(a.w) + a.ids[i + rows_] * a.stride, a.together);
      else fetch_row(a, a.ids[i + rows_]);
      if (a.past) fetch_to_write(a.past->stamps + a.ids[i + rows_]);
    }
  }

 private:
  [[gnu::noinline]] void fetch_row(const Rows& a, std::int64_t id) const {
    const std::int64_t at = id * a.stride;
    fetch_bytes(static_cast<char*>(a.w) + at, a.together ? a.together : bytes_);
    if (a.together) return;
    for (int k = 0; k < slots_; ++k) fetch_bytes(static_cast<char*>(a.slots[k]) + at, bytes_);
    if (a.shared) fetch_to_write(static_cast<char*>(a.shared) + id * a.shared_stride);
  }

  // The first one, if there are some.
  [[gnu::always_inline]] void fetch_gradient(const Rows& a, std::int64_t i) const {
    const std::int64_t place = a.start ? a.from[a.start[i]] : i;
    const char* const g = static_cast<const char*>(a.g) + place * bytes_;
    for (std::int64_t at = 0; at < bytes_; at += 64) fetch_to_read(g + at);
  }

  int slots_;
  bool on_lines_ = false;  // rows begin on cache lines, slots and all
  std::int64_t bytes_, rows_, gradients_;
  std::int64_t last_row_ = 0, last_gradient_ = 0;  // beyond these nothing is left to fetch
};

template <class R, class T>
Ahead ahead_of(const Rows& a) {
  return Ahead(a, int(R::slots.size()), sizeof(T));
}

// ---- a row -------------------------------------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline T* at_row(void* base, std::int64_t row, std::int64_t stride) {
  return reinterpret_cast<T*>(static_cast<char*>(base) + row * stride);
}

template <class R, class T>
[[gnu::always_inline]] inline std::array<T*, R::slots.size()> row_slots(const Rows& a, std::int64_t row) {
  std::array<T*, R::slots.size()> slots{};
  for (std::size_t k = 0; k < slots.size(); ++k) slots[k] = at_row<T>(a.slots[k], row, a.stride);
  return slots;
}

// The weights of a row as numbers: where they lie, or widened from 16 bits.
template <class T>
[[gnu::always_inline]] inline T* opened(const Rows& a, std::int64_t row) {
  T* const w = at_row<T>(a.w, row, a.stride);
  if constexpr (sizeof(T) == sizeof(float))
    if (a.narrow) {
      a.narrow->widen(w, a.wide, a.dim);
      return a.wide;
    }
  return w;
}
template <class T>
[[gnu::always_inline]] inline void closed(const Rows& a, std::int64_t row, const T* w) {
  if constexpr (sizeof(T) == sizeof(float))
    if (a.narrow) a.narrow->round(w, at_row<T>(a.w, row, a.stride), a.dim, row, a.key, a.nearest);
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
void wake_row(const Rows& a, std::int64_t row, T* w);

// One pack of a row whose weights are of 16 bits, without a rule's before and after.
template <class R, class T, class W, class Count>
[[gnu::always_inline]] inline void some_narrow(W* w, const std::array<T*, R::slots.size()>& slots, const T* g,
                                               std::int64_t i, Count count, const Plan<R, T>& plan,
                                               const Rounding& rounding) {
  constexpr std::size_t n = R::slots.size();
  Pack<T> wi = take(w + i, count), gi = load(g + i, count);
  std::array<Pack<T>, n> si;
  for (std::size_t j = 0; j < n; ++j) si[j] = load(slots[j] + i, count);
  R::apply(wi, si, gi, plan.step);
  put(w + i, wi, count, i, rounding);
  for (std::size_t j = 0; j < n; ++j) store(slots[j] + i, si[j], count);
}

// What may happen to a row besides its step. `bare`: it is one of a list by id, nothing was missed, nothing comes
// before or after the rule, and its weights are stepped as they lie; `half`: they are bfloat16. These are loops of
// their own, since short work between two rows is what lets the processor wait for several of them at once.
enum class Care { all, bare, half };

template <class R, class T, Care care>
void rows_as(const Rows& given, const Plan<R, T>& plan) {
  constexpr bool folds = R::group == Group::row, all = care == Care::all;
  // What a rule finds in a row is long in coming, and rounding is long work: several rows are looked at, then stepped.
  constexpr int most = folds && care == Care::half ? rows_at_once : 1;
  const Rows a = given;
  const Ahead ahead = ahead_of<R, T>(a);
  struct Row {
    std::int64_t id;
    T* w;
    const T* g;
    Plan<R, T> plan;  // its own, since what is found of a row makes its step
  } row[most];
  for (Row& r : row) r.plan = plan;
  for (std::int64_t first = a.first; first < a.last; first += most) {
    const int count = int(std::min<std::int64_t>(most, a.last - first));
    for (int k = 0; k < count; ++k) {
      const std::int64_t i = first + k;
      Row& r = row[k];
      ahead(a, i);
      r.id = !all || a.ids ? a.ids[i] : i;
      r.w = all ? opened<T>(a, r.id) : at_row<T>(a.w, r.id, a.stride);
      if constexpr (R::idling != Idle::never && all)
        if (a.past) {
          wake_row<R>(a, r.id, r.w);
          a.past->stamps[r.id] = a.past->now + 1;
        }
      r.g = merged<T>(a, i, k);
      if constexpr (folds) {
        r.plan.step = plan.step;
        T* const shared = R::shared.size() ? at_row<T>(a.shared, r.id, a.shared_stride) : nullptr;
        look_row<R, T>(r.w, row_slots<R, T>(a, r.id), r.g, a.dim, shared, r.plan);
      }
    }
    for (int k = 0; k < count; ++k) {
      const Row& r = row[k];
      const auto slots = row_slots<R, T>(a, r.id);
      if constexpr (care == Care::half) {
        const Rounding rounding(a.nearest, a.key, r.id);
        const auto w = reinterpret_cast<BFloat16*>(r.w);
        for_packs<T>(a.dim, [&](std::int64_t j, auto n) __attribute__((always_inline)) {
          some_narrow<R, T>(w, slots, r.g, j, n, r.plan, rounding);
        });
      } else {
        const bool plain = care == Care::bare || plan.plain();
        for_packs<T>(a.dim, [&](std::int64_t j, auto n)
                                __attribute__((always_inline)) { some<R, T>(plain, r.w, slots, r.g, j, n, r.plan); });
        if constexpr (all) closed(a, r.id, r.w);
      }
    }
  }
}

template <class R, class T>
void rows(const Rows& a, const void* step) {
  const auto& plan = *static_cast<const Plan<R, T>*>(step);
  if constexpr (R::group != Group::row)
    if (is_short<T>(a)) return short_rows(a, plan);
  const bool simple = plan.plain() && a.ids && !a.past;
  if constexpr (R::halves && sizeof(T) == sizeof(float))
    if (simple && a.narrow && a.narrow->is_bfloat16) return rows_as<R, T, Care::half>(a, plan);
  if (simple && !a.narrow) rows_as<R, T, Care::bare>(a, plan);
  else rows_as<R, T, Care::all>(a, plan);
}

template <class R, class T>
void look_rows(int which, const Rows& a, const void* step, double* folded) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  with_look<R>(which, [&](auto k) {
    Found<R, T, k> found;
    const Ahead ahead = ahead_of<R, T>(a);
    for (std::int64_t i = a.first; i < a.last; ++i) {
      ahead(a, i);
      const T* const w = opened<T>(a, a.ids[i]);
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
