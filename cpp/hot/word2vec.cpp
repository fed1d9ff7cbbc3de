// Word vectors: the loop over centres. Rules are reached through their `rows` entry, with the gradients of a block.
#include "schuss/models/word2vec.hpp"

#include "schuss/list.hpp"
#include "schuss/models/word_block.hpp"
#include "schuss/models/word_draws.hpp"
#include "schuss/models/word_later.hpp"

namespace schuss {
namespace {

template <class Sink>
class Centres {
 public:
  Centres(WordLesson& lesson, Sink& sink)
      : lesson_(lesson), model_(*lesson.model), s_(lesson.scratch), sizes_(lesson.sizes), sink_(sink) {
    std::fill_n(s_.shift, sizes_.stride, 0.0f);
    std::fill_n(s_.side, sizes_.stride, 1.0f);
    s_.side[0] = -1;
  }

  // Tokens first .. last - 1 of the sentence from begin to end.
  void sentence(std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last) {
    const int left = scan_left(begin, first);
    std::int64_t n = left;
    for (std::int64_t i = first; i < last; ++i) n += keep(i, n);
    middle_ = n;
    for (std::int64_t i = last; i < end && n < middle_ + model_.window; ++i) n += keep(i, n);
    all_ = n;
    if (middle_ == left) return;
    lesson_.kept += middle_ - left;
    for (std::int64_t i = left - model_.window; i < left + model_.window; ++i) fetch_input(i);
    for (std::int64_t i = left; i < std::min<std::int64_t>(left + ring - 1, middle_); ++i) draw(i);
    for (std::int64_t i = left; i < middle_; ++i) {
      if (i + ring - 1 < middle_) draw(i + ring - 1);
      centre(i);
    }
  }

  double loss() { return surprise_.sum(); }

 private:
  bool keep(std::int64_t position, std::int64_t n) {
    const std::uint32_t word = lesson_.ids[position];
    s_.kept[n] = word;
    s_.position[n] = position;
    return TokenDraws(lesson_.key, position).keep() <= model_.keep[word];
  }

  // Kept words before `first`, as many as a window may reach, in order.
  int scan_left(std::int64_t begin, std::int64_t first) {
    int n = 0;
    for (std::int64_t i = first - 1; i >= begin && n < model_.window; --i) n += keep(i, n);
    std::reverse(s_.kept, s_.kept + n);
    std::reverse(s_.position, s_.position + n);
    return n;
  }

  void fetch_input(std::int64_t i) const {
    if (i < 0 || i >= all_) return;
    const std::uint32_t word = s_.kept[i];
    if (!model_.group) return fetch_row(model_.in, word, Sink::steps);
    for (std::int64_t k = model_.group_start[word]; k < model_.group_start[word + 1]; ++k)
      fetch_row(model_.in, model_.group[k], Sink::steps);
  }

  std::int64_t first_of(std::int64_t i, int reach) const { return std::max<std::int64_t>(0, i - reach); }
  std::int64_t last_of(std::int64_t i, int reach) const { return std::min<std::int64_t>(all_ - 1, i + reach); }

  // Draws the window and the outputs of centre i, and fetches their rows.
  void draw(std::int64_t i) {
    const std::int64_t slot = i % ring;
    const std::uint32_t word = s_.kept[i];
    const TokenDraws draws(lesson_.key, s_.position[i]);
    const int reach = s_.reach[slot] = draws.reach(model_.window);
    fetch_input(i + model_.window);
    const std::int64_t contexts = last_of(i, reach) - first_of(i, reach);
    const std::int64_t groups =
        model_.cbow ? std::min<std::int64_t>(contexts, 1) : (contexts + model_.share - 1) / model_.share;
    if (model_.tree) {
      if (groups == 0) return;
      std::int64_t* const ids = s_.drawn + slot * sizes_.groups * sizes_.outputs;
      const std::int64_t from = model_.path_start[word], n = model_.path_start[word + 1] - from;
      for (std::int64_t k = 0; k < n; ++k) fetch_row(model_.out, ids[k] = model_.path[from + k] >> 1, Sink::steps);
      return;
    }
    for (std::int64_t group = 0; group < groups; ++group) {
      std::int64_t* const ids = s_.drawn + (slot * sizes_.groups + group) * sizes_.outputs;
      int n = 0;
      ids[n++] = word;
      for (int k = 0; k < model_.negative; ++k) {
        ids[n] = draws.negative(group * model_.negative + k, model_.alias, model_.words);
        n += ids[n] != word;  // as the original program does: left out, not drawn again
      }
      for (int k = 0; k < n; ++k) fetch_row(model_.out, ids[k], Sink::steps);
      s_.counts[slot * sizes_.groups + group] = n;
    }
  }

