// Word vectors: the loop over centres. Rules are reached through their `rows` entry, with the gradients of a block.
#include "schuss/models/word2vec.hpp"

#include "schuss/list.hpp"
#include "schuss/models/word_block.hpp"
#include "schuss/models/word_deferred.hpp"
#include "schuss/models/word_walk.hpp"

namespace schuss {
namespace {

template <class Sink>
class Centres {
 public:
  Centres(WordLesson& lesson, Sink& sink)
      : lesson_(lesson),
        model_(*lesson.model),
        s_(lesson.scratch),
        sizes_(lesson.sizes),
        walk_(lesson, s_.kept, s_.position),
        sink_(sink),
        surprise_(*lesson.loss) {
    std::fill_n(s_.shift, sizes_.stride, 0.0f);
    std::fill_n(s_.side, sizes_.stride, 1.0f);
    s_.side[0] = -1;
  }

  void learn() {
    const auto span = [&] { learn(walk_.left(), walk_.middle()); };
    if constexpr (Sink::planned) walk_.spans(*lesson_.plan, span);
    else walk_.spans(span);
  }

 private:
  void learn(std::int64_t left, std::int64_t middle) {
    lesson_.kept += middle - left;
    if constexpr (Sink::planned) std::fill_n(s_.seen, walk_.all(), nullptr);
    for (std::int64_t i = left - model_.window; i < left + model_.window; ++i) fetch_input(i);
    for (std::int64_t i = left; i < std::min<std::int64_t>(left + ring - 1, middle); ++i) draw(i);
    for (std::int64_t i = left; i < middle; ++i) {
      if (i + ring - 1 < middle) draw(i + ring - 1);
      centre(i);
    }
  }

  void fetch_input(std::int64_t i) const {
    if (i < 0 || i >= walk_.all()) return;
    const std::uint32_t word = walk_.word(i);
    if (!model_.group) return fetch_row(model_.in, word, Sink::writes);
    for (std::int64_t k = model_.group_start[word]; k < model_.group_start[word + 1]; ++k)
      fetch_row(model_.in, model_.group[k], Sink::writes);
  }

  // Draws the window and the outputs of centre i, and fetches their rows.
  void draw(std::int64_t i) {
    const std::int64_t slot = i % ring;
    const TokenDraws draws = walk_.draws(i);
    const int reach = s_.reach[slot] = draws.reach(model_.window);
    fetch_input(i + model_.window);
    for (std::int64_t block = 0, n = walk_.blocks(i, reach); block < n; ++block) {
      const std::int64_t at = slot * sizes_.groups + (model_.tree ? 0 : block);
      std::int64_t* const ids = s_.drawn + at * sizes_.outputs;
      if constexpr (Sink::planned) {
        std::int32_t* const touches = s_.touches + at * sizes_.outputs;
        s_.counts[at] = sink_.outputs(ids, touches);
        for (int k = 0; k < s_.counts[at]; ++k) fetch_row(model_.out, ids[k], touches[k] == 1);
      } else {
        if (model_.tree && block > 0) break;
        s_.counts[at] = walk_.outputs(i, draws, block, ids);
        for (int k = 0; k < s_.counts[at]; ++k) fetch_row(model_.out, ids[k], Sink::writes);
      }
    }
  }

  void centre(std::int64_t i) {
    const std::int64_t slot = i % ring;
    const int reach = s_.reach[slot];
    const std::int64_t last = walk_.last_of(i, reach), contexts = last - walk_.first_of(i, reach);
    if (contexts == 0) return;
    if (model_.tree) set_codes(walk_.word(i));
    const std::int64_t share = model_.cbow ? contexts : model_.share;
    std::int64_t at = walk_.first_of(i, reach);
    for (std::int64_t group = 0; at <= last; ++group) {
      gather(i, at, std::min(share, contexts - group * share));
      const std::int64_t drawn = slot * sizes_.groups + (model_.tree ? 0 : group);
      block(s_.drawn + drawn * sizes_.outputs, s_.counts[drawn]);
    }
  }

  // Labels of the nodes on the way to a word: 1 for code 0.
  void set_codes(std::uint32_t word) {
    const std::int64_t from = model_.path_start[word], n = model_.path_start[word + 1] - from;
    for (std::int64_t k = 0; k < n; ++k) s_.side[k] = model_.path[from + k] & 1 ? 1.0f : -1.0f;
  }

