// UTF-8 as Python decodes it with errors="replace": each maximal part that begins no character becomes U+FFFD.
#pragma once
#include <cstdint>
#include <vector>

namespace schuss {

// What lies at the front of [p, last): a character, or a part of none (code -1), and its bytes.
struct Character {
  std::int32_t code;
  int size;
};

inline Character character(const char* p, const char* last) {
  const auto byte = [p](int i) { return std::int32_t(std::uint8_t(p[i])); };
  const std::int32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const int size = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  if (size == 1) return {-1, 1};
  const std::int32_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::int32_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  std::int32_t code = lead & (0x7F >> size);
  for (int i = 1; i < size; ++i) {
    const bool good = p + i < last && byte(i) >= (i == 1 ? least : 0x80) && byte(i) <= (i == 1 ? most : 0xBF);
    if (!good) return {-1, i};
    code = code << 6 | (byte(i) & 0x3F);
  }
  return {code, size};
}

// Writes a character, returns the end.
inline char* put(char* to, std::uint32_t code) {
  const auto tail = [&](int shift) { return char(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    *to++ = char(code);
    return to;
  }
  if (code < 0x800) {
    *to++ = char(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      *to++ = char(0xE0 | code >> 12);
    } else {
      *to++ = char(0xF0 | code >> 18);
      *to++ = tail(12);
    }
    *to++ = tail(6);
  }
  *to++ = tail(0);
  return to;
}

// The lower case of each character: of those below its size, code or code | second << 21 where it has become two.
using Lower = std::vector<std::uint32_t>;

// Copies a word with what is no character replaced, in lower case if a table is given. At most three times as long.
inline char* normal(const char* p, const char* last, const Lower* lower, char* to, std::int64_t& invalid) {
  while (p < last) {
    const Character c = character(p, last);
    p += c.size;
    if (c.code < 0) {
      ++invalid;
      to = put(to, 0xFFFD);
      continue;
    }
    std::uint32_t code = std::uint32_t(c.code);
    if (lower && code < lower->size()) code = (*lower)[code];
    to = put(to, code & 0x1FFFFF);
    if (code >> 21) to = put(to, code >> 21);
  }
  return to;
}

inline bool valid(const char* p, const char* last) {
  while (p < last) {
    const Character c = character(p, last);
    if (c.code < 0) return false;
    p += c.size;
  }
  return true;
}

}  // namespace schuss
