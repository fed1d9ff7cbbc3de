// Learning and scoring blocks of examples, one after the other. Rules are reached through their `rows` entry: nothing
// here is made anew for each of them.
#include <utility>

#include "schuss/list.hpp"
#include "schuss/models/loss.hpp"
#include "schuss/models/margin.hpp"

namespace schuss {
namespace {

constexpr std::int64_t near_rows = 4;  // whose gradients are made just before they are stepped

void make(const Part& part, const Options& options, std::int64_t t, Step& step) {
  part.rule->at(options.hyper(), options.before(), options.after(), t, step.bytes);
}

// Entries of one id become one at the place of the first, their gradients summed in order. Returns how many are left.
std::int64_t merge(std::int64_t n, const Scratch& s, std::int64_t numbers) {
  for (std::int64_t i = 0; i < n; ++i) s.keys[i] = std::uint64_t(s.ids[i]) << 32 | std::uint64_t(i);
  std::sort(s.keys, s.keys + n);
  std::int64_t first = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    const auto i = std::int64_t(s.keys[k] & 0xFFFFFFFFu);
    if (k == 0 || s.keys[k] >> 32 != s.keys[k - 1] >> 32) {
      first = i;
      continue;
    }
    s.linear_g[first] += s.linear_g[i];
    add(s.factors_g + first * numbers, s.factors_g + i * numbers, numbers);
    s.ids[i] = -1;
  }
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (s.ids[i] < 0) continue;
    s.ids[kept] = s.ids[i];
    s.linear_g[kept] = s.linear_g[i];
    if (kept != i) std::copy_n(s.factors_g + i * numbers, numbers, s.factors_g + kept * numbers);
    ++kept;
  }
  return kept;
}

// Fetches the rows of a lesson's entries ahead of their examples, a few at a time: more lines than a core can wait for
// at once would keep it from its work.
template <Kind kind, bool change>
class RowFetch {
 public:
  explicit RowFetch(const Lesson& lesson)
      : model_(*lesson.model),
        all_(lesson.examples),
        next_(all_.indptr[lesson.first]),
        end_(all_.indptr[lesson.last]) {}

  // A new example begins: all of its own, and from now on those behind it.
  void start(std::int64_t example) {
    const std::int64_t end = all_.indptr[example + 1];
    until(end);
    limit_ = std::min(end_, end + ahead);
    few_ = (limit_ - next_) / calls + 1;
  }
  void operator()() { until(std::min(limit_, next_ + few_)); }
  void rest() { until(limit_); }

 private:
  // Entries whose rows are fetched ahead: one line each, or those of a long row, of which an example fills a cache.
  static constexpr std::int64_t ahead = kind == Kind::ffm ? 40 : 160;
  static constexpr std::int64_t calls = kind == Kind::ffm ? 8 : kind == Kind::fm ? 6 : 3;  // in an example

  void until(std::int64_t end) {
    if (kind == Kind::lr || (kind == Kind::fm && model_.joined)) {
      const Part linear = model_.linear;  // in registers: the compiler must take every fetch for a store
      const std::uint32_t* const ids = all_.ids;
      std::int64_t next = next_;
#pragma GCC unroll 4
      for (; next < end; ++next) fetch_line(row_of(linear, ids[next]), change);
      next_ = next;
      return;
    }
    for (; next_ < end; ++next_) {
      const std::uint32_t id = all_.ids[next_];
      fetch_line(row_of(model_.linear, id), change);
      if (kind == Kind::ffm && std::exchange(near_[id % near_ids], id) == id) continue;
      fetch_row(model_.factors, id, change);
    }
  }

  // Rows of an ffm that are still in the second cache: a dozen lines each would be asked for in vain.
  static constexpr std::uint32_t near_ids = kind == Kind::ffm ? 512 : 1;

  const Model& model_;
  const Examples& all_;
  std::int64_t next_, end_, limit_ = 0, few_ = 0;
  std::uint32_t near_[near_ids] = {};
};

