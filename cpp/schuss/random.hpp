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

}  // namespace schuss
