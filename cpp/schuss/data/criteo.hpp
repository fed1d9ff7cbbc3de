// Criteo's display advertising logs: label, 13 whole numbers, 26 categories, between tabs; an empty column is missing.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "features.hpp"
#include "scan.hpp"

namespace schuss {

struct Criteo {
  static constexpr int quantities = 13, categories = 26, fields = quantities + categories;

  static bool line(const char* p, const char* last, Features& out) {
    const char* const first = p;
    const char* const tab = find(p, last, '\t');
    // Without labels both forms are taken: the label's column may be there or not.
    const bool label = out.schema.labelled || columns(first, last) != fields;
    if (label) {
      if (!out.label(p, tab)) return count(first, last, out);
      if (tab == last) return count(first, last, out);
      p = tab + 1;
    }
    for (int f = 0; f < quantities; ++f) {
      if (p == last) return count(first, last, out);
      if (*p == '\t') {
        out.category(f, {});
        ++p;
        continue;
      }
      const char* const cell = p;
      std::int64_t x;
      if (!whole(p, last, x) || p == last || *p != '\t') {
        const char* const end = find(cell, last, '\t');
        out.refuse("I" + std::to_string(f + 1) + ": expected a whole number or nothing, got " +
                   quoted({cell, std::size_t(end - cell)}));
        return count(first, last, out);
      }
      ++p;
      if (out.schema.numeric == Numeric::log) out.hashed(out.bin(f, bin(x)), 1, f);
      else out.quantity(f, double(x));
    }
    for (int f = quantities; f < fields; ++f) {
      const std::uint64_t start = out.schema.starts[std::size_t(f)];
      std::uint64_t hash;
      if (last - p >= 8 && (last - p == 8 || p[8] == '\t') && find(load<std::uint64_t>(p), '\t') == 8) {
        hash = hash_word(start, load<std::uint64_t>(p), 8);  // as all are in Criteo's own files
        p += 8;
      } else {
        const char* const end = find(p, last, '\t');
        hash = hash_bytes(start, p, std::size_t(end - p));
        p = end;
      }
      out.hashed(hash, 1, f);
      if (f + 1 == fields) break;
      if (p == last) return count(first, last, out);
      ++p;
    }
    return p == last || count(first, last, out);
  }

 private:
  static int columns(const char* p, const char* last) { return 1 + int(std::count(p, last, '\t')); }

  // The number of columns is the better reason, where it is wrong.
  static bool count(const char* first, const char* last, Features& out) {
    const int found = columns(first, last);
    if (found == fields + 1 || (found == fields && !out.schema.labelled)) return false;
    return out.refuse("expected " + std::to_string(fields + 1) + " columns between tabs, got " + std::to_string(found));
  }

  // log_bin of whole numbers, the small ones from a table.
  static std::int64_t bin(std::int64_t x) {
    static const auto table = [] {
      std::array<std::uint8_t, 4096> bins{};
      for (std::size_t i = 0; i < bins.size(); ++i) bins[i] = std::uint8_t(log_bin(double(i)));
      return bins;
    }();
    return std::uint64_t(x) < table.size() ? table[std::size_t(x)] : log_bin(double(x));
  }
};

}  // namespace schuss
