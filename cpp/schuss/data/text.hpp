// Words of text: what lies between ASCII white space, found 64 bytes at a time, looked up some words later.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "hash.hpp"
#include "utf8.hpp"
#include "words.hpp"

namespace schuss {

constexpr std::int64_t longest_word = 4096;  // bytes; what is longer counts as a word that no vocabulary has

inline bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A bit for each of eight bytes. No sum of the first line carries into the next byte.
inline std::uint64_t gathered(std::uint64_t flags) { return (flags >> 7) * 0x0102040810204080ull >> 56; }
inline std::uint64_t white(std::uint64_t x) {
  constexpr std::uint64_t ones = 0x0101010101010101ull, low = 0x7F * ones;
  const std::uint64_t seven = x & low, from_tab = seven + 0x77 * ones, behind_return = seven + 0x72 * ones;
  const std::uint64_t other_than_space = (seven ^ 0x20 * ones) + low;
  return gathered(((from_tab & ~behind_return) | ~other_than_space) & ~x & ~low);
}
inline std::uint64_t line_end(std::uint64_t x) {
  constexpr std::uint64_t ones = 0x0101010101010101ull, low = 0x7F * ones;
  return gathered(~(((x & low) ^ '\n' * ones) + low) & ~x & ~low);
}

// A text that is cut into words elsewhere: words one behind the other, the ends of sentences among them.
struct Cut {
  static constexpr std::int64_t sentence_end = -1;
  std::vector<char> bytes;
  std::vector<std::int64_t> sizes;
};

// Gives words to a sink: fetch_slot(word), some words later fetch_entry(word), then, in order, take(word), or strange()
// for a word that is too long, and line() where a line ends.
template <class Sink>
class Tokeniser {
 public:
  Tokeniser(Sink& sink, const Lower* lower, std::vector<char>& scratch)
      : sink_(sink), lower_(lower), scratch_(scratch) {}
  std::int64_t words = 0, invalid = 0;

  // [first, last) ends with white space or where the text ends.
  void text(const char* first, const char* last) {
    const std::size_t n = std::size_t(last - first), blocks = n / 64 + 1;
    scratch_.resize(blocks * 64 + slack);
    std::memcpy(scratch_.data(), first, n);
    std::memset(scratch_.data() + n, ' ', blocks * 64 - n);
    if (lower_) lower_ascii();
    const char *start = nullptr, *p = scratch_.data();
    std::uint64_t before = 1;  // white space in front of the block
    for (std::size_t block = 0; block < blocks; ++block, p += 64) {
      std::uint64_t space = 0, line = 0;
      for (int i = 0; i < 8; ++i) space |= white(load<std::uint64_t>(p + 8 * i)) << 8 * i;
      for (int i = 0; i < 8; ++i) line |= line_end(load<std::uint64_t>(p + 8 * i)) << 8 * i;
      const std::uint64_t shifted = space << 1 | before;
      std::uint64_t starts = ~space & shifted, ends = space & ~shifted;
      before = space >> 63;
      for (std::uint64_t events = ends | line; events != 0; events &= events - 1) {
        const int at = __builtin_ctzll(events);
        if (ends >> at & 1) {
          if (!start) {
            start = p + __builtin_ctzll(starts);
            starts &= starts - 1;
          }
          word(start, p + at - start);
          start = nullptr;
        }
        if (line >> at & 1) push({});
      }
      if (starts != 0) start = p + __builtin_ctzll(starts);
    }
    drain();
  }

  void cut(const Cut& cut) {
    scratch_.assign(cut.bytes.begin(), cut.bytes.end());
    scratch_.resize(scratch_.size() + slack);
    if (lower_) lower_ascii();
    const char* p = scratch_.data();
    for (const std::int64_t size : cut.sizes) {
      if (size == Cut::sentence_end) push({});
      else if (size > 0) word(p, size);
      if (size > 0) p += size;
    }
    drain();
  }

 private:
  static constexpr int most = 32;
  static constexpr std::int64_t room = 1 << 16;

  void word(const char* p, std::int64_t size) {
    ++words;
    if (waiting_ == most) drain();
    if (size > longest_word) return push({nullptr, 1, 0, 0, 0});
    Word found = prepared(p, std::uint32_t(size));
    if (!found.ascii() && (lower_ || !valid(p, p + size))) {
      if (spare_.empty()) spare_.resize(room + slack);
      if (used_ + 3 * size > room) drain();
      char* const to = spare_.data() + used_;
      const char* const end = normal(p, p + size, lower_, to, invalid);
      used_ = end - spare_.data();
      found = prepared(to, std::uint32_t(end - to));
    }
    sink_.fetch_slot(found);
    push(found);
  }

  void push(const Word& word) {
    if (waiting_ == most) drain();
    queue_[std::size_t(waiting_++)] = word;
  }

  void drain() {
    for (int i = 0; i < waiting_; ++i)
      if (queue_[std::size_t(i)].p) sink_.fetch_entry(queue_[std::size_t(i)]);
    for (int i = 0; i < waiting_; ++i) {
      const Word& word = queue_[std::size_t(i)];
      if (word.p) sink_.take(word);
      else if (word.size) sink_.strange();
      else sink_.line();
    }
    waiting_ = 0;
    used_ = 0;
  }

  void lower_ascii() {
    for (char& c : scratch_) c = char(c | (std::uint8_t(c - 'A') < 26) << 5);
  }

  Sink& sink_;
  const Lower* lower_;
  std::vector<char>& scratch_;
  std::array<Word, most> queue_;
  std::vector<char> spare_;  // words that differ from the text's
  std::int64_t used_ = 0;
  int waiting_ = 0;
};

}  // namespace schuss
