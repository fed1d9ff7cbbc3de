// Rows shorter than a pack: several of them fill one, so that a root or a quotient serves them all.
#pragma once
#include <cstring>

#include "before.hpp"
#include "span.hpp"

namespace schuss {

// ---- a pack of rows ----------------------------------------------------------------------------------------------
// Neighbours in memory are joined in registers, pairs first: a load across fresh stores would wait for them.

template <class T, int n, int dim>
[[gnu::always_inline]] inline typename Run<T, n>::Vector joined(const char* const* rows, std::ptrdiff_t offset) {
  typename Run<T, n>::Vector all;
  if constexpr (n == dim) {
    std::memcpy(&all, rows[0] + offset, sizeof all);
  } else if constexpr (n == 2) {
    T a, b;
    std::memcpy(&a, rows[0] + offset, sizeof a);
    std::memcpy(&b, rows[1] + offset, sizeof b);
    all = typename Run<T, n>::Vector{a, b};
  } else {
    const auto low = joined<T, n / 2, dim>(rows, offset), high = joined<T, n / 2, dim>(rows + n / 2 / dim, offset);
    if constexpr (n == 4) all = __builtin_shufflevector(low, high, 0, 1, 2, 3);
    if constexpr (n == 8) all = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
    if constexpr (n == 16)
      all = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
  return all;
}

// One pack of the rows' numbers at `offset`.
template <class T, int dim>
[[gnu::always_inline]] inline void get_rows(const char* const* rows, T* pack, std::ptrdiff_t offset) {
  constexpr int n = register_lanes<T>;
  for (int i = 0; i < lanes<T>; i += n) {
    if constexpr (dim >= n) {
      std::memcpy(pack + i, rows[i / dim] + offset + i % dim * std::ptrdiff_t(sizeof(T)), n * sizeof(T));
    } else {
      const auto all = joined<T, n, dim>(rows + i / dim, offset);
      std::memcpy(pack + i, &all, sizeof all);
    }
  }
}

template <class T>
[[gnu::always_inline]] inline bool short_dim(std::int64_t dim) {
  return dim < lanes<T> && (dim & (dim - 1)) == 0 && dim > 0;
}

// Calls f with a short dim as a constant.
template <class T, class F>
[[gnu::always_inline]] inline void with_dim(std::int64_t dim, F f) {
  if (dim == 1) f(std::integral_constant<int, 1>{});
  else if (dim == 2) f(std::integral_constant<int, 2>{});
  else if (dim == 4) f(std::integral_constant<int, 4>{});
  else if constexpr (lanes<T> > 8) f(std::integral_constant<int, 8>{});
}

// Where up to a pack of short rows lie. Places without a row repeat the first one: they are computed and left.
template <class T>
struct Places {
  const char* row[lanes<T>];

  template <int dim, class Id>
  [[gnu::always_inline]] void find(const void* base, std::int64_t stride, const Id* ids, int count) {
    const char* const first = static_cast<const char*>(base);
    for (int k = 0; k < lanes<T> / dim; ++k) {
      const char* at = first + std::int64_t(ids[k < count ? k : 0]) * stride;
      asm("" : "+r"(at));  // one by one: in vectors, addresses cost more to take apart than to multiply
      row[k] = at;
    }
  }

  template <int dim>
  [[gnu::always_inline]] void get(T* pack, std::ptrdiff_t offset = 0) const {
    get_rows<T, dim>(row, pack, offset);
  }

  template <int dim>
  [[gnu::always_inline]] void put(const T* pack, int count, std::ptrdiff_t offset = 0) const {
    for (int k = 0; k < count; ++k) std::memcpy(const_cast<char*>(row[k]) + offset, pack + k * dim, dim * sizeof(T));
  }

  template <int dim>
  [[gnu::always_inline]] void fetch(std::ptrdiff_t offset = 0) const {
    for (int k = 0; k < lanes<T> / dim; ++k) __builtin_prefetch(row[k] + offset, 1);
  }
};

// ---- their step --------------------------------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline bool is_short(const Rows& a) {
  return a.ids && !a.past && !a.narrow && short_dim<T>(a.dim);
}

// What a pack of rows holds, apart from any rule: compiled once, in hot/short.cpp.
template <class T>
class RowPack {
 public:
  static constexpr int width = lanes<T>;
  alignas(64) T w[width], g[width], slot[most_slots][width];

