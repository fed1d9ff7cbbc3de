// The keys of one example, to find those that come twice: a hash table that is emptied by a new epoch.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace schuss {

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
