// Rounds of a rule that is w -= rate g.
//
// The outputs of a round are drawn before it is learned, so it is known which rows of theirs only one part has: it
// steps them at once. Others have their moves kept for the end of the round. Rows of inputs are copied, as a part has
// few, each in several windows; it steps the copies, and a row then moves by the sum of what its copies moved.
#pragma once
#include "word_later.hpp"

namespace schuss {

class Deferred {
 public:
  static constexpr bool writes = false, summed = false, planned = true;
  static constexpr float rate() { return 0; }

  explicit Deferred(const WordLesson& lesson)
      : lesson_(lesson),
        s_(lesson.scratch),
        in_(*lesson.in_terms),
        out_(*lesson.out_terms),
        next_(lesson.plan->output) {
    Step made;
    const Typed& rule = *lesson.model->out.rule;
    rule.at(lesson.options.hyper(), lesson.options.before(), lesson.options.after(), lesson.time, made.bytes);
    step_ = float(rule.descent(made.bytes));
    open(in_);
    open(out_);
  }
  ~Deferred() { close(in_); }
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  // The outputs of the next block.
  int outputs(std::int64_t* ids, std::int32_t* touches) {
    const auto n = int(*next_++);
    std::copy_n(next_, n, ids);
    next_ += n;
    for (int k = 0; k < n; ++k) {
      const WordTouch& touch = lesson_.touched[ids[k]];
      const bool own = !touch.shared && (touch.count == 1 || std::count(ids, ids + n, ids[k]) == 1);
      touches[k] = own ? 1 : touch.count;
    }
    return n;
  }

  // A copy, which will have one more gradient. `seen` is what was found the last time.
  float* in_row(std::int64_t id, WordTerm** seen) const {
    WordTerm* term = seen ? *seen : nullptr;
    if (!term) {
      term = &kept(in_, id, [&](float* to) __attribute__((always_inline)) {
        const float* const w = row_of(lesson_.model->in, id);
        for (std::int64_t j = 0; j < in_.numbers; j += lanes<float>) store(to + j, load(w + j));
      });
      if (seen) *seen = term;
    }
    ++term->gradients;
    return term->vector;
  }
  float* out_row(std::int64_t id) const { return row_of(lesson_.model->out, id); }

  // Takes the errors of a block. Its inputs are rows, or vectors of which each is shown by some of `rows` rows.
  void take(const std::int64_t* ids, const std::int32_t* touches, std::int64_t outputs, std::int64_t inputs,
            std::int64_t rows, bool plain) const {
    const std::int64_t numbers = lesson_.model->in.numbers;
    for (std::int64_t k = 0; k < outputs; ++k) {
      const bool alone = touches[k] == 1;
      s_.summed[k] = alone ? s_.out_rows[k] : keep(out_, ids[k]).vector;
      s_.rates[k] = step_ * share(touches[k], lesson_.most);
      s_.stays[k] = mask(alone);
    }
    const Moves moves{s_.summed, s_.rates, s_.stays};
    if (at_once_here && plain && outputs <= most_at_once && distinct(s_.in_ids, inputs))
      return move_at_once(s_.in_rows, inputs, step_, s_.out_rows, outputs, moves, s_.scores, numbers);
    if (inputs == 1) {
      move_outputs(s_.in_rows[0], s_.in_g, s_.out_rows, outputs, moves, s_.scores, numbers);
      return take_alike(s_.stepped, rows, s_.in_g, numbers, Stepped{step_});
    }
    move_products(s_.in_rows, s_.in_to, inputs, s_.out_rows, outputs, moves, s_.scores, numbers);
    for (std::int64_t r = 0; r < rows; ++r)
      take_alike(s_.stepped + r, 1, s_.in_g + s_.from[r] * numbers, numbers, Stepped{step_});
  }

 private:
  const WordLesson& lesson_;
  const WordScratch& s_;
  WordTerms &in_, &out_;
  const std::int64_t* next_;
  float step_;
};

// w += scale (sum over terms of their rows less w).
inline void move_row(const WordTerm* first, float scale, float* w, std::int64_t numbers) {
  for_tiles(numbers, [&](std::int64_t at, auto packs) __attribute__((always_inline)) {
    constexpr int width = lanes<float>;
    Pack<float> old[packs], sum[packs];
    for (int p = 0; p < packs; ++p) {
      old[p] = load(w + at + p * width);
      sum[p] = fill(0.0f);
    }
    for (const WordTerm* term = first; term; term = term->next)
      for (int p = 0; p < packs; ++p) sum[p] += load(term->vector + at + p * width) - old[p];
    for (int p = 0; p < packs; ++p) store(w + at + p * width, old[p] + fill(scale) * sum[p]);
  });
}

// Moves the rows of a shard to where the parts have their copies.
inline void apply_copies(const WordShard& a) {
  const WordTable& table = *a.table;
  const std::int64_t n = list_rows(a), numbers = table.numbers;
  for (std::int64_t k = 0; k < n; ++k) {
    if (k + near < n) fetch_row(table, a.rows[k + near].first->id);
    const WordRow& row = a.rows[k];
    float* const w = row_of(table, row.first->id);
    if (row.first == row.last)
      for (std::int64_t j = 0; j < numbers; j += lanes<float>) store(w + j, load(row.first->vector + j));
    else move_row(row.first, share(row.gradients, a.most), w, numbers);
  }
}

// Moves the rows of a shard by the moves of the parts.
inline void apply_moves(const WordShard& a) {
  const WordTable& table = *a.table;
  for (int part = 0; part < parts_of_round; ++part) {
    const WordTerms& terms = *a.terms[part];
    const std::int32_t* const listed = terms.listed + a.shard * terms.most;
    for (std::int64_t i = 0, n = terms.listed_count[a.shard]; i < n; ++i) {
      if (i + near < n) fetch_row(table, terms.all[listed[i + near]].id);
      const WordTerm& term = terms.all[listed[i]];
      float* const w = row_of(table, term.id);
      for (std::int64_t j = 0; j < table.numbers; j += lanes<float>) store(w + j, load(w + j) + load(term.vector + j));
    }
  }
}

}  // namespace schuss
