// Examples of a piece of text, before they are cut into batches.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "growing.hpp"

namespace schuss {

// The features of all examples, one behind the other.
struct Entries {
  std::int64_t size = 0, capacity = 0;
  Raw<std::uint32_t> ids;
  Raw<float> values;  // once `valued`; until then all are 1
  Raw<std::uint16_t> fields;
  bool valued = false;

  void reserve(std::int64_t more) {
    if (size + more <= capacity) return;
    capacity = grown(capacity, size + more);
    ids.enlarge(capacity);
    values.enlarge(capacity);
    fields.enlarge(capacity);
  }

  void add(std::uint32_t id, float value, std::uint16_t field) {
    reserve(1);
    if (value != 1 && !valued) start_values();
    if (valued) values[size] = value;
    ids[size] = id;
    fields[size++] = field;
  }

  void start_values() {
    valued = true;
    std::fill_n(values.data(), size, 1.0f);
  }
};

// A line that is no example: its number, from 1 in its piece of text, and why.
struct Report {
  std::int64_t line;
  std::string reason;
};

struct Block {
  static constexpr std::size_t most_reports = 5;

  Entries entries;
  Growing<std::int64_t> ends;      // of each example's entries
  Growing<float> labels, weights;  // weights: once `weighted`; until then all are 1
  Growing<std::uint8_t> repeats;
  bool weighted = false;
  std::int64_t lines = 0, malformed = 0;
  std::vector<Report> reports;  // of the first malformed lines

  std::int64_t size() const { return ends.size(); }
  std::int64_t start(std::int64_t example) const { return example == 0 ? 0 : ends[example - 1]; }

  void weight(float x) {
    if (x != 1 && !weighted) {
      weighted = true;
      for (std::int64_t i = 0; i < size(); ++i) weights.push(1);
    }
    if (weighted) weights.push(x);
  }

  // Forgets what an example that was refused has left behind the `kept` entries before it.
  void cut(std::int64_t kept) {
    entries.size = kept;
    labels.shrink(size());
    weights.shrink(size());
  }

  void clear() {
    ends.shrink(0);
    repeats.shrink(0);
    cut(0);
    entries.valued = weighted = false;
    lines = malformed = 0;
    reports.clear();
  }
};

}  // namespace schuss
