// One example of a batch.
#pragma once
#include "part.hpp"

namespace schuss {

// One example: n entries.
struct Example {
  std::int64_t n;
  const std::uint32_t* ids;
  const float* values;          // or null
  const std::uint16_t* fields;  // or null

  float value(std::int64_t i) const { return values ? values[i] : 1.0f; }
};

inline Example example(const Examples& all, std::int64_t i) {
  const std::int64_t first = all.indptr[i];
  return {all.indptr[i + 1] - first, all.ids + first, all.values ? all.values + first : nullptr,
          all.fields ? all.fields + first : nullptr};
}

// Calls f(j) for the packs of rows laid end to end, whose memory ends with a pack to spare.
template <class F>
[[gnu::always_inline]] inline void for_lanes(std::int64_t numbers, F f) {
  for (std::int64_t j = 0; j < numbers; j += lanes<float>) f(j);
}

}  // namespace schuss
