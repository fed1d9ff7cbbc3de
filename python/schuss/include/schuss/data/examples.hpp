// A CSR block of examples, as the models see it.
#pragma once
#include <cstdint>

namespace schuss {

struct Examples {
  std::int64_t n;
  const std::int64_t* indptr;  // n + 1, from 0
  const std::uint32_t* ids;
  const float* values;          // or null: all are 1
  const std::uint16_t* fields;  // or null
  const float* labels;
  const float* weights;         // or null: all are 1
  const std::uint8_t* repeats;  // 1 where an id occurs more than once in the example, each time in another field
};

}  // namespace schuss
