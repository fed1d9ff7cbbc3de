// Rows of a model's table: found, started, handed to the rule.
#pragma once
#include <cmath>
#include <cstring>

#include "../access/rows.hpp"
#include "../fetch.hpp"
#include "../random.hpp"
#include "model.hpp"

namespace schuss {

[[gnu::always_inline]] inline float* row_of(const Part& part, std::int64_t id) { return part.rows + id * part.width; }

inline bool unseen(const Part& part, const float* row) {
  std::uint32_t all = 0;
  for (std::int64_t i = 0; i < part.used; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, row + i, sizeof bits);
    all |= bits;
  }
  return all == 0;
}

// Start values of the slots of a row, of its weights. What is read of the part stays in variables: its numbers might be
// the row's in the eyes of the compiler.
inline void start_slots(const Part& part, float* row) {
  const std::int64_t pitch = part.pitch;
  const int slots = part.slots;
  float* slot = row;
  for (int s = 0; s < slots; ++s) {
    const auto [constant, slope] = part.start[s];
    slot += pitch;
    for (std::int64_t i = 0; i < pitch; ++i) slot[i] = constant + slope * row[i];
  }
  for (int s = 0; s < part.shared; ++s) slot[pitch + s] = part.start[slots + s].constant;
}

// Start values of a row, of (seed, row, column) alone.
[[gnu::noinline]] inline void start_row(const Part& part, std::int64_t id, std::uint64_t seed, float scale) {
  float* const row = row_of(part, id);
  const std::int64_t dim = scale != 0 ? part.dim : 0;
  const std::uint64_t key = row_key(seed, id);
  for (std::int64_t i = 0; i < dim; ++i) row[i] = scale * short_unit(key, std::uint32_t(i));
  start_slots(part, row);
}

// A row that starts with weights of 0.
inline void clear_row(const Part& part, float* row) {
  std::fill_n(row, part.width, 0.0f);
  start_slots(part, row);
}

[[gnu::always_inline]] inline void begin(const Part& part, std::int64_t id, std::uint64_t seed, float scale) {
  const float* const row = row_of(part, id);
  if (row[0] == 0 && unseen(part, row)) start_row(part, id, seed, scale);
}

[[gnu::always_inline]] inline void fetch_line(const float* at, bool change) {
  if (change) fetch_to_write(at);
  else fetch_to_read(at);
}

// Rows lie on whole lines, or several on one. Long ones go into the second cache: the first is too small for an
// example.
[[gnu::always_inline]] inline void fetch_row(const Part& part, std::int64_t id, bool change) {
  const float* const row = row_of(part, id);
  constexpr std::int64_t line = 64 / sizeof(float), near = 4 * line;
  for (std::int64_t at = 0; at < part.used; at += line)
    if (part.used > near) fetch_near(row + at);
    else fetch_line(row + at, change);
}

// n rows, each once, stepped with gradients g of n * dim numbers.
inline void step_rows(const Part& part, const std::int64_t* ids, std::int64_t n, const float* g, const void* step) {
  Rows a{};
  a.w = part.rows;
  for (int s = 0; s < part.slots; ++s) a.slots[s] = part.rows + (1 + s) * part.pitch;
  if (part.shared > 0) a.shared = part.rows + (1 + part.slots) * part.pitch;
  a.g = g;
  a.ids = ids;
  a.last = n;
  a.dim = part.dim;
  a.stride = a.shared_stride = part.width * std::int64_t(sizeof(float));
  a.near = true;
  a.together = ((1 + part.slots) * part.pitch + part.shared) * std::int64_t(sizeof(float));
  part.rule->rows(a, step);
}

}  // namespace schuss
