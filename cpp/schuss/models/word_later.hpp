// Gradients of words' rows kept for the end of a round, when each row is stepped once by its sum: for any rule that is
// not w -= rate g (word_deferred.hpp).
#pragma once
#include "word_steps.hpp"

namespace schuss {

// ---- what a part keeps ---------------------------------------------------------------------------------------------

// Begins to keep something for row `id`.
[[gnu::always_inline]] inline WordTerm& keep(WordTerms& terms, std::int64_t id) {
  const auto place = std::int32_t(terms.count++);
  const std::int64_t shard = id & (terms.shards - 1);
  terms.listed[shard * terms.most + terms.listed_count[shard]++] = place;
  return terms.all[place] = {id, terms.vectors + place * terms.numbers, nullptr, 0};
}

// What a part keeps for row `id`; begin() is called on the vector of a new one.
template <class Begin>
[[gnu::always_inline]] inline WordTerm& kept(WordTerms& terms, std::int64_t id, Begin begin) {
  std::int32_t& place = terms.place[id];
  if (place < 0) {
    place = std::int32_t(terms.count);
    begin(keep(terms, id).vector);
  }
  return terms.all[place];
}

inline void open(WordTerms& terms) {
  terms.count = 0;
  std::fill_n(terms.listed_count, terms.shards, 0);
}

inline void close(const WordTerms& terms) {
  for (std::int64_t i = 0; i < terms.count; ++i) terms.place[terms.all[i].id] = -1;
}

// Sums of gradients.
class Summed {
 public:
  static constexpr bool writes = false, summed = true, planned = false;
  static constexpr float rate() { return 0; }

  explicit Summed(const WordLesson& lesson) : lesson_(lesson) {
    open(*lesson.in_terms);
    open(*lesson.out_terms);
  }
  ~Summed() {
    close(*lesson_.in_terms);
    close(*lesson_.out_terms);
  }
  Summed(const Summed&) = delete;
  Summed& operator=(const Summed&) = delete;

  float* in_row(std::int64_t id, WordTerm**) const { return row_of(lesson_.model->in, id); }
  float* out_row(std::int64_t id) const { return row_of(lesson_.model->out, id); }

  // Adds a block's gradients, by the errors in its scores.
  void take(const std::int64_t* out, std::int64_t outputs, const std::int64_t* in, std::int64_t inputs) const {
    const WordScratch& s = lesson_.scratch;
    for (std::int64_t k = 0; k < outputs; ++k) s.summed[k] = sum_of_row(*lesson_.out_terms, out[k]);
    for (std::int64_t k = 0; k < inputs; ++k) s.stepped[k] = sum_of_row(*lesson_.in_terms, in[k]);
    products_at_once(s.in_rows, s.stepped, inputs, s.out_rows, s.summed, outputs, s.scores, lesson_.model->in.numbers,
                     Added{});
  }
  void out(const std::int64_t* ids, std::int64_t n, const float* g) const {
    give(*lesson_.out_terms, ids, nullptr, n, g);
  }
  void in(const std::int64_t* ids, const std::int64_t* from, std::int64_t n, const float* g) const {
    give(*lesson_.in_terms, ids, from, n, g);
  }

 private:
  void give(WordTerms& terms, const std::int64_t* ids, const std::int64_t* from, std::int64_t n, const float* g) const {
    const std::int64_t numbers = lesson_.model->in.numbers;
    for (std::int64_t i = 0; i < n; ++i) add(sum_of_row(terms, ids[i]), g + (from ? from[i] : i) * numbers, numbers);
  }
  float* sum_of_row(WordTerms& terms, std::int64_t id) const {
    WordTerm& term = kept(terms, id, [&](float* to) { std::fill_n(to, terms.numbers, 0.0f); });
    ++term.gradients;
    return term.vector;
  }

  const WordLesson& lesson_;
};

// ---- the end of a round --------------------------------------------------------------------------------------------

// to = scale (sum over terms).
inline void sum_terms(const WordTerm* first, float scale, float* to, std::int64_t numbers) {
  for_tiles(numbers, [&](std::int64_t at, auto packs) __attribute__((always_inline)) {
    constexpr int width = lanes<float>;
    Pack<float> sum[packs];
    for (auto& x : sum) x = fill(0.0f);
    for (const WordTerm* term = first; term; term = term->next)
      for (int p = 0; p < packs; ++p) sum[p] += load(term->vector + at + p * width);
    for (int p = 0; p < packs; ++p) store(to + at + p * width, fill(scale) * sum[p]);
  });
}

// The rows of a shard that a round has terms for, each with the list of those, in the order of the parts.
inline std::int64_t list_rows(const WordShard& a) {
  std::int64_t n = 0;
  for (int part = 0; part < parts_of_round; ++part) {
    const WordTerms& terms = *a.terms[part];
    const std::int32_t* const listed = terms.listed + a.shard * terms.most;
    for (std::int32_t i = 0; i < terms.listed_count[a.shard]; ++i) {
      WordTerm* const term = terms.all + listed[i];
      std::int32_t& place = a.place[term->id];
      if (place < 0) {
        place = std::int32_t(n);
        a.rows[n++] = {term, term, term->gradients};
      } else {
        WordRow& row = a.rows[place];
        row.gradients += term->gradients;
        row.last = row.last->next = term;
      }
    }
  }
  for (std::int64_t k = 0; k < n; ++k) a.place[a.rows[k].first->id] = -1;
  return n;
}

constexpr std::int64_t near = 4;  // rows that are fetched ahead of their step

// Gradients of the same weights all point the same way, so of more than `most` a row takes `most` times their mean.
inline float share(std::int64_t gradients, std::int64_t most) {
  return gradients > most ? float(most) / float(gradients) : 1.0f;
}

// Steps the rows of a shard by their sums.
inline void apply_sums(const WordShard& a) {
  const WordTable& table = *a.table;
  const std::int64_t n = list_rows(a), numbers = table.numbers;
  Step made;
  table.rule->at(a.options.hyper(), a.options.before(), a.options.after(), a.time, made.bytes);
  for (std::int64_t first = 0; first < n; first += held) {
    Rows rows = rows_of(table, a.ids, a.sums);
    rows.near = true;
    rows.last = std::min<std::int64_t>(held, n - first);
    for (std::int64_t k = 0; k < rows.last; ++k) {
      const WordRow& row = a.rows[first + k];
      a.ids[k] = row.first->id;
      fetch_row(table, a.ids[k]);
      sum_terms(row.first, share(row.gradients, a.most), a.sums + k * numbers, numbers);
    }
    step(table, rows, made, a.buffer);
  }
}

}  // namespace schuss
