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
  s.stride = (s.outputs + 3) / 4 * 4;
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
        in_rows_(room<const float*>(z.inputs)),
        out_rows_(room<const float*>(z.outputs)),
        numbers_(std::size_t(4 * ((2 * z.inputs + z.outputs + 1) * model.in.numbers + z.inputs * z.stride + 16 +
                                  2 * (2 * z.stride + 16)))) {
    for (std::size_t i = 0; i < start_.size(); ++i) start_[i] = std::int64_t(i);
    auto* at = static_cast<float*>(numbers_.base);
    const auto take = [&](std::int64_t size) { return std::exchange(at, at + size); };
    const std::int64_t row = model.in.numbers;
    s_.inputs = take(z.inputs * row);
    s_.in_g = take(z.inputs * row);
    s_.out_g = take(z.outputs * row);
    s_.buffer = take(row);
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
    for (int i = 0; i < 3; ++i) s_.merged[i] = merged_[i].data();
  }

  const WordScratch& scratch() const { return s_; }

  // Where the sum of each row lies, for gradients that are applied later.
  std::int32_t* places(int table, std::int64_t rows) {
    auto& all = places_[table];
    if (std::int64_t(all.size()) < rows) all.resize(std::size_t(rows), -1);
    return all.data();
  }

  // Room to gather the rows of a shard.
  std::int64_t* const* work(std::int64_t entries) {
    for (int i = 0; i < 3; ++i) {
      if (std::int64_t(work_[i].size()) <= entries) work_[i].resize(std::size_t(entries) + 1);
      at_[i] = work_[i].data();
    }
    return at_;
  }

 private:
  std::vector<std::uint32_t> kept_;
  std::vector<std::int64_t> position_, drawn_, in_ids_, from_, start_, merged_[3];
  std::vector<int> counts_, reach_;
  std::vector<const float*> in_rows_, out_rows_;
  Block numbers_;
  std::vector<std::int32_t> places_[2];
  std::vector<std::int64_t> work_[3];
  std::int64_t* at_[3] = {};
  WordScratch s_{};
};

// The sums of all parts of a round for one table, of at most `most` rows each.
class Heap {
 public:
  Heap(std::int64_t most, std::int64_t numbers)
      : entries(parts_of_round * most),
        ids_(room<std::int64_t>(3 * entries)),
        terms_(room<std::int32_t>(entries)),
        g_(std::size_t(entries * numbers) * sizeof(float)) {
    for (int part = 0; part < parts_of_round; ++part) {
      WordSums& own = sums_[part];
      std::int64_t* const ids = ids_.data() + 3 * part * most;
      own.ids = ids;
      own.ordered = ids + most;
      own.from = ids + 2 * most;
      own.terms = terms_.data() + part * most;
      own.g = static_cast<float*>(g_.base) + part * most * numbers;
      sums[part] = &own;
    }
  }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  const std::int64_t entries;
  WordSums* sums[parts_of_round];

 private:
  WordSums sums_[parts_of_round]{};
  std::vector<std::int64_t> ids_;
  std::vector<std::int32_t> terms_;
  Block g_;
};

}  // namespace schuss
