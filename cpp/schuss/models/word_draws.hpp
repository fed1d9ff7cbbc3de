// What chance decides about a token, as functions of (seed, epoch, position): whether it is kept, how far its window
// reaches, its negatives. Threads and the order of work do not matter.
#pragma once
#include "../random.hpp"

namespace schuss {

inline std::uint64_t epoch_key(std::uint64_t seed, std::int64_t epoch) { return mixed(draw(seed, epoch, -1)); }

// x below n, from 32 bits.
inline std::uint32_t below(std::uint32_t bits, std::uint64_t n) { return std::uint32_t((bits * n) >> 32); }

class TokenDraws {
 public:
  TokenDraws(std::uint64_t key, std::int64_t position)
      : own_(mixed(key + std::uint64_t(position) * 0x9E3779B97F4A7C15ull)) {}

  std::uint32_t keep() const { return std::uint32_t(own_ >> 32); }
  int reach(int window) const { return 1 + int(below(std::uint32_t(own_), std::uint64_t(window))); }

  // The k-th negative: Walker's alias method, `alias` has a threshold and another word for each word.
  std::uint32_t negative(std::int64_t k, const std::uint32_t* alias, std::int64_t words) const {
    const std::uint64_t bits = mixed(own_ + std::uint64_t(k) * 0xD1342543DE82EF95ull + 1);
    const std::uint32_t word = below(std::uint32_t(bits >> 32), std::uint64_t(words));
    const std::uint32_t threshold = alias[2 * word], other = alias[2 * word + 1];
    const std::uint32_t own = 0u - std::uint32_t(std::uint32_t(bits) <= threshold);  // no branch: nobody could guess it
    return (word & own) | (other & ~own);
  }

 private:
  std::uint64_t own_;
};

}  // namespace schuss
