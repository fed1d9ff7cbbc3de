// How often each pair of known words stands side by side in a line.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "pairs.hpp"
#include "pieces.hpp"
#include "text.hpp"
#include "words.hpp"

namespace schuss {

class Bigrams {
  static constexpr std::int64_t nothing = -1;

  // The words of a piece that have neighbours in other pieces.
  struct Seam {
    std::int64_t head = nothing, tail = nothing;
    bool ended = false;  // a line ends within the piece
  };

  struct Sink {
    const Bigrams& owner;
    Pairs& pairs;
    Seam& seam;

    void fetch_slot(const Word& word) const { owner.words_.fetch_slot(word); }
    void fetch_entry(const Word& word) const { owner.words_.fetch_entry(word); }
    void take(const Word& word) { push(owner.words_.find(word)); }
    void strange() { push(Words::none); }
    void line() {
      seam.tail = nothing;
      seam.ended = true;
    }
    void push(std::uint32_t id) {
      if (seam.tail != nothing) count(pairs, seam.tail, id);
      else if (!seam.ended) seam.head = id;
      seam.tail = id;
    }
  };

  static void count(Pairs& pairs, std::int64_t first, std::int64_t second) {
    if (first == Words::none || second == Words::none) return;
    ++pairs.at(Pairs::of(std::uint32_t(first), std::uint32_t(second)));
  }

  auto worker() {
    return [this](std::int64_t i, const char* first, const char* last, int member) {
      Sink sink{*this, pairs_[std::size_t(member)], seams_[std::size_t(i)]};
      Tokeniser<Sink> tokeniser(sink, lower(), scratch_[std::size_t(member)]);
      tokeniser.text(first, last);
    };
  }

 public:
  Bigrams(Lower lower, std::int64_t piece, Words words)
      : lower_(std::move(lower)), pieces_(piece), words_(std::move(words)) {}

  void feed(const char* p, std::int64_t size, int threads) {
    pieces_.feed(p, size, threads, [&](std::int64_t n) { start(n, threads); }, worker());
    bridge();
  }

  void feed(const Cut& cut) {
    start(1, 1);
    Sink sink{*this, pairs_[0], seams_[0]};
    Tokeniser<Sink> tokeniser(sink, lower(), scratch_[0]);
    tokeniser.cut(cut);
    bridge();
  }

  void close() {
    pieces_.close([&](std::int64_t n) { start(n, 1); }, worker());
    bridge();
  }

  const Pairs& pairs() {
    if (pairs_.empty()) pairs_.resize(1);
    for (std::size_t m = 1; m < pairs_.size(); ++m) pairs_[0].merge(pairs_[m]);
    pairs_.resize(1);
    return pairs_[0];
  }

 private:
  const Lower* lower() const { return lower_.empty() ? nullptr : &lower_; }

  void start(std::int64_t pieces, int threads) {
    seams_.assign(std::size_t(pieces), {});
    if (pairs_.size() < std::size_t(threads)) pairs_.resize(std::size_t(threads));
    if (scratch_.size() < std::size_t(threads)) scratch_.resize(std::size_t(threads));
  }

  void bridge() {
    for (const Seam& seam : seams_) {
      if (held_ != nothing && seam.head != nothing) count(pairs_[0], held_, seam.head);
      if (seam.ended || seam.tail != nothing) held_ = seam.tail;
    }
    seams_.clear();
  }

  Lower lower_;
  Pieces pieces_;
  Words words_;
  std::vector<Pairs> pairs_;
  std::vector<std::vector<char>> scratch_;
  std::vector<Seam> seams_;
  std::int64_t held_ = nothing;  // the last word, if its line has not ended
};

}  // namespace schuss
