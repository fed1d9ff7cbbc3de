// Text becomes the numbers of its words, sentence by sentence; words of the vocabulary alone stay.
//
// Pieces are looked up in parallel. Then they are taken in order, for a sentence or a phrase may lie across a border:
// phrases are joined from left to right, each word in at most one, and sentences cut where they grow too long.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "growing.hpp"
#include "pairs.hpp"
#include "pieces.hpp"
#include "text.hpp"
#include "words.hpp"

namespace schuss {

// Pairs of words that are one word: number k becomes the word joined[k], `Words::none` if the vocabulary has it not.
struct Phrases {
  Pairs numbers;
  std::vector<std::uint32_t> joined;

  // The number of the phrase of two words, -1 if they are none.
  std::int64_t find(std::uint32_t first, std::uint32_t second) const {
    if (first == Words::none || second == Words::none) return -1;
    return numbers.find(Pairs::of(first, second));
  }
};

class Encoder {
  struct Part {
    const Encoder* owner = nullptr;
    Growing<std::uint32_t> ids;
    Growing<std::int64_t> ends, phrases;  // ends: of lines; phrases: of a word and the one in front of it

    void fetch_slot(const Word& word) const { owner->words_.fetch_slot(word); }
    void fetch_entry(const Word& word) const { owner->words_.fetch_entry(word); }
    void take(const Word& word) { push(owner->words_.find(word)); }
    void strange() { push(Words::none); }
    void line() { ends.push(ids.size()); }
    void push(std::uint32_t id) {
      if (owner->joins_.empty()) {
        if (id < owner->kept_) ids.push(id);
        return;
      }
      phrases.push(ids.size() == 0 ? -1 : owner->phrases_.find(ids[ids.size() - 1], id));
      ids.push(id);
    }
    void clear() {
      ids.shrink(0);
      ends.shrink(0);
      phrases.shrink(0);
    }
  };

  static constexpr std::int64_t nothing = -1;

  auto worker() {
    return [this](std::int64_t i, const char* first, const char* last, int member) {
      Tokeniser<Part> tokeniser(parts_[std::size_t(i)], lower(), scratch_[std::size_t(member)]);
      tokeniser.text(first, last);
    };
  }

 public:
  // Words from `kept` on are parts of phrases, but not of the vocabulary.
  Encoder(Lower lower, std::int64_t piece, std::int64_t longest, Words words, std::uint32_t kept, Phrases phrases)
      : lower_(std::move(lower)),
        pieces_(piece),
        longest_(longest),
        words_(std::move(words)),
        kept_(kept),
        phrases_(std::move(phrases)),
        joins_(phrases_.joined.size()) {}

  void feed(const char* p, std::int64_t size, int threads) {
    pieces_.feed(p, size, threads, [&](std::int64_t n) { start(n, threads); }, worker());
    absorb();
  }

  void feed(const Cut& cut) {
    start(1, 1);
    Tokeniser<Part> tokeniser(parts_[0], lower(), scratch_[0]);
    tokeniser.cut(cut);
    absorb();
  }

  void close() {
    pieces_.close([&](std::int64_t n) { start(n, 1); }, worker());
    absorb();
  }

  // Numbers since they were last forgotten, the ends of sentences counted from the first number of all.
  const Growing<std::uint32_t>& ids() const { return ids_; }
  const Growing<std::int64_t>& ends() const { return ends_; }
  void forget() {
    before_ += ids_.size();
    ids_.shrink(0);
    ends_.shrink(0);
  }

  // How often each phrase was joined.
  const std::vector<std::int64_t>& joins() const { return joins_; }

 private:
  const Lower* lower() const { return lower_.empty() ? nullptr : &lower_; }

  void start(std::int64_t parts, int threads) {
    if (parts_.size() < std::size_t(parts)) parts_.resize(std::size_t(parts));
    if (scratch_.size() < std::size_t(threads)) scratch_.resize(std::size_t(threads));
    for (Part& part : parts_) {
      part.owner = this;
      part.clear();
    }
  }

  void absorb() {
    for (const Part& part : parts_) {
      if (joins_.empty()) copy(part);
      else join(part);
    }
    for (Part& part : parts_) part.clear();
  }

  void copy(const Part& part) {
    std::int64_t at = 0;
    for (std::int64_t i = 0; i < part.ends.size(); at = part.ends[i++]) {
      append(part.ids.data() + at, part.ends[i] - at);
      finish();
    }
    append(part.ids.data() + at, part.ids.size() - at);
  }

  void join(const Part& part) {
    std::int64_t line = 0;
    for (std::int64_t i = 0; i <= part.ids.size(); ++i) {
      for (; line < part.ends.size() && part.ends[line] == i; ++line) {
        settle();
        finish();
      }
      if (i == part.ids.size()) break;
      const std::uint32_t id = part.ids[i];
      std::int64_t phrase = -1;
      if (held_ != nothing) phrase = i == 0 ? phrases_.find(std::uint32_t(held_), id) : part.phrases[i];
      if (phrase >= 0) {
        ++joins_[std::size_t(phrase)];
        held_ = phrases_.joined[std::size_t(phrase)];
        settle();
      } else {
        settle();
        held_ = id;
      }
    }
  }

  // The word that might have begun a phrase is a word of its own.
  void settle() {
    const std::uint32_t id = std::uint32_t(held_);
    if (held_ != nothing && id < kept_) append(&id, 1);
    held_ = nothing;
  }

  void append(const std::uint32_t* p, std::int64_t n) {
    while (n > 0) {
      if (open_ == longest_) finish();
      const std::int64_t some = std::min(n, longest_ - open_);
      ids_.append(p, some);
      open_ += some;
      p += some;
      n -= some;
    }
  }

  void finish() {
    if (open_ > 0) ends_.push(before_ + ids_.size());
    open_ = 0;
  }

  Lower lower_;
  Pieces pieces_;
  std::int64_t longest_;
  Words words_;
  std::uint32_t kept_;
  Phrases phrases_;
  std::vector<std::int64_t> joins_;
  std::vector<Part> parts_;
  std::vector<std::vector<char>> scratch_;
  Growing<std::uint32_t> ids_;
  Growing<std::int64_t> ends_;
  std::int64_t before_ = 0, open_ = 0, held_ = nothing;  // open: words of the sentence that has not ended
};

}  // namespace schuss