  void centre(std::int64_t i) {
    const std::int64_t slot = i % ring;
    const int reach = s_.reach[slot];
    const std::int64_t first = first_of(i, reach), last = last_of(i, reach), contexts = last - first;
    if (contexts == 0) return;
    if (model_.tree) set_codes(s_.kept[i]);
    const std::int64_t share = model_.cbow ? contexts : model_.share;
    std::int64_t at = first;
    for (std::int64_t group = 0; at <= last; ++group) {
      gather(i, at, std::min(share, contexts - group * share));
      const std::int64_t drawn = slot * sizes_.groups + (model_.tree ? 0 : group);
      block(s_.drawn + drawn * sizes_.outputs, model_.tree ? codes_ : s_.counts[drawn]);
    }
  }

  // Labels of the nodes on the way to a word: 1 for code 0.
  void set_codes(std::uint32_t word) {
    const std::int64_t from = model_.path_start[word];
    codes_ = int(model_.path_start[word + 1] - from);
    for (int k = 0; k < codes_; ++k) s_.side[k] = model_.path[from + k] & 1 ? 1.0f : -1.0f;
  }

  // The inputs of a block: `count` context words from `at` on, without the centre.
  void gather(std::int64_t centre, std::int64_t& at, std::int64_t count) {
    rows_ = inputs_ = 0;
    for (std::int64_t k = 0; k < count; ++at) {
      if (at == centre) continue;
      const std::uint32_t word = s_.kept[at];
      const std::int64_t before = rows_;
      if (model_.group) {
        for (std::int64_t r = model_.group_start[word]; r < model_.group_start[word + 1]; ++r) take(model_.group[r]);
      } else {
        take(word);
      }
      if (model_.group && !model_.cbow) mean(before);
      if (!model_.group && !model_.cbow) s_.in_rows[inputs_] = row_of(model_.in, word);
      inputs_ += !model_.cbow;
      ++k;
    }
    if (at == centre) ++at;
    if (model_.cbow) {
      mean(0);
      inputs_ = 1;
    }
  }

  void take(std::int64_t row) {
    s_.in_ids[rows_] = row;
    s_.from[rows_++] = inputs_;
  }

  // Input number inputs_: the mean of the rows from `first` on.
  void mean(std::int64_t first) {
    float* const h = s_.inputs + inputs_ * model_.in.numbers;
    const float scale = 1.0f / float(rows_ - first);
    for (std::int64_t j = 0; j < model_.in.numbers; j += lanes<float>) {
      Pack<float> sum = fill(0.0f);
      for (std::int64_t r = first; r < rows_; ++r) sum += load(row_of(model_.in, s_.in_ids[r]) + j);
      store(h + j, scale * sum);
    }
    s_.in_rows[inputs_] = h;
  }

  // Outputs ids[0 .. n). Where an input has them to itself, an output that comes twice is seen as its first step left
  // it, as in the original program: then the block is cut there.
  void block(const std::int64_t* ids, int n) {
    lesson_.predictions += inputs_;
    if constexpr (!Sink::factored)
      if (at_once(ids, n)) {
        errors_of(ids, n, 0);
        return sink_.take(ids, n, s_.in_ids, inputs_);
      }
    const bool alone = inputs_ == 1 && !model_.tree;
    for (int from = 0; from < n;) {
      int to = n;
      if (alone)
        for (to = from + 1; to < n && std::find(ids + from, ids + to, ids[to]) == ids + to;) ++to;
      products(ids + from, to - from, from);
      from = to;
    }
    if (inputs_ == 1 && sink_.rate() > 0) {
      for (std::int64_t r = 0; r < rows_; ++r) s_.stepped[r] = row_of(model_.in, s_.in_ids[r]);
      return descend_alike(s_.stepped, rows_, s_.in_g, sink_.rate(), model_.in.numbers);
    }
    const bool plain = !model_.group && !model_.cbow;
    sink_.in(s_.in_ids, plain ? nullptr : s_.from, rows_, s_.in_g);
  }

