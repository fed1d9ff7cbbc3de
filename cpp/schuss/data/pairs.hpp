// A hash table of pairs of words, each a number of 32 bits.
#pragma once
#include <cstdint>
#include <vector>

#include "../random.hpp"

namespace schuss {

class Pairs {
 public:
  static constexpr std::uint64_t empty = ~0ull;

  struct Slot {
    std::uint64_t pair;
    std::int64_t value;
  };

  static std::uint64_t of(std::uint32_t first, std::uint32_t second) { return std::uint64_t(first) << 32 | second; }

  Pairs() : slots_(std::size_t(1) << bits_, Slot{empty, 0}) {}

  std::int64_t size() const { return size_; }
  const std::vector<Slot>& slots() const { return slots_; }

  // The value of a pair; -1 where it is unknown.
  std::int64_t find(std::uint64_t pair) const {
    for (std::size_t i = place(pair);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].pair == pair) return slots_[i].value;
      if (slots_[i].pair == empty) return -1;
    }
  }

  // The value of a pair, 0 for a new one.
  std::int64_t& at(std::uint64_t pair) {
    if (std::size_t(size_ + 1) * 2 > slots_.size()) enlarge();
    std::size_t i = place(pair);
    while (slots_[i].pair != pair && slots_[i].pair != empty) i = (i + 1) & (slots_.size() - 1);
    if (slots_[i].pair == empty) {
      slots_[i].pair = pair;
      ++size_;
    }
    return slots_[i].value;
  }

  void merge(const Pairs& other) {
    for (const Slot& slot : other.slots_)
      if (slot.pair != empty) at(slot.pair) += slot.value;
  }

 private:
  std::size_t place(std::uint64_t pair) const { return std::size_t(mixed(pair) >> (64 - bits_)); }

  void enlarge() {
    std::vector<Slot> before(slots_.size() * 2, Slot{empty, 0});
    before.swap(slots_);
    ++bits_;
    size_ = 0;
    for (const Slot& slot : before)
      if (slot.pair != empty) at(slot.pair) = slot.value;
  }

  int bits_ = 10;
  std::vector<Slot> slots_;
  std::int64_t size_ = 0;
};

}  // namespace schuss
