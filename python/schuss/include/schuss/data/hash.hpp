// schuss64-1: the hash of a value, a string of bytes, within a field, a number. Written down in Format's docstring;
// a change of one bit is another name, for models hold what they learned by it.
//
//   mix(z)      the finalizer of splitmix64
//   fold(a, b)  the high and the low half of the 128-bit product a b, xored (as in wyhash)
//   start     = mix(mix(seed + 0x9E3779B97F4A7C15) + field)
//   h         = start; for each 16 bytes, the last ones filled up with zeros, at least once, as two little-endian words
//               a, b: h = fold(h ^ a, b ^ 0xA0761D6478BD642F)
//   hash      = fold(h ^ length, 0xE7037ED1A0B428DB);  id = hash >> (64 - bits)
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../random.hpp"

namespace schuss {

constexpr char hash_name[] = "schuss64-1";

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide(a) * b;
  return std::uint64_t(product >> 64) ^ std::uint64_t(product);
}

inline std::uint64_t field_start(std::uint64_t seed, std::uint64_t field) {
  return mixed(mixed(seed + 0x9E3779B97F4A7C15ull) + field);
}

template <class T>
T load(const char* p) {
  T x;
  std::memcpy(&x, p, sizeof x);
  return x;
}

// n < 8 bytes filled up with zeros, without a look beyond them: bytes that are read twice fall on themselves.
inline std::uint64_t padded(const char* p, std::size_t n) {
  const auto byte = [p](std::size_t i) { return std::uint64_t(std::uint8_t(p[i])) << (8 * i); };
  if (n >= 4) return load<std::uint32_t>(p) | std::uint64_t(load<std::uint32_t>(p + n - 4)) << (8 * (n - 4));
  return n == 0 ? 0 : byte(0) | byte(n / 2) | byte(n - 1);
}

inline std::uint64_t hash_block(std::uint64_t h, std::uint64_t a, std::uint64_t b) {
  return fold(h ^ a, b ^ 0xA0761D6478BD642Full);
}
inline std::uint64_t hash_end(std::uint64_t h, std::size_t length) { return fold(h ^ length, 0xE7037ED1A0B428DBull); }

// A value of at most 8 bytes, already a word.
inline std::uint64_t hash_word(std::uint64_t start, std::uint64_t word, std::size_t length) {
  return hash_end(hash_block(start, word, 0), length);
}

// The one feature of a field whose numbers are not binned: the text "x".
inline std::uint64_t quantity_hash(std::uint64_t start) { return hash_word(start, 'x', 1); }

// Two hashes as one value of 16 bytes: a cross of fields.
inline std::uint64_t hash_pair(std::uint64_t start, std::uint64_t a, std::uint64_t b) {
  return hash_end(hash_block(start, a, b), 16);
}

inline std::uint64_t hash_bytes(std::uint64_t start, const char* p, std::size_t length) {
  std::uint64_t h = start;
  std::size_t n = length;
  for (; n > 16; n -= 16, p += 16) h = hash_block(h, load<std::uint64_t>(p), load<std::uint64_t>(p + 8));
  const std::uint64_t a = n >= 8 ? load<std::uint64_t>(p) : padded(p, n);
  const std::uint64_t b = n == 16 ? load<std::uint64_t>(p + 8) : n > 8 ? padded(p + 8, n - 8) : 0;
  return hash_end(hash_block(h, a, b), length);
}

}  // namespace schuss