  // Whether gradients of a block go where they belong as soon as they are made.
  bool at_once(const std::int64_t* ids, int n) const {
    if (!at_once_here || model_.group || model_.cbow || inputs_ < 2 || n > most_at_once) return false;
    if (Sink::summed) return true;
    return sink_.rate() > 0 && distinct(ids, n) && distinct(s_.in_ids, int(rows_));
  }

  static bool distinct(const std::int64_t* ids, int n) {
    bool same = false;
    for (int i = 1; i < n; ++i)
      for (int k = 0; k < i; ++k) same |= ids[i] == ids[k];
    return !same;
  }

  // Scores and errors of the inputs with outputs ids[0 .. n).
  void errors_of(const std::int64_t* ids, int n, int from) {
    const std::int64_t stride = stride_of(n);
    for (int k = 0; k < n; ++k) s_.out_rows[k] = row_of(model_.out, ids[k]);
    float* const side = s_.side + from;
    for (std::int64_t k = n; k < stride; ++k) s_.shift[k] = -87;
    score(model_.in.numbers, s_.in_rows, inputs_, s_.out_rows, n, side, s_.shift, s_.scores, stride);
    for (std::int64_t k = n; k < stride; ++k) s_.shift[k] = 0;
    errors(s_.scores, inputs_, n, stride, side, surprise_);
  }

  void products(const std::int64_t* ids, int n, int from) {
    const std::int64_t numbers = model_.in.numbers, stride = stride_of(n);
    errors_of(ids, n, from);
    if (inputs_ == 1 && sink_.rate() > 0)
      return descend(s_.out_rows, n, s_.scores, s_.in_rows[0], sink_.rate(), s_.in_g, numbers, from > 0);
    sum_up(s_.out_rows, n, s_.scores, stride, 1, inputs_, s_.in_g, numbers, from > 0);
    if constexpr (Sink::factored) return sink_.out(ids, n, s_.scores);
    sum_up(s_.in_rows, inputs_, s_.scores, 1, stride, n, s_.out_g, numbers, false);
    sink_.out(ids, n, s_.out_g);
  }

  WordLesson& lesson_;
  const WordModel& model_;
  const WordScratch& s_;
  const WordSizes& sizes_;
  Sink& sink_;
  Surprise surprise_;
  std::int64_t middle_ = 0, all_ = 0, rows_ = 0, inputs_ = 0;
  int codes_ = 0;
};

template <class Sink>
void learn_into(WordLesson& lesson, Sink& sink) {
  Centres<Sink> centres(lesson, sink);
  std::int64_t first = lesson.first;
  for (std::int64_t s = lesson.sentence; first < lesson.last; ++s) {
    const std::int64_t last = std::min(lesson.last, lesson.indptr[s + 1]);
    if (last <= first) continue;
    centres.sentence(lesson.indptr[s], lesson.indptr[s + 1], first, last);
    first = last;
  }
  lesson.loss = centres.loss();
}

template <class Sink>
void learn_later(WordLesson& lesson) {
  Sink sink(lesson);
  learn_into(lesson, sink);
  sink.close();
}

void learn(WordLesson& lesson) {
  if (!lesson.in_terms) {
    Now now(lesson);
    learn_into(lesson, now);
  } else if (lesson.model->cbow) {
    learn_later<Factored>(lesson);
  } else {
    learn_later<Summed>(lesson);
  }
}

}  // namespace

const WordTrainer* words() {
  static const WordTrainer trainer{learn, apply};
  return &trainer;
}

}  // namespace schuss