// An example as it meets the tables.
template <Kind kind>
class Visit {
 public:
  Visit(const Model& model, const Scratch& s)
      : model_(model),
        s_(s),
        bias_(std::int64_t(1) << model.bits),
        scale_(model.scale / std::sqrt(float(std::max<std::int64_t>(model.dim, 1)))),
        numbers_(kind == Kind::lr ? 0 : model.factors.dim),
        linear_(model.linear, s.linear),
        factors_(model.factors, s.factors),
        all_held_(linear_.here() && (kind == Kind::lr || (kind == Kind::fm && held() && factors_.here()))) {
    if (kind == Kind::ffm) clear_row(model.factors, s.fields.nobody);
  }

  // Between its parts more() is called.
  template <class More>
  float margin(const Example& e, bool learning, bool repeats, More& more) {
    n_ = e.n;
    if (learning) start(e);
    find(e.ids);
    open(learning);
    more();
    float m = linear_margin(e, linear_.weights());
    if constexpr (kind == Kind::fm) {
      if (learning && held()) factors_.start([&](std::int64_t i) { begin_factors(e.ids[i]); });
      terms_ = fm_terms(model_, e, factors_, s_);
      more();
      m += fm_pairs(e.n, model_.dim, terms_, s_.sum);
    }
    if constexpr (kind == Kind::ffm) {
      squares_ = has_squares(model_, e) && !(learning && (repeats || !model_.factors.rule->pairs));
      if (squares_) {
        pairs_ = pairs_of(model_, e, s_.fields);
        m += pairs_margin(pairs_, learning && model_.factors.rule->settle_pairs, s_.fields.packs);
      } else {
        m += ffm_pairs(model_, e, s_.factors_g);
      }
    }
    return m;
  }

  // The step for the example whose margin was asked last; its loss has the derivative g.
  template <class More>
  void step(const Example& e, float g, bool repeats, const Step& linear_step, const Step& factors_step, More& more) {
    more();
    for_lanes(e.n + 1, [&](std::int64_t k) { store(s_.linear_g + k, fill(g)); });
    for (std::int64_t k = 0; k < e.n && e.values; ++k) s_.linear_g[k] = g * e.values[k];
    if constexpr (kind == Kind::fm) fm_gradient(e, model_.dim, g, terms_, s_.sum, s_);
    if (repeats || !all_held_) {
      std::copy_n(e.ids, e.n, s_.ids);
      if (repeats) n_ = merge(e.n, s_, numbers_);
      s_.linear_g[n_] = g;
      s_.ids[n_] = bias_;
    }
    if (repeats) {
      find(s_.ids);
      open(true);
    }
    if constexpr (kind == Kind::fm) {
      more();
      if (held()) factors_.step(s_.ids, s_.factors_g, factors_step);
      else step_rows(model_.factors, s_.ids, n_, s_.factors_g, factors_step.bytes);
      more();
    }
    if constexpr (kind == Kind::ffm) {
      if (squares_) step_pairs(g, factors_step, more);
      else step_partners(g, factors_step, more);
    }
    linear_.step(s_.ids, s_.linear_g, linear_step);
    more();
  }

 private:
  template <class More>
  void step_pairs(float g, const Step& step, More& more) {
    pairs_.slope = g;
    if (model_.factors.rule->settle_pairs) model_.factors.rule->settle_pairs(pairs_, step.bytes);
    for (pairs_.first = 0; pairs_.first < pairs_.places; pairs_.first += lanes<float> / pairs_.dim) {
      model_.factors.rule->pairs(pairs_, step.bytes);
      more();
    }
  }

  template <class More>
  void step_partners(float g, const Step& step, More& more) {
    for (std::int64_t k = 0, count; k < n_; k += count) {
      count = std::min(near_rows, n_ - k);
      ffm_gradient(count * numbers_, g, s_.factors_g + k * numbers_);
      step_rows(model_.factors, s_.ids + k, count, s_.factors_g + k * numbers_, step.bytes);
      more();
    }
  }