  [[gnu::noinline]] void get(const Rows& a, std::int64_t i, int count, int slots) {
    with_dim<T>(a.dim, [&](auto dim) __attribute__((always_inline)) {
      places_.template find<dim>(a.w, a.stride, a.ids + i, count);
      places_.template get<dim>(w);
      for (int s = 0; s < slots; ++s) places_.template get<dim>(slot[s], offset(a, s));
      if (!a.start && count * dim == width) store(g, load(static_cast<const T*>(a.g) + i * dim));
      else if (!a.start) store(g, load(static_cast<const T*>(a.g) + i * dim, count * dim));
    });
    if (a.start) merge(a, i, count);
  }

  [[gnu::noinline]] void put(const Rows& a, int count, int slots) const {
    with_dim<T>(a.dim, [&](auto dim) __attribute__((always_inline)) {
      if (count == width / dim) put_all<dim>(a, width / dim, slots);
      else put_all<dim>(a, count, slots);
    });
  }

  [[gnu::noinline]] static void fetch(const Rows& a, std::int64_t i, int slots) {
    with_dim<T>(a.dim, [&](auto dim) __attribute__((always_inline)) {
      Places<T> next;
      next.template find<dim>(a.w, a.stride, a.ids + i, int(std::min<std::int64_t>(width / dim, a.last - i)));
      next.template fetch<dim>();
      if (a.together > dim * std::int64_t(sizeof(T))) next.template fetch<dim>(a.together - 1);
      for (int s = 0; s < slots && !a.together; ++s) next.template fetch<dim>(offset(a, s));
    });
  }

 private:
  static std::ptrdiff_t offset(const Rows& a, int slot) {
    return static_cast<const char*>(a.slots[slot]) - static_cast<const char*>(a.w);
  }

  template <int dim>
  [[gnu::always_inline]] void put_all(const Rows& a, int count, int slots) const {
    places_.template put<dim>(w, count);
    for (int s = 0; s < slots; ++s) places_.template put<dim>(slot[s], count, offset(a, s));
  }

  // Sums of the rows' gradients, in the order given.
  [[gnu::noinline]] void merge(const Rows& a, std::int64_t i, int count) {
    const T* const all = static_cast<const T*>(a.g);
    for (int k = 0; k < count; ++k) {
      T* const sum = g + k * a.dim;
      std::int64_t at = a.start[i + k];
      std::copy_n(all + a.from[at] * a.dim, a.dim, sum);
      while (++at < a.start[i + k + 1])
        for (std::int64_t j = 0; j < a.dim; ++j) sum[j] += all[a.from[at] * a.dim + j];
    }
    std::fill(g + count * a.dim, g + width, T(0));
  }

  Places<T> places_;
};

extern template class RowPack<float>;
extern template class RowPack<double>;

template <class R, class T>
[[gnu::noinline]] void short_rows(const Rows& a, const Plan<R, T>& plan) {
  constexpr int slots = int(R::slots.size()), packs_ahead = 3;
  const int each = lanes<T> / int(a.dim);
  RowPack<T> pack;
  std::array<T*, R::slots.size()> slot{};
  for (std::size_t s = 0; s < slot.size(); ++s) slot[s] = pack.slot[s];
  for (std::int64_t i = a.first; i < a.last; i += each) {
    const int count = int(std::min<std::int64_t>(each, a.last - i));
    if (!a.near && i + packs_ahead * each < a.last) RowPack<T>::fetch(a, i + packs_ahead * each, slots);
    pack.get(a, i, count, slots);
    some<R, T>(plan.before.none, pack.w, slot, pack.g, 0, std::integral_constant<int, lanes<T>>{}, plan);
    pack.put(a, count, slots);
  }
}

}  // namespace schuss
