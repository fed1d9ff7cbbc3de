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
        touches_(room<std::int32_t>(ring * z.groups * z.outputs)),
        counts_(room<int>(ring * z.groups)),
        reach_(room<int>(ring)),
        in_rows_(room<float*>(z.inputs)),
        in_to_(room<float*>(z.inputs)),
        out_rows_(room<float*>(z.outputs)),
        seen_(room<WordTerm*>(piece_tokens + z.contexts + 1)),
        stepped_(room<float*>(z.rows)),
        summed_(room<float*>(z.outputs)),
        numbers_(std::size_t(4 * ((2 * z.inputs + z.outputs + 1 + held) * model.in.numbers + z.inputs * z.stride + 16 +
                                  4 * (2 * z.stride + 16)))) {
    for (std::size_t i = 0; i < start_.size(); ++i) start_[i] = std::int64_t(i);
    auto* at = static_cast<float*>(numbers_.base);
    const auto take = [&](std::int64_t size) { return std::exchange(at, at + size); };
    const std::int64_t row = model.in.numbers;
    s_.inputs = take(z.inputs * row);
    s_.in_g = take(z.inputs * row);
    for (std::int64_t i = 0; i < z.inputs; ++i) in_to_[std::size_t(i)] = s_.in_g + i * row;
    s_.in_to = in_to_.data();
    s_.out_g = take(z.outputs * row);
    s_.buffer = take(row);
    sums_ = take(held * row);
    s_.scores = take(z.inputs * z.stride + 16);
    s_.side = take(2 * z.stride + 16);
    s_.shift = take(2 * z.stride + 16);
    s_.rates = take(2 * z.stride + 16);
    s_.stays = take(2 * z.stride + 16);
    for (int i = 0; i < 3; ++i) merged_[i] = room<std::int64_t>(std::int64_t(start_.size()));
    s_.kept = kept_.data();
    s_.position = position_.data();
    s_.drawn = drawn_.data();
    s_.touches = touches_.data();
    s_.counts = counts_.data();
    s_.reach = reach_.data();
    s_.in_ids = in_ids_.data();
    s_.from = from_.data();
    s_.start = start_.data();
    s_.in_rows = in_rows_.data();
    s_.out_rows = out_rows_.data();
    s_.seen = seen_.data();
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
    if (std::int64_t(rows_.size()) < terms) rows_.resize(std::size_t(terms));
    shard.rows = rows_.data();
    shard.ids = stepped_ids_;
    shard.sums = sums_;
    shard.buffer = s_.buffer;
  }

 private:
  std::vector<std::uint32_t> kept_;
  std::vector<std::int64_t> position_, drawn_, in_ids_, from_, start_, merged_[3];
  std::vector<std::int32_t> touches_;
  std::vector<int> counts_, reach_;
  std::vector<float*> in_rows_, in_to_, out_rows_;
  std::vector<WordTerm*> seen_;
  std::vector<float*> stepped_, summed_;
  Block numbers_;
  std::vector<std::int32_t> places_[2];
  std::vector<WordRow> rows_;
  std::int64_t stepped_ids_[held];
  float* sums_;  // held x numbers
  WordScratch s_{};
};

// What all parts of a round keep for one table, each at most so many rows with a vector of so many numbers.
class Heap {
 public:
  Heap(std::int64_t most, std::int64_t numbers, std::int64_t shards)
      : terms(parts_of_round * most),
        all_(room<WordTerm>(terms)),
        listed_(room<std::int32_t>(shards * terms)),
        vectors_(std::size_t(terms * numbers) * sizeof(float)) {
    for (std::int64_t part = 0; part < parts_of_round; ++part) {
      WordTerms& own = own_[part];
      own.most = most;
      own.numbers = numbers;
      own.shards = shards;
      own.all = all_.data() + part * most;
      own.listed = listed_.data() + part * shards * most;
      own.vectors = static_cast<float*>(vectors_.base) + part * most * numbers;
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
  std::vector<std::int32_t> listed_;
  Block vectors_;
};

// The plans of all parts of two rounds: the one that is learned and the next. Parts have at most so many tokens and
// outputs; a token may be a sentence, with a window to each side of it.
class Plans {
 public:
  Plans(std::int64_t tokens, std::int64_t window, std::int64_t outputs) {
    const std::int64_t words = (tokens + 1) * (2 * window + 2);
    constexpr std::int64_t plans = 2 * parts_of_round;
    span_ = room<WordSpan>(plans * tokens);
    kept_ = room<std::uint32_t>(plans * words);
    position_ = room<std::int64_t>(plans * words);
    output_ = room<std::int64_t>(plans * outputs);
    for (std::int64_t i = 0; i < plans; ++i)
      of[i / parts_of_round][i % parts_of_round] = {0,
                                                    0,
                                                    span_.data() + i * tokens,
                                                    kept_.data() + i * words,
                                                    position_.data() + i * words,
                                                    output_.data() + i * outputs};
  }
  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;

  WordPlan of[2][parts_of_round];

 private:
  std::vector<WordSpan> span_;
  std::vector<std::uint32_t> kept_;
  std::vector<std::int64_t> position_, output_;
};

}  // namespace schuss
