// Blocks of a cache: their checksum, and their examples in another order.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "examples.hpp"
#include "hash.hpp"

namespace schuss {

// Four chains of products over 64 bytes at a time, fast enough to be taken at the speed of memory.
inline std::uint64_t checksum(const char* p, std::int64_t size) {
  std::uint64_t h[4] = {1, 2, 3, 4};
  char tail[64] = {};
  const auto take = [&h](const char* from) {
    for (int k = 0; k < 4; ++k)
      h[k] = hash_block(h[k], load<std::uint64_t>(from + 16 * k), load<std::uint64_t>(from + 16 * k + 8));
  };
  std::int64_t rest = size;
  for (; rest >= 64; rest -= 64, p += 64) take(p);
  std::memcpy(tail, p, std::size_t(rest));
  take(tail);
  return hash_end(fold(h[0] ^ fold(h[1], h[2]), h[3]), std::size_t(size));
}

// A permutation of 0 .. n - 1 by Fisher and Yates; of (n, seed) alone.
inline void permute(std::int64_t n, std::uint64_t seed, std::int64_t* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t random = field_start(seed, std::uint64_t(i));
    const auto j = std::int64_t(Wide(random) * Wide(i + 1) >> 64);
    out[i] = out[j];
    out[j] = i;
  }
}

// Examples order[0], order[1], ... of a batch: each entry array once.
inline void gather_starts(const Examples& from, const std::int64_t* order, std::int64_t n, std::int64_t* indptr) {
  indptr[0] = 0;
  for (std::int64_t i = 0; i < n; ++i) indptr[i + 1] = indptr[i] + from.indptr[order[i] + 1] - from.indptr[order[i]];
}

template <class T>
void gather_entries(const Examples& from, const std::int64_t* order, std::int64_t n, const T* entries, T* out) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t first = from.indptr[order[i]], last = from.indptr[order[i] + 1];
    out = std::copy(entries + first, entries + last, out);
  }
}

}  // namespace schuss
