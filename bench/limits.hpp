// The machine's own limit: as many read and written streams as a rule has, no arithmetic. The written streams are read
// too, as a rule reads its weight and slots. Same packs, same prefetch as the kernels.
#pragma once
#include "schuss/access/span.hpp"

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

// The arrays that are written come first. Returns the bytes moved.
template <class T>
double stream(int read, int written, void* const* arrays, std::int64_t n) {
  T* const* const a = reinterpret_cast<T* const*>(arrays);
  if (read == 1 && written == 1) stream_some<T, 1, 1>(a, n);
  if (read == 1 && written == 2) stream_some<T, 1, 2>(a, n);
  if (read == 1 && written == 3) stream_some<T, 1, 3>(a, n);
  if (read == 1 && written == 4) stream_some<T, 1, 4>(a, n);
  return double(read + 2 * written) * double(n) * sizeof(T);
}

}  // namespace schuss
