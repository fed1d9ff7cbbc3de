// Words and their counts: open addressing over bytes in one arena.
//
// A slot is 32 bits of a word's hash, whose highest choose its place, and the word's number. Numbers go by first
// appearance, so that frequent words, which come early, lie together. The first 16 bytes of a word lie in its entry:
// few words are longer.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "growing.hpp"
#include "hash.hpp"

namespace schuss {

// A word, ready to be looked up. 16 bytes from p on can be read, however short it is.
struct Word {
  const char* p;
  std::uint32_t size, hash;
  std::uint64_t a, b;  // its first 16 bytes, filled up with zeros

  bool ascii() const {
    std::uint64_t all = a | b;
    for (std::uint32_t i = 16; i < size; i += 8) all |= load<std::uint64_t>(p + std::min(i, size - 8));
    return !(all & 0x8080808080808080ull);
  }
};

constexpr std::int64_t slack = 16;  // bytes that can be read behind a word

inline Word prepared(const char* p, std::uint32_t size) {
  const auto low = [](std::uint64_t word, std::uint32_t n) { return n >= 8 ? word : word & ((1ull << 8 * n) - 1); };
  const std::uint64_t a = low(load<std::uint64_t>(p), size);
  const std::uint64_t b = size <= 8 ? 0 : low(load<std::uint64_t>(p + 8), size - 8);
  const std::uint64_t hash = size <= 16 ? hash_end(hash_block(0, a, b), size) : hash_bytes(0, p, size);
  return {p, size, std::uint32_t(hash >> 32), a, b};
}

class Words {
 public:
  static constexpr std::uint32_t none = ~0u;

  Words() : slots_(std::size_t(1) << bits_) {}

  std::uint32_t size() const { return std::uint32_t(entries_.size()); }
  std::int64_t& count(std::uint32_t id) { return entries_.data()[id].count; }
  std::int64_t count(std::uint32_t id) const { return entries_[id].count; }
  const char* bytes(std::uint32_t id) const { return arena_.data() + (entries_[id].where >> 16); }
  std::uint32_t length(std::uint32_t id) const { return std::uint32_t(entries_[id].where & 0xFFFF); }

  void fetch_slot(const Word& word) const { __builtin_prefetch(&slots_[place(word.hash)]); }
  void fetch_entry(const Word& word) const {
    if (const std::uint32_t number = slots_[place(word.hash)].number) __builtin_prefetch(entries_.data() + number - 1);
  }

  std::uint32_t find(const Word& word) const {
    for (std::size_t i = place(word.hash);; i = (i + 1) & mask()) {
      const Slot slot = slots_[i];
      if (slot.number == 0) return none;
      if (slot.hash == word.hash && is(slot.number - 1, word)) return slot.number - 1;
    }
  }

  // The word's number; a new one starts with count 0.
  std::uint32_t add(const Word& word) {
    std::size_t i = place(word.hash);
    for (; slots_[i].number != 0; i = (i + 1) & mask())
      if (slots_[i].hash == word.hash && is(slots_[i].number - 1, word)) return slots_[i].number - 1;
    if (entries_.size() >= std::int64_t(none) - 2) throw std::bad_alloc();
    slots_[i] = {word.hash, size() + 1};
    entries_.push({word.a, word.b, std::uint64_t(arena_.size()) << 16 | word.size, 0});
    arena_.append(word.p, word.size);
    if (std::size_t(entries_.size()) * 2 > slots_.size()) enlarge();
    return size() - 1;
  }

  // Adds the words and counts of another.
  void merge(const Words& other) {
    std::vector<char> buffer(65536 + slack);
    for (std::uint32_t id = 0; id < other.size(); ++id) {
      std::memcpy(buffer.data(), other.bytes(id), other.length(id));
      const std::uint32_t mine = add(prepared(buffer.data(), other.length(id)));
      count(mine) += other.count(id);
    }
  }

  // The numbers of words with at least this count, by falling count, then by bytes; no more than `most`.
  std::vector<std::uint32_t> ranked(std::int64_t least, std::int64_t most) const {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = 0; id < size(); ++id)
      if (count(id) >= least) ids.push_back(id);
    const auto before = [this](std::uint32_t x, std::uint32_t y) {
      if (count(x) != count(y)) return count(x) > count(y);
      const int order = std::memcmp(bytes(x), bytes(y), std::min(length(x), length(y)));
      return order != 0 ? order < 0 : length(x) < length(y);
    };
    std::sort(ids.begin(), ids.end(), before);
    if (std::int64_t(ids.size()) > most) ids.resize(std::size_t(most));
    return ids;
  }

 private:
  struct Slot {
    std::uint32_t hash, number;  // from 1; 0: empty
  };
  struct Entry {
    std::uint64_t a, b, where;  // where: place in the arena << 16 | length
    std::int64_t count;
  };

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t place(std::uint32_t hash) const { return hash >> (32 - bits_); }

  bool is(std::uint32_t id, const Word& word) const {
    const Entry& e = entries_[id];
    if (e.a != word.a || e.b != word.b || std::uint32_t(e.where & 0xFFFF) != word.size) return false;
    return word.size <= 16 || std::memcmp(bytes(id) + 16, word.p + 16, word.size - 16) == 0;
  }

  void enlarge() {
    if (bits_ == 32) return;  // fuller, then
    ++bits_;
    std::vector<Slot> before(std::size_t(1) << bits_);
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.number == 0) continue;
      std::size_t i = place(slot.hash);
      while (slots_[i].number != 0) i = (i + 1) & mask();
      slots_[i] = slot;
    }
  }

  int bits_ = 12;
  std::vector<Slot> slots_;
  Growing<Entry> entries_;
  Growing<char> arena_;
};

}  // namespace schuss