  // The inputs of a block: `count` context words from `at` on, without the centre.
  void gather(std::int64_t centre, std::int64_t& at, std::int64_t count) {
    rows_ = inputs_ = 0;
    for (std::int64_t k = 0; k < count; ++at) {
      if (at == centre) continue;
      const std::uint32_t word = walk_.word(at);
      const std::int64_t before = rows_;
      if (model_.group) {
        for (std::int64_t r = model_.group_start[word]; r < model_.group_start[word + 1]; ++r)
          take(model_.group[r], nullptr);
      } else {
        take(word, s_.seen + at);
      }
      if (model_.group && !model_.cbow) mean(before);
      if (!model_.group && !model_.cbow) s_.in_rows[inputs_] = s_.stepped[before];
      inputs_ += !model_.cbow;
      ++k;
    }
    if (at == centre) ++at;
    if (model_.cbow) {
      mean(0);
      inputs_ = 1;
    }
  }

  void take(std::int64_t row, WordTerm** seen) {
    s_.in_ids[rows_] = row;
    s_.stepped[rows_] = sink_.in_row(row, seen);
    s_.from[rows_++] = inputs_;
  }

  // Input number inputs_: the mean of the rows from `first` on.
  void mean(std::int64_t first) {
    float* const h = s_.inputs + inputs_ * model_.in.numbers;
    const float scale = 1.0f / float(rows_ - first);
    for (std::int64_t j = 0; j < model_.in.numbers; j += lanes<float>) {
      Pack<float> sum = fill(0.0f);
      for (std::int64_t r = first; r < rows_; ++r) sum += load(s_.stepped[r] + j);
      store(h + j, scale * sum);
    }
    s_.in_rows[inputs_] = h;
  }

  // Outputs ids[0 .. n). Where an input has them to itself, an output that comes twice is seen as its first step left
  // it, as in the original program: then the block is cut there.
  void block(const std::int64_t* ids, int n) {
    lesson_.predictions += inputs_;
    const bool plain = !model_.group && !model_.cbow;
    if constexpr (Sink::planned) {
      errors_of(ids, n, 0);
      sink_.take(ids, s_.touches + (ids - s_.drawn), n, inputs_, rows_, plain);
    } else if (at_once(ids, n)) {
      errors_of(ids, n, 0);
      sink_.take(ids, n, s_.in_ids, inputs_);
    } else {
      step_by_step(ids, n, plain);
    }
  }

  void step_by_step(const std::int64_t* ids, int n, bool plain) {
    const bool alone = inputs_ == 1 && !model_.tree;
    for (int from = 0; from < n;) {
      int to = n;
      if (alone)
        for (to = from + 1; to < n && std::find(ids + from, ids + to, ids[to]) == ids + to;) ++to;
      products(ids + from, to - from, from);
      from = to;
    }
    if (inputs_ == 1 && sink_.rate() > 0)
      return take_alike(s_.stepped, rows_, s_.in_g, model_.in.numbers, Stepped{sink_.rate()});
    sink_.in(s_.in_ids, plain ? nullptr : s_.from, rows_, s_.in_g);
  }

  // Whether gradients of a block go where they belong as soon as they are made.
  bool at_once(const std::int64_t* ids, int n) const {
    if (!at_once_here || model_.group || model_.cbow || inputs_ < 2 || n > most_at_once) return false;
    if (Sink::summed) return true;
    return sink_.rate() > 0 && distinct(ids, n) && distinct(s_.in_ids, rows_);
  }

  // Scores and errors of the inputs with outputs ids[0 .. n).
  void errors_of(const std::int64_t* ids, int n, int from) {
    const std::int64_t stride = stride_of(n);
    for (int k = 0; k < n; ++k) s_.out_rows[k] = sink_.out_row(ids[k]);
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
    sum_up(s_.in_rows, inputs_, s_.scores, 1, stride, n, s_.out_g, numbers, false);
    sink_.out(ids, n, s_.out_g);
  }

  WordLesson& lesson_;
  const WordModel& model_;
  const WordScratch& s_;
  const WordSizes& sizes_;
  Walk walk_;
  Sink& sink_;
  Surprise surprise_;
  std::int64_t rows_ = 0, inputs_ = 0;
};

template <class Sink>
void learn_into(WordLesson& lesson) {
  Sink sink(lesson);
  Centres<Sink>(lesson, sink).learn();
}

void learn(WordLesson& lesson) {
  if (!lesson.in_terms) learn_into<Now>(lesson);
  else if (lesson.plan) learn_into<Deferred>(lesson);
  else learn_into<Summed>(lesson);
}

void apply(const WordShard& a) {
  switch (a.kept) {
    case WordKept::sums: return apply_sums(a);
    case WordKept::copies: return apply_copies(a);
    case WordKept::moves: return apply_moves(a);
  }
}

}  // namespace

const WordTrainer* words() {
  static const WordTrainer trainer{learn, apply};
  return &trainer;
}

}  // namespace schuss
