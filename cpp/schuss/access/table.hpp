// Reading a table: rows by id, and bags of rows.
#pragma once
#include "../half.hpp"
#include "rows.hpp"

namespace schuss {

template <class W>
[[gnu::always_inline]] inline const W* weights_of(const Lookup& a, std::int64_t i) {
  return reinterpret_cast<const W*>(static_cast<const char*>(a.w) +
                                    static_cast<const std::int64_t*>(a.ids)[i] * a.stride);
}

template <class W>
[[gnu::always_inline]] inline void fetch_weights(const Lookup& a, std::int64_t i, std::int64_t end) {
  if (i >= end) return;
  const char* const p = reinterpret_cast<const char*>(weights_of<W>(a, i));
  const std::int64_t bytes = a.dim * std::int64_t(sizeof(W));
  for (std::int64_t at = 0; at < bytes; at += 64) fetch_to_read(p + at);
  fetch_to_read(p + bytes - 1);  // rows need not begin on a line
}

constexpr std::int64_t lookups_ahead = 16;

// Rows first .. last - 1 of the lookup.
template <class T, class W>
void lookup(const Lookup& a) {
  for (std::int64_t i = a.first; i < a.last; ++i) {
    fetch_weights<W>(a, i + lookups_ahead, a.last);
    const W* const w = weights_of<W>(a, i);
    T* const out = static_cast<T*>(a.out) + i * a.dim;
    for_packs<T>(a.dim, [&](std::int64_t j, auto count)
                            __attribute__((always_inline)) { store(out + j, take(w + j, count), count); });
  }
}

// Bags first .. last - 1: sum (or mean) of weight * row, in the order given.
template <class T, class W>
void bags(const Lookup& a) {
  const T* const factor = static_cast<const T*>(a.weights);
  for (std::int64_t b = a.first; b < a.last; ++b) {
    const std::int64_t start = a.offsets[b], end = a.offsets[b + 1];
    for (std::int64_t i = end; i < end + lookups_ahead; ++i) fetch_weights<W>(a, i, a.offsets[a.last]);
    const T scale = a.mean && end > start ? T(1) / T(end - start) : T(1);
    T* const out = static_cast<T*>(a.out) + b * a.dim;
    for_packs<T>(a.dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      Pack<T> sum = fill(T(0));
      for (std::int64_t i = start; i < end; ++i) {
        const Pack<T> w = take(weights_of<W>(a, i) + j, count);
        sum += factor ? factor[i] * w : w;
      }
      store(out + j, a.mean ? scale * sum : sum, count);
    });
  }
}

template <class W>
constexpr Narrow narrow() {
  Narrow n{};
  n.is_bfloat16 = std::is_same_v<W, BFloat16>;
  n.widen = [](const void* in, float* out, std::int64_t dim) {
    const W* const w = static_cast<const W*>(in);
    for_packs<float>(dim, [&](std::int64_t j, auto count)
                              __attribute__((always_inline)) { store(out + j, take(w + j, count), count); });
  };
  n.round = [](const float* in, void* out, std::int64_t dim, std::int64_t row, std::uint64_t key, bool nearest) {
    const Rounding rounding(nearest, key, row);
    W* const w = static_cast<W*>(out);
    for_packs<float>(dim, [&](std::int64_t j, auto count)
                              __attribute__((always_inline)) { put(w + j, load(in + j, count), count, j, rounding); });
  };
  return n;
}

}  // namespace schuss
