// Duplicate ids: each id once, ascending, with the positions of its gradients in the order given.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace schuss {

struct Merged {
  std::vector<std::int64_t> ids, start, from;  // as in kernel.hpp: id i has from[start[i]] ... from[start[i + 1] - 1]

  std::int64_t size() const { return std::int64_t(ids.size()); }
};

// Position of the first id outside 0 .. bound - 1, or -1.
template <class Id>
std::int64_t out_of_range(const Id* ids, std::int64_t n, std::int64_t bound) {
  for (std::int64_t i = 0; i < n; ++i)
    if (ids[i] < Id(0) || std::uint64_t(ids[i]) >= std::uint64_t(bound)) return i;
  return -1;
}

// Stable radix sort by 11-bit digits; few ids are inserted instead.
class Coalescer {
 public:
  template <class Id>
  void operator()(const Id* ids, std::int64_t n, std::int64_t bound, Merged& out) {
    const auto count = std::size_t(n);
    out.from.resize(count);
    std::iota(out.from.begin(), out.from.end(), std::int64_t(0));
    keys_.assign(ids, ids + n);
    if (!std::is_sorted(keys_.begin(), keys_.end())) sort(bound, out.from);
    out.ids.clear();
    out.start.clear();
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0 && keys_[i] == keys_[i - 1]) continue;
      out.ids.push_back(keys_[i]);
      out.start.push_back(std::int64_t(i));
    }
    out.start.push_back(n);
  }

 private:
  void sort(std::int64_t bound, std::vector<std::int64_t>& from) {
    constexpr int bits = 11;
    constexpr std::int64_t mask = (1 << bits) - 1;
    const std::size_t n = keys_.size();
    if (n < 64) {
      for (std::size_t i = 1; i < n; ++i) {
        const auto key = keys_[i], position = from[i];
        std::size_t j = i;
        for (; j > 0 && keys_[j - 1] > key; --j) keys_[j] = keys_[j - 1], from[j] = from[j - 1];
        keys_[j] = key, from[j] = position;
      }
      return;
    }
    other_keys_.resize(n);
    other_from_.resize(n);
    for (int shift = 0; shift < 63 && (bound - 1) >> shift > 0; shift += bits) {
      std::int64_t place[mask + 2] = {};
      for (const auto key : keys_) ++place[(key >> shift & mask) + 1];
      std::partial_sum(place, place + mask + 2, place);
      for (std::size_t i = 0; i < n; ++i) {
        const auto to = std::size_t(place[keys_[i] >> shift & mask]++);
        other_keys_[to] = keys_[i];
        other_from_[to] = from[i];
      }
      keys_.swap(other_keys_);
      from.swap(other_from_);
    }
  }

  std::vector<std::int64_t> keys_, other_keys_, other_from_;
};

}  // namespace schuss