  // Whether the factors are laid side by side.
  bool held() const { return kind == Kind::fm && short_dim<float>(numbers_); }

  template <class Id>
  void find(const Id* ids) {
    linear_.find(ids, n_, bias_);
    if (!held()) return;
    if (model_.joined) factors_.find(linear_);
    else factors_.find(ids, n_);
  }

  void open(bool learning) {
    linear_.open(n_ + 1, learning);
    if (held()) factors_.open(n_, learning);
  }

  // Start values of rows that were never seen; of held factors once it shows that there are some.
  void start(const Example& e) {
    if (model_.linear.starts) {
      for (std::int64_t k = 0; k < e.n; ++k) begin(model_.linear, e.ids[k], 0, 0);
      begin(model_.linear, bias_, 0, 0);
    }
    for (std::int64_t k = 0; k < e.n && numbers_ && !held(); ++k) begin_factors(e.ids[k]);
  }
  void begin_factors(std::int64_t id) { begin(model_.factors, id, model_.seed, scale_); }

  const Model& model_;
  const Scratch& s_;
  const std::int64_t bias_;
  const float scale_;
  const std::int64_t numbers_;
  Held linear_, factors_;
  const bool all_held_;  // then nobody asks for ids
  const float* terms_ = nullptr;
  std::int64_t n_ = 0;
  bool squares_ = false;  // whether an ffm's pairs are taken in squares
  FieldPairs pairs_{};
};

template <Kind kind>
void learn_as(Lesson& lesson) {
  const Model& model = *lesson.model;
  const Examples& all = lesson.examples;
  Visit<kind> visit(model, lesson.scratch);
  RowFetch<kind, true> fetch(lesson);
  Step linear_step, factors_step;
  Judge judge(model.loss);
  std::int64_t t = 0;
  for (std::int64_t i = lesson.first; i < lesson.last; ++i) {
    if (const std::int64_t now = coarse(lesson.seen + i - lesson.first + 1); now != t) {
      t = now;
      make(model.linear, lesson.linear_options, t, linear_step);
      if (kind != Kind::lr) make(model.factors, lesson.factors_options, t, factors_step);
    }
    const Example e = example(all, i);
    fetch.start(i);
    const float m = visit.margin(e, true, all.repeats[i], fetch), weight = all.weights ? all.weights[i] : 1.0f;
    if (lesson.margins) lesson.margins[i] = m;
    lesson.weight += double(weight);
    visit.step(e, weight * judge(m, all.labels[i], weight), all.repeats[i], linear_step, factors_step, fetch);
  }
  lesson.loss += judge.sum();
}

template <Kind kind>
void score_as(const Lesson& lesson) {
  Visit<kind> visit(*lesson.model, lesson.scratch);
  RowFetch<kind, false> fetch(lesson);
  for (std::int64_t i = lesson.first; i < lesson.last; ++i) {
    fetch.start(i);
    lesson.margins[i] = visit.margin(example(lesson.examples, i), false, false, fetch);
    fetch.rest();
  }
}

void learn(Lesson& lesson) {
  switch (lesson.model->kind) {
    case Kind::lr: return learn_as<Kind::lr>(lesson);
    case Kind::fm: return learn_as<Kind::fm>(lesson);
    case Kind::ffm: return learn_as<Kind::ffm>(lesson);
  }
}

void score(const Lesson& lesson) {
  switch (lesson.model->kind) {
    case Kind::lr: return score_as<Kind::lr>(lesson);
    case Kind::fm: return score_as<Kind::fm>(lesson);
    case Kind::ffm: return score_as<Kind::ffm>(lesson);
  }
}

}  // namespace

Trainer trainer() { return {learn, score}; }

}  // namespace schuss
