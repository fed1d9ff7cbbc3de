// Gradients of words' rows handed to the rule: at once, or summed by row first and applied later.
#pragma once
#include "../access/rows.hpp"
#include "../fetch.hpp"
#include "word2vec.hpp"

namespace schuss {

inline float* row_of(const WordTable& table, std::int64_t id) { return table.rows + id * table.width; }

// Rows are whole cache lines, on lines.
[[gnu::always_inline]] inline void fetch_row(const WordTable& table, std::int64_t id) {
  const float* const row = row_of(table, id);
  for (std::int64_t j = 0; j < table.width; j += lanes<float>) fetch_to_write(row + j);
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

// ---- where gradients go --------------------------------------------------------------------------------------------

// Into the tables, at once.
class Now {
 public:
  explicit Now(const WordLesson& lesson) : lesson_(lesson) {
    lesson.model->in.rule->at(lesson.options.hyper(), lesson.options.before(), lesson.options.after(), lesson.time,
                              made_.bytes);
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
};

// Into sums by row, to be applied later.
class Later {
 public:
  explicit Later(const WordLesson& lesson) : lesson_(lesson) { lesson.in_sums->count = lesson.out_sums->count = 0; }

  void out(const std::int64_t* ids, std::int64_t n, const float* g) {
    give(*lesson_.out_sums, lesson_.model->out, ids, nullptr, n, g);
  }
  void in(const std::int64_t* ids, const std::int64_t* from, std::int64_t n, const float* g) {
    give(*lesson_.in_sums, lesson_.model->in, ids, from, n, g);
  }
  void close() {
    close(*lesson_.in_sums);
    close(*lesson_.out_sums);
  }

 private:
  static void give(WordSums& sums, const WordTable& table, const std::int64_t* ids, const std::int64_t* from,
                   std::int64_t n, const float* g) {
    for (std::int64_t i = 0; i < n; ++i) {
      const float* const own = g + (from ? from[i] : i) * table.numbers;
      std::int32_t& place = sums.place[ids[i]];
      if (place < 0) {
        place = std::int32_t(sums.count++);
        sums.ids[place] = ids[i];
        sums.terms[place] = 1;
        std::copy_n(own, table.numbers, sums.g + place * table.numbers);
      } else {
        add(sums.g + place * table.numbers, own, table.numbers);
        ++sums.terms[place];
      }
    }
  }

  static void close(WordSums& sums) {
    std::fill_n(sums.first, shards + 1, 0);
    for (std::int64_t i = 0; i < sums.count; ++i) {
      sums.place[sums.ids[i]] = -1;
      ++sums.first[sums.ids[i] % shards + 1];
    }
    for (int s = 0; s < shards; ++s) sums.first[s + 1] += sums.first[s];
    std::int64_t next[shards];
    std::copy_n(sums.first, shards, next);
    for (std::int64_t i = 0; i < sums.count; ++i) {
      const std::int64_t at = next[sums.ids[i] % shards]++;
      sums.ordered[at] = sums.ids[i];
      sums.from[at] = i;
    }
  }

  const WordLesson& lesson_;
};

// Gradients of the same weights all point the same way: of more than `most`, a row takes `most` times their mean.
inline void bound(const WordTable& table, const WordSums& all, const std::int64_t* from, std::int64_t n,
                  std::int64_t most) {
  std::int64_t terms = 0;
  for (std::int64_t k = 0; k < n; ++k) terms += all.terms[from[k]];
  if (terms <= most) return;
  const float scale = float(most) / float(terms);
  for (std::int64_t k = 0; k < n; ++k) {
    float* const g = all.g + from[k] * table.numbers;
    for (std::int64_t j = 0; j < table.numbers; ++j) g[j] *= scale;
  }
}

// Steps the rows of a shard, each once, by its sum over the parts in their order, bounded. `place` is -1 for all rows;
// `work` has room for all entries of the shard, and one more.
inline void apply(const WordTable& table, const WordSums* const* sums, std::int64_t parts, int shard, std::int64_t most,
                  std::int32_t* place, std::int64_t* const* work, const Options& options, std::int64_t time,
                  float* buffer) {
  std::int64_t *const ids = work[0], *const start = work[1], *const from = work[2];
  std::int64_t n = 0;
  const auto each = [&](auto f) {
    for (std::int64_t p = 0; p < parts; ++p) {
      const std::int64_t begin = (sums[p]->g - sums[0]->g) / table.numbers;
      for (std::int64_t i = sums[p]->first[shard]; i < sums[p]->first[shard + 1]; ++i)
        f(sums[p]->ordered[i], begin + sums[p]->from[i]);
    }
  };
  each([&](std::int64_t id, std::int64_t) {
    if (place[id] < 0) {
      place[id] = std::int32_t(n);
      ids[n++] = id;
      start[n] = 0;
    }
    ++start[place[id] + 1];
  });
  start[0] = 0;
  for (std::int64_t k = 0; k < n; ++k) start[k + 1] += start[k];
  each([&](std::int64_t id, std::int64_t at) { from[start[place[id]]++] = at; });
  for (std::int64_t k = n; k > 0; --k) start[k] = start[k - 1];
  start[0] = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    place[ids[k]] = -1;
    bound(table, *sums[0], from + start[k], start[k + 1] - start[k], most);
  }

  Step made;
  table.rule->at(options.hyper(), options.before(), options.after(), time, made.bytes);
  Rows a = rows_of(table, ids, sums[0]->g);
  a.start = start;
  a.from = from;
  a.last = n;
  step(table, a, made, buffer);
}

}  // namespace schuss
