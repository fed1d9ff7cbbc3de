// Learning and scoring blocks of examples, one after the other. Rules are reached through their `rows` entry: nothing
// here is made anew for each of them.
#include "schuss/list.hpp"
#include "schuss/models/loss.hpp"
#include "schuss/models/margin.hpp"

namespace schuss {
namespace {

constexpr std::int64_t ahead_entries = 64;  // entries whose rows are fetched ahead

// t with its nine leading bits: a rule's scalars are made anew when those change, so they do not depend on how the
// examples come in batches, and cost nothing.
std::int64_t coarse(std::int64_t t) {
  int shift = 0;
  while (t >> shift >= 512) ++shift;
  return t >> shift << shift;
}

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

void fetch(const Model& model, const Examples& all, std::int64_t from, std::int64_t to) {
  for (std::int64_t k = from; k < to; ++k) {
    fetch_row(model.linear, all.ids[k]);
    if (model.kind != Kind::lr) fetch_row(model.factors, all.ids[k]);
  }
}

template <Kind kind>
float margin(const Model& model, const Example& e, const Scratch& s, float* sum) {
  float m = linear_margin(model, e);
  if constexpr (kind == Kind::fm) {
    fm_terms(model, e, s);
    fm_sum(e.n, model.dim, s.terms, sum);
    m += fm_pairs(e.n, model.dim, s.terms, sum);
  }
  if constexpr (kind == Kind::ffm) {
    ffm_partners(model, e, s.factors_g);
    m += ffm_pairs(model, e, s.factors_g);
  }
  return m;
}

template <Kind kind>
void learn_as(Lesson& lesson) {
  const Model& model = *lesson.model;
  const Examples& all = lesson.examples;
  const Scratch& s = lesson.scratch;
  const std::int64_t bias = std::int64_t(1) << model.bits, numbers = kind == Kind::lr ? 0 : model.factors.dim;
  const float scale = model.scale / std::sqrt(float(std::max<std::int64_t>(model.dim, 1)));
  const std::int64_t end = all.indptr[lesson.last];
  Step linear_step, factors_step;
  if (model.linear.starts) begin(model.linear, bias, 0, 0);
  Judge judge(model.loss);
  std::int64_t t = 0;
  std::int64_t fetched = all.indptr[lesson.first];
  for (std::int64_t i = lesson.first; i < lesson.last; ++i) {
    const std::int64_t reach = std::min(end, all.indptr[i + 1] + ahead_entries);
    fetch(model, all, fetched, reach);
    fetched = reach;
    if (const std::int64_t now = coarse(lesson.seen + i - lesson.first + 1); now != t) {
      t = now;
      make(model.linear, lesson.linear_options, t, linear_step);
      if (numbers) make(model.factors, lesson.factors_options, t, factors_step);
    }
    const Example e = example(all, i);
    for (std::int64_t k = 0; k < e.n && model.linear.starts; ++k) begin(model.linear, e.ids[k], 0, 0);
    for (std::int64_t k = 0; k < e.n && numbers; ++k) begin(model.factors, e.ids[k], model.seed, scale);
    float* const sum = s.sum;
    const float m = margin<kind>(model, e, s, sum), weight = all.weights ? all.weights[i] : 1.0f;
    if (lesson.margins) lesson.margins[i] = m;
    lesson.weight += double(weight);

    const float g = weight * judge(m, all.labels[i], weight);
    std::copy_n(e.ids, e.n, s.ids);
    std::fill_n(s.linear_g, e.n + 1, g);
    for (std::int64_t k = 0; k < e.n && e.values; ++k) s.linear_g[k] = g * e.values[k];
    if constexpr (kind == Kind::fm) fm_gradient(e, model.dim, g, s, sum);
    if constexpr (kind == Kind::ffm) ffm_gradient(model, e, g, s.factors_g);
    const std::int64_t n = all.repeats[i] ? merge(e.n, s, numbers) : e.n;
    if (numbers) step_rows(model.factors, s.ids, n, s.factors_g, factors_step.bytes);
    s.ids[n] = bias;
    if (n < e.n) s.linear_g[n] = g;
    step_rows(model.linear, s.ids, n + 1, s.linear_g, linear_step.bytes);
  }
  lesson.loss += judge.sum();
}

template <Kind kind>
void score_as(const Lesson& lesson) {
  const Model& model = *lesson.model;
  const Examples& all = lesson.examples;
  const std::int64_t end = all.indptr[lesson.last];
  std::int64_t fetched = all.indptr[lesson.first];
  for (std::int64_t i = lesson.first; i < lesson.last; ++i) {
    const std::int64_t reach = std::min(end, all.indptr[i + 1] + ahead_entries);
    fetch(model, all, fetched, reach);
    fetched = reach;
    lesson.margins[i] = margin<kind>(model, example(all, i), lesson.scratch, lesson.scratch.sum);
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
