// Counts of the words of a text. Each member of the team has its own table; they are merged when asked for.
#pragma once
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "pieces.hpp"
#include "text.hpp"
#include "words.hpp"

namespace schuss {

class WordCount {
  struct Counter {
    Words words;
    std::vector<char> scratch;
    std::int64_t total = 0, invalid = 0;

    void fetch_slot(const Word& word) const { words.fetch_slot(word); }
    void fetch_entry(const Word& word) const { words.fetch_entry(word); }
    void take(const Word& word) { ++words.count(words.add(word)); }
    void strange() {}
    void line() {}
    void add(const Tokeniser<Counter>& tokeniser) {
      total += tokeniser.words;
      invalid += tokeniser.invalid;
    }
  };

  auto worker() {
    return [this](std::int64_t, const char* first, const char* last, int member) {
      Counter& counter = *counters_[std::size_t(member)];
      Tokeniser<Counter> tokeniser(counter, lower(), counter.scratch);
      tokeniser.text(first, last);
      counter.add(tokeniser);
    };
  }

 public:
  std::int64_t total = 0, invalid = 0;

  WordCount(Lower lower, std::int64_t piece) : lower_(std::move(lower)), pieces_(piece) { hire(1); }

  void feed(const char* p, std::int64_t size, int threads) {
    pieces_.feed(p, size, threads, [&](std::int64_t) { hire(threads); }, worker());
    gather();
  }

  void feed(const Cut& cut) {
    Counter& counter = *counters_[0];
    Tokeniser<Counter> tokeniser(counter, lower(), counter.scratch);
    tokeniser.cut(cut);
    counter.add(tokeniser);
    gather();
  }

  void close() {
    pieces_.close([](std::int64_t) {}, worker());
    gather();
  }

  // All words and counts.
  const Words& words() {
    for (std::size_t m = 1; m < counters_.size(); ++m) counters_[0]->words.merge(counters_[m]->words);
    counters_.resize(1);
    return counters_[0]->words;
  }

 private:
  const Lower* lower() const { return lower_.empty() ? nullptr : &lower_; }

  void hire(int threads) {
    while (counters_.size() < std::size_t(threads)) counters_.push_back(std::make_unique<Counter>());
  }

  void gather() {
    for (auto& counter : counters_) {
      total += std::exchange(counter->total, 0);
      invalid += std::exchange(counter->invalid, 0);
    }
  }

  Lower lower_;
  Pieces pieces_;
  std::vector<std::unique_ptr<Counter>> counters_;
};

}  // namespace schuss
