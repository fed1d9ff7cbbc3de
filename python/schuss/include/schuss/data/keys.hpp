// Which of an example's keys come twice: a quick look that may be mistaken, and a table that is not.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace schuss {

// Marks of the lowest bits of each id, forgotten by a new epoch. Never misses an id that comes twice.
class Glance {
 public:
  bool repeated(const std::uint32_t* ids, std::int64_t n) {
    if (n > most) return true;
    if (++epoch_ == 0) {
      marks_.fill(0);
      epoch_ = 1;
    }
    bool seen = false;
    for (std::int64_t i = 0; i < n; ++i) {
      std::uint8_t& mark = marks_[ids[i] % marks_.size()];
      seen |= mark == epoch_;
      mark = epoch_;
    }
    return seen;
  }

 private:
  static constexpr std::int64_t most = 256;  // of more ids, two are likely to share a mark

  std::array<std::uint8_t, 16384> marks_{};
  std::uint8_t epoch_ = 0;
};

// A hash table of keys.
class Keys {
 public:
  // Makes room for n keys and forgets those before.
  void start(std::int64_t n) {
    bits_ = 6;
    while ((std::int64_t(1) << bits_) < 2 * n) ++bits_;
    if (slots_.size() < std::size_t(1) << bits_) slots_.resize(std::size_t(1) << bits_);
    if (++epoch_ == 0) {
      std::fill(slots_.begin(), slots_.end(), Slot{});
      epoch_ = 1;
    }
  }

  // The position that this key first came with; `position` itself if it is new.
  std::uint32_t first(std::uint64_t key, std::uint32_t position) {
    const std::size_t mask = (std::size_t(1) << bits_) - 1;
    for (std::size_t i = std::size_t(key * 0x9E3779B97F4A7C15ull >> (64 - bits_));; i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (slot.epoch != epoch_) {
        slot = {key, epoch_, position};
        return position;
      }
      if (slot.key == key) return slot.position;
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t epoch = 0, position = 0;
  };

  std::vector<Slot> slots_;
  std::uint32_t epoch_ = 0;
  int bits_ = 6;
};

}  // namespace schuss
