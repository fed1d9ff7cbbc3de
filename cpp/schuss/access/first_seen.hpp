// Ids numbered in the order of their first appearance, by a memory of four bytes for each id there may be.
//
// An id's memory is the number that it had when it was last seen, in this batch or another, of this table or another:
// it is believed if that number has been given in this batch, and to this id. So nothing is ever cleared.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../block.hpp"
#include "../fetch.hpp"

namespace schuss {

class FirstSeen {
 public:
  static constexpr std::int64_t most_ids = std::int64_t(1) << 26;  // 256 MiB

  // Gives each position the number of its id. Returns how many ids there are.
  template <class Id>
  std::int64_t number(const Id* ids, std::int64_t n, std::int64_t bound) {
    constexpr std::int64_t ahead = 48;
    std::uint32_t* const last = fit(bound);
    if (std::int64_t(number_.size()) < n) number_.resize(std::size_t(n)), seen_.resize(std::size_t(n));
    std::uint32_t* const number = number_.data();
    Seen* const seen = seen_.data();
    const auto most = std::uint32_t(n - 1);
    std::uint32_t count = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      fetch_to_write(last + ids[std::min(i + ahead, n - 1)]);
      const auto id = std::uint32_t(ids[i]);
      const std::uint32_t before = last[id];
      const Seen there = seen[std::min(before, most)];  // whatever the count is: the load waits for nothing
      const bool known = (before < count) & (there.id == id);
      const std::uint32_t own = known ? before : count;
      last[id] = own;
      seen[own] = {id, known ? there.length + 1 : 1};
      number[i] = own;
      count += !known;
    }
    return count;
  }

  // The ids, where the positions of each begin, and the positions, each id's in ascending order.
  void list(std::int64_t n, std::int64_t count, std::int64_t* ids, std::int64_t* start, std::int64_t* from) {
    std::uint32_t at = 0;
    for (std::int64_t k = 0; k < count; ++k) {
      Seen& seen = seen_[std::size_t(k)];
      ids[k] = seen.id;
      start[k] = at;
      at += std::exchange(seen.length, at);  // from now on where its next position goes
    }
    for (std::int64_t i = 0; i < n; ++i) from[seen_[number_[std::size_t(i)]].length++] = i;
  }

 private:
  struct Seen {
    std::uint32_t id, length;
  };

  std::uint32_t* fit(std::int64_t bound) {
    const auto bytes = std::size_t(bound) * sizeof(std::uint32_t);
    if (!last_ || last_->bytes < bytes) last_ = nullptr, last_ = std::make_unique<Block>(bytes);
    return static_cast<std::uint32_t*>(last_->base);
  }

  std::unique_ptr<Block> last_;
  std::vector<std::uint32_t> number_;
  std::vector<Seen> seen_;
};

}  // namespace schuss
