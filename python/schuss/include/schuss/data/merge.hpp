// Examples that a user has as arrays: equal (id, field) are merged, repeated ids found.
#pragma once
#include <cstdint>

#include "features.hpp"

namespace schuss {

// Returns the first example whose sums are not finite, or -1.
inline std::int64_t merge_examples(std::int64_t n, const std::int64_t* indptr, const std::uint32_t* ids,
                                   const float* values, const std::uint16_t* fields, Block& out) {
  Schema schema;
  schema.kind = fields ? Kind::libffm : Kind::libsvm;
  schema.labelled = false;
  Features features(schema, out);
  for (std::int64_t i = 0; i < n; ++i) {
    features.begin();
    for (std::int64_t k = indptr[i]; k < indptr[i + 1]; ++k)
      features.add(ids[k], values ? values[k] : 1, fields ? fields[k] : 0);
    if (!features.end()) return i;
  }
  return -1;
}

}  // namespace schuss
