// The storage of a table: rows with their slots, in memory or in a mapped file.
#pragma once
#include <pybind11/numpy.h>

#include <memory>
#include <vector>

#include "schuss/kernel.hpp"
#include "schuss/memory.hpp"

namespace schuss {

struct Store {
  std::shared_ptr<Pages> pages;
  std::int64_t rows, dim, stride, bytes;  // of a row: from one to the next, and of its contents
  std::int64_t header;                    // bytes before the first row
  Number number;
  Weight weight;
  bool nearest;
  std::uint64_t seed;
  std::vector<std::int64_t> slots;  // their offsets within a row
  std::int64_t shared;              // offset of the number of a row, or -1

  char* first() const { return pages->data() + header; }
};

// What a mapped file says of itself beside its text: kept up to date at every step.
struct Ledger {
  std::int64_t steps, torn, owed;  // torn: a step was under way; owed: steps that rows have missed (exact mode)
};
constexpr std::int64_t ledger_at = 64;  // bytes from the start of the file

}  // namespace schuss
