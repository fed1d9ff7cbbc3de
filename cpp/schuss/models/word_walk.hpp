// The centres of a text in order, and what chance decides about them.
#pragma once
#include <algorithm>

#include "word2vec.hpp"
#include "word_draws.hpp"

namespace schuss {

class Walk {
 public:
  // Kept words are written to `kept` and their places in the text to `position`.
  Walk(const WordLesson& lesson, std::uint32_t* kept, std::int64_t* position)
      : lesson_(lesson), model_(*lesson.model), kept_(kept), position_(position) {}

  // Calls f() for each part of a sentence in the lesson that has centres: words left() .. middle() - 1, among others
  // around them that windows may reach.
  template <class F>
  void spans(F f) {
    std::int64_t first = lesson_.first;
    for (std::int64_t s = lesson_.sentence; first < lesson_.last; ++s) {
      const std::int64_t last = std::min(lesson_.last, lesson_.indptr[s + 1]);
      if (last <= first) continue;
      scan(lesson_.indptr[s], lesson_.indptr[s + 1], first, last);
      if (middle_ > left_) f();
      first = last;
    }
  }

  // The same from a plan.
  template <class F>
  void spans(const WordPlan& plan, F f) {
    for (std::int64_t k = 0; k < plan.spans; ++k) {
      const WordSpan& span = plan.span[k];
      kept_ = plan.kept + span.first;
      position_ = plan.position + span.first;
      left_ = span.left;
      middle_ = span.middle;
      all_ = span.all;
      f();
    }
  }

  // Keeps the words of the current span.
  void go_on() {
    kept_ += all_;
    position_ += all_;
  }

  std::int64_t left() const { return left_; }
  std::int64_t middle() const { return middle_; }
  std::int64_t all() const { return all_; }
  std::uint32_t word(std::int64_t i) const { return kept_[i]; }
  TokenDraws draws(std::int64_t i) const { return {lesson_.key, position_[i]}; }

  // The window of centre i.
  std::int64_t first_of(std::int64_t i, int reach) const { return std::max<std::int64_t>(0, i - reach); }
  std::int64_t last_of(std::int64_t i, int reach) const { return std::min<std::int64_t>(all_ - 1, i + reach); }

  // The blocks of centre i. In a tree all have the same outputs.
  std::int64_t blocks(std::int64_t i, int reach) const {
    const std::int64_t contexts = last_of(i, reach) - first_of(i, reach);
    return model_.cbow ? std::min<std::int64_t>(contexts, 1) : (contexts + model_.share - 1) / model_.share;
  }

  // The outputs of a block of centre i.
  int outputs(std::int64_t i, const TokenDraws& draws, std::int64_t block, std::int64_t* ids) const {
    const std::uint32_t word = kept_[i];
    int n = 0;
    if (model_.tree) {
      for (std::int64_t k = model_.path_start[word]; k < model_.path_start[word + 1]; ++k)
        ids[n++] = model_.path[k] >> 1;
      return n;
    }
    ids[n++] = word;
    for (int k = 0; k < model_.negative; ++k) {
      ids[n] = draws.negative(block * model_.negative + k, model_.alias, model_.words);
      n += ids[n] != word;  // as the original program does: left out, not drawn again
    }
    return n;
  }

 private:
  void scan(std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last) {
    std::int64_t n = left_ = scan_left(begin, first);
    for (std::int64_t i = first; i < last; ++i) n += keep(i, n);
    middle_ = n;
    for (std::int64_t i = last; i < end && n < middle_ + model_.window; ++i) n += keep(i, n);
    all_ = n;
  }

  bool keep(std::int64_t position, std::int64_t n) const {
    const std::uint32_t word = lesson_.ids[position];
    kept_[n] = word;
    position_[n] = position;
    return TokenDraws(lesson_.key, position).keep() <= model_.keep[word];
  }

  // Kept words before `first`, as many as a window may reach, in order.
  std::int64_t scan_left(std::int64_t begin, std::int64_t first) const {
    std::int64_t n = 0;
    for (std::int64_t i = first - 1; i >= begin && n < model_.window; --i) n += keep(i, n);
    std::reverse(kept_, kept_ + n);
    std::reverse(position_, position_ + n);
    return n;
  }

  const WordLesson& lesson_;
  const WordModel& model_;
  std::uint32_t* kept_;
  std::int64_t* position_;
  std::int64_t left_ = 0, middle_ = 0, all_ = 0;
};

// Looks for a lesson's centres and draws their outputs.
inline void plan(const WordLesson& lesson, WordPlan& to) {
  to.spans = to.outputs = 0;
  std::int64_t first = 0;
  Walk walk(lesson, to.kept, to.position);
  walk.spans([&] {
    for (std::int64_t i = walk.left(); i < walk.middle(); ++i) {
      const TokenDraws draws = walk.draws(i);
      const std::int64_t blocks = walk.blocks(i, draws.reach(lesson.model->window));
      for (std::int64_t block = 0; block < blocks; ++block) {
        std::int64_t* const n = to.output + to.outputs++;
        to.outputs += * n = walk.outputs(i, draws, block, n + 1);
      }
    }
    to.span[to.spans++] = {first, walk.left(), walk.middle(), walk.all()};
    first += walk.all();
    walk.go_on();
  });
}

// Calls f on each output of a plan, as often as it has it.
template <class F>
void for_outputs(const WordPlan& plan, F f) {
  for (std::int64_t i = 0; i < plan.outputs;)
    for (const std::int64_t end = i + 1 + plan.output[i]; ++i < end;) f(plan.output[i]);
}

}  // namespace schuss
