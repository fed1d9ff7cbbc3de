// What a line means: Python's Format, ready for use.
#pragma once
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hash.hpp"

namespace schuss {

enum class Kind { criteo, libsvm, libffm, vw, csv };
enum class Numeric { log, raw, plain };
enum class Role { ignore, label, weight, numeric, categorical };

struct Column {
  Role role;
  int field;  // of a feature, from 0
};

struct Schema {
  Kind kind = Kind::libsvm;
  int bits = 20;
  std::uint64_t seed = 0;
  Numeric numeric = Numeric::log;
  bool hashed = false;   // libsvm, libffm: ids are hashed, not taken as they are
  bool binary = true;    // labels are 0, 1 or -1
  bool labelled = true;  // false: labels are not looked at and may be missing
  bool strict = false;   // reading ends at the first malformed line
  char delimiter = ',';
  std::int64_t longest = std::int64_t(64) << 20;  // bytes of a line
  int fields = 0;                                 // without the crosses; 0 where examples have none
  std::vector<std::pair<int, int>> crosses;       // fields
  std::vector<std::string> namespaces;            // of vw, in the order of their fields; none: all, without fields

  // ---- made from these by prepare() ---------------------------------------------------------------------------

  static constexpr std::int64_t least_bin = -16, most_bin = 255;
  using Bins = std::array<std::uint64_t, most_bin - least_bin + 1>;

  std::vector<std::uint64_t> starts;  // the hash's start of each field and cross
  std::vector<Bins> bins;             // of each field: hashes of the usual bins
  std::vector<bool> crossed;          // whether a field takes part in a cross

  bool with_fields() const { return kind == Kind::libffm || fields > 0; }
  std::uint32_t id(std::uint64_t hash) const { return std::uint32_t(hash >> (64 - bits)); }

  static std::uint64_t bin_hash(std::uint64_t start, std::int64_t bin) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, bin).ptr;
    return hash_bytes(start, text, std::size_t(end - text));
  }

  void prepare() {
    const auto all = std::size_t(fields) + crosses.size() + 1;  // one more: libsvm's only field
    for (std::size_t f = 0; f < all; ++f) starts.push_back(field_start(seed, f));
    crossed.assign(std::size_t(fields), false);
    for (const auto& [a, b] : crosses) crossed[std::size_t(a)] = crossed[std::size_t(b)] = true;
    if (numeric != Numeric::log || kind == Kind::vw) return;
    bins.resize(std::size_t(fields));
    for (std::size_t f = 0; f < bins.size(); ++f)
      for (std::int64_t bin = least_bin; bin <= most_bin; ++bin)
        bins[f][std::size_t(bin - least_bin)] = bin_hash(starts[f], bin);
  }
};

}  // namespace schuss
