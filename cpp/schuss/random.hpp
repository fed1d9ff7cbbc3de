// Random bits as functions of a counter: the same whoever asks, in whatever order.
#pragma once
#include <cstdint>

namespace schuss {

// The finalizer of splitmix64 (Steele, Lea & Flood 2014).
inline std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// 64 bits for a column of a row, of the seed alone; and those as a number in (0, 1).
inline std::uint64_t row_key(std::uint64_t seed, std::int64_t row) {
  return mixed(seed + std::uint64_t(row) * 0x9E3779B97F4A7C15ull);
}
inline std::uint64_t draw(std::uint64_t seed, std::int64_t row, std::int64_t column) {
  return mixed(row_key(seed, row) + std::uint64_t(column) * 0xD1342543DE82EF95ull + 1);
}
inline double unit(std::uint64_t bits) { return (double(bits >> 11) + 0.5) * 0x1p-53; }

// A float in (0, 1) for a column of a row, from 32-bit operations, of which registers do many at a time: the finalizer
// of MurmurHash3 (Appleby 2011), the row's key added by halves.
inline float short_unit(std::uint64_t key, std::uint32_t column) {
  std::uint32_t z = std::uint32_t(key) + column * 0x9E3779B9u;
  z = (z ^ (z >> 16)) * 0x85EBCA6Bu + std::uint32_t(key >> 32);
  z = (z ^ (z >> 13)) * 0xC2B2AE35u;
  z ^= z >> 16;
  return (float(std::int32_t(z >> 9)) + 0.5f) * 0x1p-23f;
}

}  // namespace schuss
