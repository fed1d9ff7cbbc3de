// Duplicate ids: each id once, in the order of first appearance, with the positions of its gradients in the order
// given.
//
// The order of appearance, so that gradients are read nearly in sequence; rows in ascending order, with gradients from
// anywhere, cost 1.5 times the whole step. Where there are not too many ids they are numbered as they come. Otherwise
// keys (id, position) are sorted by the id's bits, least digit first, which is stable, and the runs of equal ids are
// put back into the order of appearance. The result does not depend on the way, nor on how many share the work.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "../train/team.hpp"
#include "first_seen.hpp"

namespace schuss {

struct Merged {
  std::vector<std::int64_t> ids, start, from;  // as in kernel.hpp: id i has from[start[i]] ... from[start[i + 1] - 1]

  std::int64_t size() const { return std::int64_t(ids.size()); }
};

inline int bits_of(std::int64_t count) {
  int bits = 0;
  while (bits < 63 && count > 1 && (count - 1) >> bits > 0) ++bits;
  return bits;
}

class Coalescer {
 public:
  enum Result : std::int64_t { done = -1, too_many = -2 };  // else the position of the first id out of range

  template <class Id>
  std::int64_t operator()(const Id* ids, std::int64_t n, std::int64_t bound, int threads, Merged& out) {
    low_ = bits_of(n);
    const int high = bits_of(bound);
    size_ = n;
    parts_ = n < serial ? 1 : std::min(threads, most_parts);
    bool ascending = true;
    if (const std::int64_t wrong = examine(ids, bound, ascending); wrong < n) return wrong;
    if (low_ + high > 64 || low_ > 32) return too_many;
    if (ascending) return alone(ids, out);
    if (bound <= std::min(FirstSeen::most_ids, sparse * n)) return number(ids, bound, out);
    make_keys(ids);
    sort(high);
    list(out);
    return done;
  }

 private:
  static constexpr std::int64_t serial = 8192;  // below, one thread does it
  static constexpr std::int64_t few = 64;       // below, they are sorted by insertion
  static constexpr std::int64_t sparse =
      4096;  // ids for each position: for more, a memory of all is not worth its pages
  static constexpr int most_parts = 16;

  struct alignas(64) Part {
    std::int64_t wrong, rows, positions;
    bool ascending;
  };

  // What is known of a position: where the run of its id begins in the sorted keys if it is the first one, and how long
  // it is.
  struct Mark {
    std::uint32_t run, length;
  };

  std::int64_t border(int part) const { return size_ * part / parts_; }

  template <class F>
  void in_parts(const F& f) {
    Team::get().run(parts_, parts_, [&](std::int64_t p, int) { f(border(int(p)), border(int(p) + 1), int(p)); });
  }

  std::uint64_t id(std::int64_t i) const { return keys_[std::size_t(i)] >> low_; }
  std::int64_t position(std::int64_t i) const {
    return std::int64_t(keys_[std::size_t(i)] & ((std::uint64_t(1) << low_) - 1));
  }

  // Checks the ids. The position of the first one out of range, or size_.
  template <class Id>
  std::int64_t examine(const Id* ids, std::int64_t bound, bool& ascending) {
    in_parts([&](std::int64_t first, std::int64_t last, int p) {
      bool up = true;
      std::int64_t i = first;
      for (; i < last && std::uint64_t(ids[i]) < std::uint64_t(bound); ++i) up &= i == 0 || ids[i] > ids[i - 1];
      part_[p] = {i < last ? i : size_, 0, 0, up};
    });
    std::int64_t wrong = size_;
    for (int p = 0; p < parts_; ++p) {
      wrong = std::min(wrong, part_[p].wrong);
      ascending = ascending && part_[p].ascending;
    }
    return wrong;
  }

  // Ascending ids have no duplicates.
  template <class Id>
  std::int64_t alone(const Id* ids, Merged& out) {
    fit(out, size_);
    in_parts([&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i) {
        out.ids[std::size_t(i)] = std::int64_t(ids[i]);
        out.start[std::size_t(i)] = out.from[std::size_t(i)] = i;
      }
    });
    return done;
  }

  template <class Id>
  std::int64_t number(const Id* ids, std::int64_t bound, Merged& out) {
    const std::int64_t rows = first_seen_.number(ids, size_, bound);
    fit(out, rows);
    first_seen_.list(size_, rows, out.ids.data(), out.start.data(), out.from.data());
    return done;
  }

