// The factors of an fm: sum of <v_i, v_j> x_i x_j over pairs is (|S|^2 - sum_i |x_i v_i|^2) / 2 with S = sum_i x_i v_i.
#pragma once
#include "example.hpp"
#include "held.hpp"

namespace schuss {

// x_i v_i of all rows, end to end, zeros behind; x repeated for the numbers of a row where values are not all 1.
inline const float* fm_terms(const Model& model, const Example& e, const Held& held, const Scratch& s) {
  const std::int64_t dim = model.dim, numbers = e.n * dim;
  const float* terms = held.weights();
  if (!short_dim<float>(dim)) {
    for (std::int64_t i = 0; i < e.n; ++i) std::copy_n(row_of(model.factors, e.ids[i]), dim, s.terms + i * dim);
    std::fill_n(s.terms + numbers, lanes<float>, 0.0f);
    terms = s.terms;
  }
  if (!e.values) return terms;
  for (std::int64_t i = 0; i < e.n; ++i) std::fill_n(s.x + i * dim, dim, e.values[i]);
  std::fill_n(s.x + numbers, lanes<float>, 0.0f);
  for_lanes(numbers, [&](std::int64_t j) { store(s.terms + j, load(s.x + j) * load(terms + j)); });
  return s.terms;
}

// The sum over all pairs, and the sum S of the terms: repeated to fill a pack where dim is short; else dim numbers and
// zeros.
inline float fm_pairs(std::int64_t n, std::int64_t dim, const float* terms, float* sum) {
  Pack<float> own = fill(0.0f), whole = fill(0.0f);
  if (short_dim<float>(dim)) {
    Pack<float> all = fill(0.0f);
    for_lanes(n * dim, [&](std::int64_t j) {
      const Pack<float> t = load(terms + j);
      all += t;
      own += t * t;
    });
    with_dim<float>(dim, [&](auto repeat) __attribute__((always_inline)) { all = sums_apart<repeat>(all); });
    store(sum, all);
    const float share = float(dim) / float(lanes<float>);  // of a sum over repeated numbers: a power of two, exact
    return 0.5f * (share * sum_of(all * all) - sum_of(own));
  }
  for_lanes(n * dim, [&](std::int64_t j) {
    const Pack<float> t = load(terms + j);
    own += t * t;
  });
  for (std::int64_t j = 0; j < dim; j += lanes<float>) {
    const int count = int(std::min<std::int64_t>(lanes<float>, dim - j));
    Pack<float> all = fill(0.0f);
    for (std::int64_t i = 0; i < n; ++i) all += load(terms + i * dim + j, count);
    store(sum + j, all);
    whole += all * all;
  }
  return 0.5f * (sum_of(whole) - sum_of(own));
}

// g_i = slope x_i (S - x_i v_i)
inline void fm_gradient(const Example& e, std::int64_t dim, float slope, const float* terms, const float* sum,
                        const Scratch& s) {
  if (short_dim<float>(dim)) {
    const Pack<float> all = load(sum);
    for_lanes(e.n * dim, [&](std::int64_t j) {
      const Pack<float> rest = slope * (all - load(terms + j));
      store(s.factors_g + j, e.values ? load(s.x + j) * rest : rest);
    });
    return;
  }
  for (std::int64_t i = 0; i < e.n; ++i) {
    const float scale = slope * e.value(i);
    for_packs<float>(dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      store(s.factors_g + i * dim + j, scale * (load(sum + j, count) - load(terms + i * dim + j, count)), count);
    });
  }
}

}  // namespace schuss
