// Chunks of any size become pieces that end with white space, for the team to work on.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "../train/team.hpp"
#include "text.hpp"

namespace schuss {

class Pieces {
 public:
  explicit Pieces(std::int64_t size) : size_(size) {}

  // Calls start(number of pieces), then work(piece, first, last, member) for each of them.
  template <class Start, class Work>
  void feed(const char* p, std::int64_t size, int threads, const Start& start, const Work& work) {
    const char* const last = p + size;
    std::vector<const char*> borders;
    if (!carry_.empty()) {
      const char* const end = std::find_if(p, last, is_white);
      keep(p, end);
      if (end == last) return;
      carry_ += *end;
      p = end + 1;
    }
    const char* cut = last;
    while (cut > p && !is_white(cut[-1])) --cut;
    borders.push_back(p);
    while (borders.back() < cut) {
      const char* const from = borders.back() + std::min<std::int64_t>(size_, cut - borders.back()) - 1;
      borders.push_back(std::find_if(from, cut, is_white) + 1);
    }
    const bool carried = !carry_.empty();
    const std::int64_t pieces = std::int64_t(borders.size()) - 1 + carried;
    start(pieces);
    parallel(pieces, threads, [&](std::int64_t i, int member) {
      const std::size_t k = std::size_t(i - carried);
      if (carried && i == 0) work(i, carry_.data(), carry_.data() + carry_.size(), member);
      else work(i, borders[k], borders[k + 1], member);
    });
    carry_.clear();
    keep(cut, last);
  }

  // The end of a text, which is the end of a line too.
  template <class Start, class Work>
  void close(const Start& start, const Work& work) {
    carry_ += '\n';
    start(1);
    work(0, carry_.data(), carry_.data() + carry_.size(), 0);
    carry_.clear();
  }

 private:
  template <class Work>
  static void parallel(std::int64_t pieces, int threads, const Work& work) {
    std::atomic<bool> full{false};
    Team::get().run(pieces, threads, [&](std::int64_t i, int member) {
      try {
        work(i, member);
      } catch (const std::exception&) {
        full = true;
      }
    });
    if (full) throw std::bad_alloc();
  }

  // The front of a word that has not ended: as much as shows whether it is too long.
  void keep(const char* first, const char* last) {
    const std::int64_t room = longest_word + 1 - std::int64_t(carry_.size());
    carry_.append(first, std::size_t(std::min<std::int64_t>(room, last - first)));
  }

  std::int64_t size_;
  std::string carry_;  // of the word at the end of what was fed
};

}  // namespace schuss
