// Rows shorter than a pack: several of them fill one, so that a root or a quotient serves them all.
#pragma once
#include <cstring>

#include "before.hpp"
#include "span.hpp"

namespace schuss {

// ---- a pack of rows ----------------------------------------------------------------------------------------------
// Neighbours in memory are joined in registers, pairs first: a load across fresh stores would wait for them.

template <class T, int n>
struct Run {
  typedef T Vector __attribute__((vector_size(n * sizeof(T))));
};

template <class T, int n, int dim>
[[gnu::always_inline]] inline typename Run<T, n>::Vector joined(const T* const* rows) {
  typename Run<T, n>::Vector all;
  if constexpr (n == dim) {
    std::memcpy(&all, rows[0], sizeof all);
  } else if constexpr (n == 2) {
    all = typename Run<T, n>::Vector{*rows[0], *rows[1]};
  } else {
    const auto low = joined<T, n / 2, dim>(rows), high = joined<T, n / 2, dim>(rows + n / 2 / dim);
    if constexpr (n == 4) all = __builtin_shufflevector(low, high, 0, 1, 2, 3);
    if constexpr (n == 8) all = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
    if constexpr (n == 16)
      all = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
  return all;
}

template <class T>
[[gnu::always_inline]] inline void join_rows(const T* const* rows, std::int64_t dim, T* pack) {
  constexpr int n = lanes<T>;
  const auto with = [&](const auto& all) __attribute__((always_inline)) { std::memcpy(pack, &all, sizeof all); };
  if (dim == 1) with(joined<T, n, 1>(rows));
  else if (dim == 2) with(joined<T, n, 2>(rows));
  else if (dim == 4) with(joined<T, n, 4>(rows));
  else if constexpr (n > 8) with(joined<T, n, 8>(rows));
}

template <class T>
[[gnu::always_inline]] inline void part_rows(const T* pack, std::int64_t dim, int count, T* const* rows) {
  const auto with = [&](auto d) __attribute__((always_inline)) {
    for (int k = 0; k < count; ++k) std::memcpy(rows[k], pack + k * d, d * sizeof(T));
  };
  if (dim == 1) with(std::integral_constant<int, 1>{});
  else if (dim == 2) with(std::integral_constant<int, 2>{});
  else if (dim == 4) with(std::integral_constant<int, 4>{});
  else with(std::integral_constant<int, 8>{});
}

template <class T>
[[gnu::always_inline]] inline bool short_dim(std::int64_t dim) {
  return dim < lanes<T> && (dim & (dim - 1)) == 0 && dim > 0;
}

// ---- their step --------------------------------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline bool is_short(const Rows& a) {
  return a.ids && !a.past && !a.narrow && short_dim<T>(a.dim);
}

// What a pack of rows holds, apart from any rule.
template <class T>
struct RowPack {
  static constexpr int width = lanes<T>;
  alignas(64) T w[width], g[width], slot[most_slots][width];
  alignas(64) T nothing[width] = {};

  [[gnu::noinline]] void get(const Rows& a, std::int64_t i, int count, int slots) {
    const T* from[width];
    const auto gather = [&](const void* base, T* to) {
      for (int k = 0; k < width / a.dim; ++k)
        from[k] =
            k < count ? reinterpret_cast<const T*>(static_cast<const char*>(base) + a.ids[i + k] * a.stride) : nothing;
      join_rows(from, a.dim, to);
    };
    gather(a.w, w);
    for (int s = 0; s < slots; ++s) gather(a.slots[s], slot[s]);
    const T* const all = static_cast<const T*>(a.g);
    if (!a.start) {
      store(g, load(all + i * a.dim, int(count * a.dim)));
      return;
    }
    for (int k = 0; k < count; ++k) {
      T* const sum = g + k * a.dim;
      std::int64_t at = a.start[i + k];
      std::copy_n(all + a.from[at] * a.dim, a.dim, sum);
      while (++at < a.start[i + k + 1])
        for (std::int64_t j = 0; j < a.dim; ++j) sum[j] += all[a.from[at] * a.dim + j];
    }
    std::fill(g + count * a.dim, g + width, T(0));
  }

  [[gnu::noinline]] void put(const Rows& a, std::int64_t i, int count, int slots) const {
    T* to[width];
    const auto scatter = [&](const T* from, void* base) {
      for (int k = 0; k < count; ++k) to[k] = reinterpret_cast<T*>(static_cast<char*>(base) + a.ids[i + k] * a.stride);
      part_rows(from, a.dim, count, to);
    };
    scatter(w, a.w);
    for (int s = 0; s < slots; ++s) scatter(slot[s], a.slots[s]);
  }

  [[gnu::noinline]] static void fetch(const Rows& a, std::int64_t i, int slots) {
    const int count = int(std::min<std::int64_t>(width / a.dim, a.last - i));
    for (int k = 0; k < count; ++k) {
      const std::int64_t at = a.ids[i + k] * a.stride;
      __builtin_prefetch(static_cast<char*>(a.w) + at, 1);
      if (!a.together)
        for (int s = 0; s < slots; ++s) __builtin_prefetch(static_cast<char*>(a.slots[s]) + at, 1);
      else if (a.together > a.dim * std::int64_t(sizeof(T)))
        __builtin_prefetch(static_cast<char*>(a.w) + at + a.together - 1, 1);
    }
  }
};

template <class R, class T>
void short_rows(const Rows& a, const Plan<R, T>& plan) {
  constexpr int slots = int(R::slots.size()), packs_ahead = 3;
  const int each = lanes<T> / int(a.dim);
  RowPack<T> pack;
  std::array<T*, R::slots.size()> slot{};
  for (std::size_t s = 0; s < slot.size(); ++s) slot[s] = pack.slot[s];
  for (std::int64_t i = a.first; i < a.last; i += each) {
    const int count = int(std::min<std::int64_t>(each, a.last - i));
    if (i + packs_ahead * each < a.last) RowPack<T>::fetch(a, i + packs_ahead * each, slots);
    pack.get(a, i, count, slots);
    some<R, T>(plan.before.none, pack.w, slot, pack.g, 0, std::integral_constant<int, lanes<T>>{}, plan);
    pack.put(a, i, count, slots);
  }
}

}  // namespace schuss
