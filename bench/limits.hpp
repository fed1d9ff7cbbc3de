// The machine's own limit: as many read and written streams as a rule has, no arithmetic; or reading alone. The written
// streams are read too, as a rule reads its weight and slots. Same packs, same prefetch as the kernels.
#pragma once
#include "schuss/access/rows.hpp"

namespace schuss {

template <class T, int read, int written>
void stream_some(T* const* arrays, std::int64_t n) {
  const auto step = fill(T(1));
  for (std::int64_t i = 0; i + lanes<T> <= n; i += lanes<T>) {
    Pack<T> sum = step;
    std::array<Pack<T>, written> own;
    for (int k = 0; k < written; ++k) {
      fetch(arrays[k] + i);
      own[std::size_t(k)] = load(arrays[k] + i);
    }
    for (int k = 0; k < read; ++k) {
      fetch(arrays[written + k] + i);
      sum += load(arrays[written + k] + i);
    }
    for (int k = 0; k < written; ++k) store(arrays[k] + i, own[std::size_t(k)] + sum);
  }
}

// Reading alone, one array after the other as the solvers' passes do; the sum is kept from being left out.
template <class T>
void read_some(T* const* arrays, int read, std::int64_t n) {
  for (int k = 0; k < read; ++k) {
    Pack<T> sum[4] = {fill(T(0)), fill(T(0)), fill(T(0)), fill(T(0))};
    for (std::int64_t i = 0; i + 4 * lanes<T> <= n; i += 4 * lanes<T>)
      for (int j = 0; j < 4; ++j) sum[j] += load(arrays[k] + i + j * lanes<T>);
    alignas(64) T kept[lanes<T>];
    store(kept, (sum[0] + sum[1]) + (sum[2] + sum[3]));
    asm volatile("" : : "r"(kept) : "memory");
  }
}

// The arrays that are written come first. Returns the bytes moved.
template <class T>
double stream(int read, int written, void* const* arrays, std::int64_t n) {
  T* const* const a = reinterpret_cast<T* const*>(arrays);
  if (written == 0) read_some(a, read, n);
  if (read == 2 && written == 1) stream_some<T, 2, 1>(a, n);
  if (read == 2 && written == 2) stream_some<T, 2, 2>(a, n);
  if (read == 1 && written == 1) stream_some<T, 1, 1>(a, n);
  if (read == 1 && written == 2) stream_some<T, 1, 2>(a, n);
  if (read == 1 && written == 3) stream_some<T, 1, 3>(a, n);
  if (read == 1 && written == 4) stream_some<T, 1, 4>(a, n);
  if (read == 1 && written == 5) stream_some<T, 1, 5>(a, n);
  if (read == 2 && written == 4) stream_some<T, 2, 4>(a, n);
  return double(read + 2 * written) * double(n) * sizeof(T);
}

// The limit of rows: each row of `bytes` is fetched as the kernels fetch it, read and written back with its gradient
// row added to its first numbers. Ids must differ.
template <class T>
void visit(void* rows, std::int64_t stride, std::int64_t bytes, const std::int64_t* ids, const void* g, std::int64_t n,
           std::int64_t dim) {
  char* const base = static_cast<char*>(rows);
  const std::int64_t ahead = std::clamp<std::int64_t>(4096 / bytes, 4, 32);
  const std::int64_t numbers = bytes / std::int64_t(sizeof(T));
  for (std::int64_t i = 0; i < n; ++i) {
    if (i + ahead < n) {
      fetch_bytes(base + ids[i + ahead] * stride, bytes);
      const char* const next = static_cast<const char*>(g) + (i + ahead) * dim * std::int64_t(sizeof(T));
      for (std::int64_t at = 0; at < dim * std::int64_t(sizeof(T)); at += 64) __builtin_prefetch(next + at, 0);
    }
    T* const row = reinterpret_cast<T*>(base + ids[i] * stride);
    const T* const own = static_cast<const T*>(g) + i * dim;
    const Pack<T> one = fill(T(1));
    for_packs<T>(dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      store(row + j, load(row + j, count) + load(own + j, count), count);
    });
    for_packs<T>(numbers - dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      store(row + dim + j, load(row + dim + j, count) + one, count);
    });
  }
}

}  // namespace schuss