  template <class Id>
  void make_keys(const Id* ids) {
    keys_.resize(std::size_t(size_));
    in_parts([&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i)
        keys_[std::size_t(i)] = std::uint64_t(ids[i]) << low_ | std::uint64_t(i);
    });
  }

  void fit(Merged& out, std::int64_t rows) const {
    out.ids.resize(std::size_t(rows));
    out.start.resize(std::size_t(rows) + 1);
    out.from.resize(std::size_t(size_));
    out.start.back() = size_;
  }

  void sort(int high) {
    if (size_ < few) {
      for (std::size_t i = 1; i < keys_.size(); ++i) {
        const auto key = keys_[i];
        std::size_t j = i;
        for (; j > 0 && keys_[j - 1] > key; --j) keys_[j] = keys_[j - 1];
        keys_[j] = key;
      }
      return;
    }
    constexpr int most = 11;  // bits of a digit
    const int passes = (high + most - 1) / most, bits = passes ? (high + passes - 1) / passes : 1;
    const std::size_t digits = std::size_t(1) << bits;
    other_.resize(keys_.size());
    places_.resize(digits * std::size_t(parts_));
    for (int pass = 0; pass < passes; ++pass) {
      const int shift = low_ + pass * bits;
      const auto digit = [&](std::uint64_t key) { return std::size_t(key >> shift) & (digits - 1); };
      in_parts([&](std::int64_t first, std::int64_t last, int p) {
        std::uint32_t* const count = &places_[digits * std::size_t(p)];
        std::fill_n(count, digits, 0u);
        for (std::int64_t i = first; i < last; ++i) ++count[digit(keys_[std::size_t(i)])];
      });
      std::uint32_t place = 0;
      for (std::size_t d = 0; d < digits; ++d)
        for (int p = 0; p < parts_; ++p) {
          auto& here = places_[digits * std::size_t(p) + d];
          const auto count = here;
          here = place;
          place += count;
        }
      in_parts([&](std::int64_t first, std::int64_t last, int p) {
        std::uint32_t* const to = &places_[digits * std::size_t(p)];
        for (std::int64_t i = first; i < last; ++i) {
          const auto key = keys_[std::size_t(i)];
          other_[to[digit(key)]++] = key;
        }
      });
      keys_.swap(other_);
    }
  }

  // Runs of equal ids, in the order of their first positions.
  void list(Merged& out) {
    marks_.resize(std::size_t(size_));
    in_parts([&](std::int64_t first, std::int64_t last, int) {
      std::int64_t i = first;
      while (i > 0 && i < last && id(i) == id(i - 1)) ++i;  // a run belongs to the part where it begins
      while (i < last) {
        const std::int64_t run = i;
        for (++i; i < size_ && id(i) == id(run); ++i) marks_[std::size_t(position(i))].length = 0;
        marks_[std::size_t(position(run))] = {std::uint32_t(run), std::uint32_t(i - run)};
      }
    });
    in_parts([&](std::int64_t first, std::int64_t last, int p) {
      std::int64_t rows = 0, positions = 0;
      for (std::int64_t i = first; i < last; ++i) {
        rows += marks_[std::size_t(i)].length > 0;
        positions += marks_[std::size_t(i)].length;
      }
      part_[p].rows = rows;
      part_[p].positions = positions;
    });
    std::int64_t rows = 0, positions = 0;
    for (int p = 0; p < parts_; ++p) {  // what comes before each part
      const Part own = part_[p];
      part_[p].rows = rows;
      part_[p].positions = positions;
      rows += own.rows;
      positions += own.positions;
    }
    fit(out, rows);
    in_parts([&](std::int64_t first, std::int64_t last, int p) {
      std::int64_t row = part_[p].rows, at = part_[p].positions;
      for (std::int64_t i = first; i < last; ++i) {
        const Mark mark = marks_[std::size_t(i)];
        if (mark.length == 0) continue;
        out.ids[std::size_t(row)] = std::int64_t(id(mark.run));
        out.start[std::size_t(row++)] = at;
        for (std::int64_t k = mark.run; k < std::int64_t(mark.run) + mark.length; ++k)
          out.from[std::size_t(at++)] = position(k);
      }
    });
  }

  std::int64_t size_ = 0;
  int parts_ = 1, low_ = 0;
  FirstSeen first_seen_;
  std::vector<std::uint64_t> keys_, other_;
  std::vector<std::uint32_t> places_;
  std::vector<Mark> marks_;
  Part part_[most_parts];
};

}  // namespace schuss
