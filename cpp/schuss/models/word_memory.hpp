// What a thread that learns words needs for its current centre, and what a part of a piece for its gradients.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "../block.hpp"
#include "word2vec.hpp"

namespace schuss {

template <class T>
std::vector<T> room(std::int64_t size) {
  return std::vector<T>(std::size_t(size));
}

inline WordSizes sizes_of(const WordModel& model, std::int64_t longest_path, std::int64_t longest_group) {
  WordSizes s{};
  s.contexts = 2 * std::int64_t(model.window);
  s.groups = model.cbow || model.tree ? 1 : (s.contexts + model.share - 1) / model.share;
  s.outputs = model.tree ? longest_path : model.negative + 1;
  s.inputs = model.cbow ? 1 : std::min<std::int64_t>(model.share, s.contexts);
  s.rows = (model.cbow ? s.contexts : s.inputs) * longest_group;
  s.stride = stride_of(s.outputs);
  return s;
}

// What a thread needs for its current centre.
class Desk {
 public:
  Desk(const WordModel& model, const WordSizes& z)
      : kept_(room<std::uint32_t>(piece_tokens + z.contexts + 1)),
        position_(room<std::int64_t>(piece_tokens + z.contexts + 1)),
        drawn_(room<std::int64_t>(ring * z.groups * z.outputs)),
        in_ids_(room<std::int64_t>(z.rows)),
        from_(room<std::int64_t>(z.rows)),
        start_(room<std::int64_t>(std::max(z.rows, z.outputs) + 1)),
        counts_(room<int>(ring * z.groups)),
        reach_(room<int>(ring)),
        in_rows_(room<float*>(z.inputs)),
        out_rows_(room<float*>(z.outputs)),
        stepped_(room<float*>(z.rows)),
        summed_(room<float*>(z.outputs)),
        numbers_(std::size_t(4 * ((2 * z.inputs + z.outputs + 1 + held) * model.in.numbers + z.inputs * z.stride + 16 +
                                  2 * (2 * z.stride + 16)))) {
    for (std::size_t i = 0; i < start_.size(); ++i) start_[i] = std::int64_t(i);
    auto* at = static_cast<float*>(numbers_.base);
    const auto take = [&](std::int64_t size) { return std::exchange(at, at + size); };
    const std::int64_t row = model.in.numbers;
    s_.inputs = take(z.inputs * row);
    s_.in_g = take(z.inputs * row);
    s_.out_g = take(z.outputs * row);
    s_.buffer = take(row);
    sums_ = take(held * row);
    s_.scores = take(z.inputs * z.stride + 16);
    s_.side = take(2 * z.stride + 16);
    s_.shift = take(2 * z.stride + 16);
    for (int i = 0; i < 3; ++i) merged_[i] = room<std::int64_t>(std::int64_t(start_.size()));
    s_.kept = kept_.data();
    s_.position = position_.data();
    s_.drawn = drawn_.data();
    s_.counts = counts_.data();
    s_.reach = reach_.data();
    s_.in_ids = in_ids_.data();
    s_.from = from_.data();
    s_.start = start_.data();
    s_.in_rows = in_rows_.data();
    s_.out_rows = out_rows_.data();
    s_.stepped = stepped_.data();
    s_.summed = summed_.data();
    for (int i = 0; i < 3; ++i) s_.merged[i] = merged_[i].data();
  }

  const WordScratch& scratch() const { return s_; }

  // For each row of a table where its term lies, for gradients that are applied later.
  std::int32_t* places(int table, std::int64_t rows) {
    auto& all = places_[table];
    if (std::int64_t(all.size()) < rows) all.resize(std::size_t(rows), -1);
    return all.data();
  }

  // Room to gather the terms of a shard.
  void lend(std::int64_t terms, WordShard& shard) {
    if (std::int64_t(sorted_.size()) < terms) {
      sorted_.resize(std::size_t(terms));
      for (auto& numbers : gathered_) numbers.resize(std::size_t(terms) + 2);
    }
    shard.ids = gathered_[0].data();
    shard.start = gathered_[1].data();
    shard.sorted = sorted_.data();
    shard.sums = sums_;
    shard.buffer = s_.buffer;
  }

 private:
  std::vector<std::uint32_t> kept_;
  std::vector<std::int64_t> position_, drawn_, in_ids_, from_, start_, merged_[3];
  std::vector<int> counts_, reach_;
  std::vector<float*> in_rows_, out_rows_, stepped_, summed_;
  Block numbers_;
  std::vector<std::int32_t> places_[2];
  std::vector<std::int64_t> gathered_[2];
  std::vector<WordTerm> sorted_;
  float* sums_;  // held x numbers
  WordScratch s_{};
};

// What all parts of a round have for one table, of each at most so many terms and vectors.
class Heap {
 public:
  Heap(std::int64_t most, std::int64_t vectors, std::int64_t numbers)
      : terms(parts_of_round * most),
        all_(room<WordTerm>(2 * terms)),
        vectors_(std::size_t(parts_of_round * vectors * numbers) * sizeof(float)) {
    for (int part = 0; part < parts_of_round; ++part) {
      WordTerms& own = own_[part];
      own.all = all_.data() + 2 * part * most;
      own.ordered = own.all + most;
      own.vectors = static_cast<float*>(vectors_.base) + part * vectors * numbers;
      parts[part] = &own;
    }
  }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  const std::int64_t terms;
  WordTerms* parts[parts_of_round];

 private:
  WordTerms own_[parts_of_round]{};
  std::vector<WordTerm> all_;
  Block vectors_;
};

}  // namespace schuss
