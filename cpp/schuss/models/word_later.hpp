// Gradients of words' rows kept for the end of a round, when each row is stepped once by its sum.
#pragma once
#include "word_steps.hpp"

namespace schuss {

// ---- where gradients go --------------------------------------------------------------------------------------------

// The terms by shard, in each as they came.
inline void order(WordTerms& terms) {
  std::fill_n(terms.first, shards + 1, 0);
  for (std::int64_t i = 0; i < terms.count; ++i) ++terms.first[terms.all[i].id % shards + 1];
  for (int s = 0; s < shards; ++s) terms.first[s + 1] += terms.first[s];
  std::int64_t next[shards];
  std::copy_n(terms.first, shards, next);
  for (std::int64_t i = 0; i < terms.count; ++i) terms.ordered[next[terms.all[i].id % shards]++] = terms.all[i];
}

// Into a sum for each row.
class Summed {
 public:
  static constexpr bool steps = false, factored = false, summed = true;
  static constexpr float rate() { return 0; }

  explicit Summed(const WordLesson& lesson) : lesson_(lesson) { lesson.in_terms->count = lesson.out_terms->count = 0; }

  // Adds a block's gradients, by the errors in its scores.
  void take(const std::int64_t* out, std::int64_t outputs, const std::int64_t* in, std::int64_t inputs) {
    const WordScratch& s = lesson_.scratch;
    for (std::int64_t k = 0; k < outputs; ++k) s.summed[k] = sum_of_row(*lesson_.out_terms, out[k]);
    for (std::int64_t k = 0; k < inputs; ++k) s.stepped[k] = sum_of_row(*lesson_.in_terms, in[k]);
    products_at_once(s.in_rows, s.stepped, inputs, s.out_rows, s.summed, outputs, s.scores, lesson_.model->in.numbers,
                     Added{});
  }
  void out(const std::int64_t* ids, std::int64_t n, const float* g) { give(*lesson_.out_terms, ids, nullptr, n, g); }
  void in(const std::int64_t* ids, const std::int64_t* from, std::int64_t n, const float* g) {
    give(*lesson_.in_terms, ids, from, n, g);
  }
  void close() {
    for (WordTerms* const terms : {lesson_.in_terms, lesson_.out_terms}) {
      for (std::int64_t i = 0; i < terms->count; ++i) terms->place[terms->all[i].id] = -1;
      order(*terms);
    }
  }

 private:
  void give(WordTerms& terms, const std::int64_t* ids, const std::int64_t* from, std::int64_t n, const float* g) {
    const std::int64_t numbers = lesson_.model->in.numbers;
    for (std::int64_t i = 0; i < n; ++i) add(sum_of_row(terms, ids[i]), g + (from ? from[i] : i) * numbers, numbers);
  }

  // Where a row's sum is, which gets one more gradient.
  float* sum_of_row(WordTerms& terms, std::int64_t id) {
    const std::int64_t numbers = lesson_.model->in.numbers;
    std::int32_t& place = terms.place[id];
    if (place < 0) {
      place = std::int32_t(terms.count++);
      float* const sum = terms.vectors + place * numbers;
      std::fill_n(sum, numbers, 0.0f);
      terms.all[place] = {id, sum, 1, 0};
    }
    ++terms.all[place].gradients;
    return terms.vectors + place * numbers;
  }

  const WordLesson& lesson_;
};

// Of a centre with one input: the input, of which its outputs take multiples, and its gradient, which its rows take.
class Factored {
 public:
  static constexpr bool steps = false, factored = true;
  static constexpr float rate() { return 0; }

  explicit Factored(const WordLesson& lesson) : lesson_(lesson) {
    lesson.in_terms->count = lesson.out_terms->count = 0;
  }

  void out(const std::int64_t* ids, std::int64_t n, const float* errors) {
    WordTerms& terms = *lesson_.out_terms;
    for (std::int64_t k = 0; k < n; ++k) terms.all[terms.count++] = {ids[k], vector(terms), errors[k], 1};
  }
  void in(const std::int64_t* ids, const std::int64_t*, std::int64_t n, const float* g) {
    WordTerms& terms = *lesson_.in_terms;
    for (std::int64_t k = 0; k < n; ++k) terms.all[terms.count++] = {ids[k], vector(terms), 1, 1};
    const std::int64_t numbers = lesson_.model->in.numbers;
    std::copy_n(g, numbers, vector(terms));
    std::copy_n(lesson_.scratch.inputs, numbers, vector(*lesson_.out_terms));
    ++centre_;
  }
  void close() {
    order(*lesson_.in_terms);
    order(*lesson_.out_terms);
  }

