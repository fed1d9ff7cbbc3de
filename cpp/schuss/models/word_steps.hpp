// Gradients of words' rows handed to the rule, at once.
#pragma once
#include "../access/rows.hpp"
#include "../fetch.hpp"
#include "word2vec.hpp"
#include "word_block.hpp"

namespace schuss {

inline float* row_of(const WordTable& table, std::int64_t id) { return table.rows + id * table.width; }

// Rows are whole cache lines, on lines.
[[gnu::always_inline]] inline void fetch_row(const WordTable& table, std::int64_t id, bool change = true) {
  const float* const row = row_of(table, id);
  for (std::int64_t j = 0; j < table.width; j += lanes<float>)
    if (change) fetch_to_write(row + j);
    else fetch_to_read(row + j);
}

// ---- steps ---------------------------------------------------------------------------------------------------------

inline Rows rows_of(const WordTable& table, const std::int64_t* ids, const float* g) {
  Rows a{};
  a.w = table.rows;
  for (int s = 0; s < table.slots; ++s) a.slots[s] = table.rows + (1 + s) * table.numbers;
  if (table.shared > 0) a.shared = table.rows + (1 + table.slots) * table.numbers;
  a.g = g;
  a.ids = ids;
  a.dim = table.by_row ? table.dim : table.numbers;
  a.stride = a.shared_stride = table.width * std::int64_t(sizeof(float));
  a.together = ((1 + table.slots) * table.numbers + table.shared) * std::int64_t(sizeof(float));
  return a;
}

// Steps rows a.first .. a.last - 1 of the list. A rule that folds over a row is called row by row: the numbers of a
// gradient it sees are fewer than those from one gradient to the next.
inline void step(const WordTable& table, Rows a, const Step& made, float* buffer) {
  if (!table.by_row) {
    a.buffer = buffer;
    return table.rule->rows(a, made.bytes);
  }
  const float* const g = static_cast<const float*>(a.g);
  for (std::int64_t i = a.first; i < a.last; ++i) {
    Rows one = a;
    const std::int64_t first = a.start ? a.start[i] : i, end = a.start ? a.start[i + 1] : i + 1;
    const auto place = [&](std::int64_t k) { return g + (a.from ? a.from[k] : k) * table.numbers; };
    one.g = place(first);
    if (end - first > 1) {
      std::copy_n(place(first), table.numbers, buffer);
      for (std::int64_t k = first + 1; k < end; ++k) add(buffer, place(k), table.numbers);
      one.g = buffer;
    }
    one.ids = a.ids + i;
    one.start = one.from = nullptr;
    one.first = 0;
    one.last = 1;
    table.rule->rows(one, made.bytes);
  }
}

// One entry for each id, at the place of its first, with the list of what it had: a rule sees a row once a step.
inline std::int64_t merge(const std::int64_t* ids, const std::int64_t* from, std::int64_t n, std::int64_t* const* to) {
  std::int64_t kept = 0, k = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (std::find(ids, ids + i, ids[i]) != ids + i) continue;
    to[0][kept] = ids[i];
    to[1][kept++] = k;
    for (std::int64_t j = i; j < n; ++j)
      if (ids[j] == ids[i]) to[2][k++] = from[j];
  }
  to[1][kept] = k;
  return kept;
}

// Where gradients go: into the tables, at once.
class Now {
 public:
  static constexpr bool writes = true, summed = false, planned = false;  // writes: rows change at once

  explicit Now(const WordLesson& lesson) : lesson_(lesson) {
    lesson.model->in.rule->at(lesson.options.hyper(), lesson.options.before(), lesson.options.after(), lesson.time,
                              made_.bytes);
    const Typed& rule = *lesson.model->in.rule;
    if (rule.descent) rate_ = float(rule.descent(made_.bytes));
  }

  float* in_row(std::int64_t id, WordTerm**) const { return row_of(lesson_.model->in, id); }
  float* out_row(std::int64_t id) const { return row_of(lesson_.model->out, id); }

  // The rate of a step that is w -= rate g, else 0.
  float rate() const { return rate_; }

  // Steps the rows of a block, each once, by the errors in its scores.
  void take(const std::int64_t*, std::int64_t outputs, const std::int64_t*, std::int64_t inputs) {
    const WordScratch& s = lesson_.scratch;
    products_at_once(s.in_rows, s.in_rows, inputs, s.out_rows, s.out_rows, outputs, s.scores, lesson_.model->in.numbers,
                     Stepped{rate_});
  }

  void out(const std::int64_t* ids, std::int64_t n, const float* g) { give(lesson_.model->out, ids, nullptr, n, g); }
  void in(const std::int64_t* ids, const std::int64_t* from, std::int64_t n, const float* g) {
    give(lesson_.model->in, ids, from, n, g);
  }

 private:
  // Where a rule keeps nothing, a row that comes twice is stepped twice.
  void give(const WordTable& table, const std::int64_t* ids, const std::int64_t* from, std::int64_t n, const float* g) {
    const WordScratch& s = lesson_.scratch;
    Rows a = rows_of(table, ids, g);
    a.near = true;
    a.last = n;
    if (table.slots + table.shared > 0) {
      a.last = merge(ids, from ? from : s.start, n, s.merged);
      a.ids = s.merged[0], a.start = s.merged[1], a.from = s.merged[2];
    } else if (from) {
      a.start = s.start, a.from = from;
    }
    step(table, a, made_, s.buffer);
  }

  const WordLesson& lesson_;
  Step made_;
  float rate_ = 0;
};

}  // namespace schuss
