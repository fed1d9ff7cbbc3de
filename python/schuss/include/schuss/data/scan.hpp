// Search in text, eight bytes at a time, for one byte that is never far.
#pragma once
#include <cstdint>

#include "hash.hpp"

namespace schuss {

// The place of a byte among the 8 of a word, from the lowest; 8 if it is not there.
inline int find(std::uint64_t word, char c) {
  constexpr std::uint64_t ones = 0x0101010101010101ull;
  const std::uint64_t x = word ^ ones * std::uint8_t(c), found = (x - ones) & ~x & ones << 7;
  return found ? __builtin_ctzll(found) >> 3 : 8;
}

inline const char* find(const char* p, const char* last, char c) {
  for (; last - p >= 8; p += 8)
    if (const int i = find(load<std::uint64_t>(p), c); i < 8) return p + i;
  while (p < last && *p != c) ++p;
  return p;
}

inline bool is_space(char c) { return c == ' ' || c == '\t'; }

inline const char* skip_spaces(const char* p, const char* last) {
  while (p < last && is_space(*p)) ++p;
  return p;
}

inline const char* token_end(const char* p, const char* last) {
  while (p < last && !is_space(*p)) ++p;
  return p;
}

}  // namespace schuss