 private:
  float* vector(const WordTerms& terms) const { return terms.vectors + centre_ * lesson_.model->in.numbers; }

  const WordLesson& lesson_;
  std::int64_t centre_ = 0;
};

// ---- the end of a round --------------------------------------------------------------------------------------------

template <int packs, class Take>
[[gnu::always_inline]] inline void sum_tile(const WordTerm* term, const WordTerm* last, float scale, float* to,
                                            std::int64_t at, Take take) {
  constexpr int width = lanes<float>;
  Pack<float> sum[packs];
  for (auto& x : sum) x = fill(0.0f);
  for (; term != last; ++term) {
    const Pack<float> factor = fill(term->factor);
    for (int p = 0; p < packs; ++p) sum[p] = fma(factor, load(term->vector + at + p * width), sum[p]);
  }
  for (int p = 0; p < packs; ++p) take(to + at + p * width, fill(scale) * sum[p]);
}

// Takes the sum of a row's terms to where it goes, bounded: gradients of the same weights all point the same way, so of
// more than `most` a row takes `most` times their mean.
template <class Take>
void sum_terms(const WordTerm* term, const WordTerm* last, std::int64_t most, float* to, std::int64_t numbers,
               Take take) {
  std::int64_t gradients = 0;
  for (const WordTerm* t = term; t != last; ++t) gradients += t->gradients;
  const float scale = gradients > most ? float(most) / float(gradients) : 1.0f;
  for (std::int64_t at = 0; at < numbers;)
    with_count<deep>((numbers - at) / lanes<float>, [&](auto packs) __attribute__((always_inline)) {
      sum_tile<packs>(term, last, scale, to, at, take);
      at += packs * lanes<float>;
    });
}

constexpr std::int64_t near = 4;  // rows that are fetched ahead of their step

// Steps the rows of a shard, by their sums over the parts in the order of those.
inline void apply(const WordShard& a) {
  const WordTable& table = *a.table;
  const auto each = [&](auto f) {
    for (int part = 0; part < parts_of_round; ++part) {
      const WordTerms& terms = *a.terms[part];
      std::for_each(terms.ordered + terms.first[a.shard], terms.ordered + terms.first[a.shard + 1], f);
    }
  };
  std::int64_t n = 0;
  a.start[0] = a.start[1] = 0;
  each([&](const WordTerm& term) {
    if (a.place[term.id] < 0) {
      a.place[term.id] = std::int32_t(n);
      a.ids[n++] = term.id;
      a.start[n + 1] = 0;
    }
    ++a.start[a.place[term.id] + 2];
  });
  for (std::int64_t k = 0; k < n; ++k) a.start[k + 2] += a.start[k + 1];
  each([&](const WordTerm& term) { a.sorted[a.start[a.place[term.id] + 1]++] = term; });

  Step made;
  table.rule->at(a.options.hyper(), a.options.before(), a.options.after(), a.time, made.bytes);
  if (const auto rate = float(table.rule->descent ? table.rule->descent(made.bytes) : 0); rate > 0) {
    const Stepped stepped{rate};
    for (std::int64_t row = 0; row < n; ++row) {
      if (row + near < n) fetch_row(table, a.ids[row + near]);
      a.place[a.ids[row]] = -1;
      sum_terms(a.sorted + a.start[row], a.sorted + a.start[row + 1], a.most, row_of(table, a.ids[row]), table.numbers,
                [&](float* w, const Pack<float>& g) __attribute__((always_inline)) { stepped(w, load(w), g); });
    }
    return;
  }
  for (std::int64_t first = 0; first < n; first += held) {
    Rows rows = rows_of(table, a.ids + first, a.sums);
    rows.near = true;
    rows.last = std::min<std::int64_t>(held, n - first);
    for (std::int64_t k = 0; k < rows.last; ++k) {
      const std::int64_t row = first + k;
      fetch_row(table, a.ids[row]);
      a.place[a.ids[row]] = -1;
      sum_terms(a.sorted + a.start[row], a.sorted + a.start[row + 1], a.most, a.sums + k * table.numbers, table.numbers,
                [](float* g, const Pack<float>& sum) __attribute__((always_inline)) { store(g, sum); });
    }
    step(table, rows, made, a.buffer);
  }
}

}  // namespace schuss
