// Criteo's display advertising logs: label, 13 whole numbers, 26 categories, between tabs; an empty column is missing.
#pragma once
#include <algorithm>
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
    std::uint64_t hashes[fields];
    float values[quantities];
    for (int f = 0; f < quantities; ++f) {
      const std::uint64_t start = out.schema.starts[std::size_t(f)];
      const char* const cell = p;
      if (p == last) return count(first, last, out);
      std::int64_t x;
      if (*p == '\t') {
        hashes[f] = hash_word(start, 0, 0);
        values[f] = 1;
      } else if (!whole_until(p, last, '\t', x)) {
        const char* const end = find(cell, last, '\t');
        out.refuse("I" + std::to_string(f + 1) + ": expected a whole number or nothing, got " +
                   quoted({cell, std::size_t(end - cell)}));
        return count(first, last, out);
      } else if (out.schema.numeric == Numeric::log) {
        hashes[f] = out.bin(f, log_bin(x));
        values[f] = 1;
      } else {
        hashes[f] = quantity_hash(start);
        values[f] = out.quantity(double(x));
      }
      ++p;
    }
    for (int f = quantities; f < fields; ++f) {
      const std::uint64_t start = out.schema.starts[std::size_t(f)];
      if (last - p >= 8 && (last - p == 8 || p[8] == '\t') && find(load<std::uint64_t>(p), '\t') == 8) {
        hashes[f] = hash_word(start, load<std::uint64_t>(p), 8);  // as all are in Criteo's own files
        p += 8;
      } else {
        const char* const end = find(p, last, '\t');
        hashes[f] = hash_bytes(start, p, std::size_t(end - p));
        p = end;
      }
      if (f + 1 == fields) break;
      if (p == last) return count(first, last, out);
      ++p;
    }
    if (p != last) return count(first, last, out);
    if (out.schema.numeric == Numeric::log) {
      out.hashed(hashes, fields);
    } else {
      for (int f = 0; f < fields; ++f) out.hashed(hashes[f], f < quantities ? values[f] : 1, f);
    }
    return true;
  }

 private:
  static int columns(const char* p, const char* last) { return 1 + int(std::count(p, last, '\t')); }

  // The number of columns is the better reason, where it is wrong.
  static bool count(const char* first, const char* last, Features& out) {
    const int found = columns(first, last);
    if (found == fields + 1 || (found == fields && !out.schema.labelled)) return false;
    return out.refuse("expected " + std::to_string(fields + 1) + " columns between tabs, got " + std::to_string(found));
  }
};

}  // namespace schuss
