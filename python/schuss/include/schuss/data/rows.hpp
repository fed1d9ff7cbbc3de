// Rows whose cells are already apart, column by column, as Arrow has them.
#pragma once
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

#include "features.hpp"
#include "lines.hpp"

namespace schuss {

// A column: numbers, or strings of bytes one behind the other.
struct Cells {
  Column column;
  const std::uint8_t* valid;  // 0: null; or no pointer: none is
  const double* numbers;
  const std::int64_t* offsets;
  const char* bytes;
};

inline bool take_cell(const Cells& cells, std::int64_t row, Features& out) {
  const auto [role, field] = cells.column;
  const bool feature = role == Role::numeric || role == Role::categorical;
  if (cells.valid && !cells.valid[row]) {
    if (feature) out.category(field, {});
    return feature || !out.schema.labelled || out.refuse("label or weight: expected a number, got null");
  }
  if (cells.offsets) {
    const std::int64_t first = cells.offsets[row];
    out.category(field, {cells.bytes + first, std::size_t(cells.offsets[row + 1] - first)});
    return true;
  }
  const double x = cells.numbers[row];
  char text[32];
  const std::string_view shown(text, std::size_t(std::to_chars(text, text + sizeof text, x).ptr - text));
  if (role == Role::label) return out.label(x, shown);
  if (role == Role::weight) return !out.schema.labelled || out.weight(x, shown);
  return (std::isfinite(x) && out.quantity(field, x)) || out.refuse(Read::infinite, "number", shown);
}

inline void parse_rows(const Schema& schema, const std::vector<Cells>& columns, std::int64_t first, std::int64_t last,
                       Block& block) {
  Features features(schema, block);
  for (std::int64_t row = first; row < last; ++row) {
    const auto all = [&] {
      for (std::size_t c = 0; c < columns.size(); ++c)
        if (!take_cell(columns[c], row, features))
          return features.refuse("column " + std::to_string(c + 1) + ": " + features.reason);
      return true;
    };
    if (!take_example(features, all)) return;
  }
}

}  // namespace schuss
