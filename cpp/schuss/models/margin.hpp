// Margins of one example, and what their gradients need:
//   linear  b + sum_i w_i x_i
//   fm      + sum_{i<j} <v_i, v_j> x_i x_j = (|S|^2 - sum_i |x_i v_i|^2) / 2 with S = sum_i x_i v_i  (Rendle 2010)
//   ffm     + sum_{i<j} <v_{i,f_j}, v_{j,f_i}> x_i x_j                                               (Juan et al. 2016)
// Sums are made in a fixed order of lanes: the bits do not depend on the level.
#pragma once
#include "part.hpp"

namespace schuss {

// One example: n entries.
struct Entries {
  std::int64_t n;
  const std::uint32_t* ids;
  const float* values;          // or null
  const std::uint16_t* fields;  // or null

  float value(std::int64_t i) const { return values ? values[i] : 1.0f; }
};

inline Entries entries(const Examples& all, std::int64_t i) {
  const std::int64_t first = all.indptr[i];
  return {all.indptr[i + 1] - first, all.ids + first, all.values ? all.values + first : nullptr,
          all.fields ? all.fields + first : nullptr};
}

inline float sum_of(const Pack<float>& a) {
  float part[lanes<float>];
  store(part, a);
  for (int half = lanes<float> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) part[i] += part[i + half];
  return part[0];
}

// ---- linear ------------------------------------------------------------------------------------------------------

inline float linear_margin(const Model& model, const Entries& e) {
  const Part& part = model.linear;
  constexpr int chains = 8;
  float sum[chains] = {};
  const auto add = [&](auto value) __attribute__((always_inline)) {
    std::int64_t i = 0;
    for (; i + chains <= e.n; i += chains)
      for (int k = 0; k < chains; ++k) sum[k] += value(i + k) * *row_of(part, e.ids[i + k]);
    for (; i < e.n; ++i) sum[i % chains] += value(i) * *row_of(part, e.ids[i]);
  };
  if (e.values) add([&](std::int64_t i) { return e.values[i]; });
  else add([](std::int64_t) { return 1.0f; });
  for (int half = chains / 2; half > 0; half /= 2)
    for (int k = 0; k < half; ++k) sum[k] += sum[k + half];
  return *row_of(part, std::int64_t(1) << model.bits) + sum[0];
}

// ---- fm ----------------------------------------------------------------------------------------------------------

// Calls f(j) for the packs of rows laid end to end, whose memory ends with a pack to spare.
template <class F>
[[gnu::always_inline]] inline void for_lanes(std::int64_t numbers, F f) {
  for (std::int64_t j = 0; j < numbers; j += lanes<float>) f(j);
}

// x_i v_i of all rows, end to end, zeros behind; x repeated for the numbers of a row where values are not all 1.
inline void fm_terms(const Model& model, const Entries& e, const Scratch& s) {
  const Part& part = model.factors;
  const std::int64_t dim = part.dim, numbers = e.n * dim;
  if (short_dim<float>(dim)) {
    const std::int64_t stride = part.width * std::int64_t(sizeof(float));
    with_dim<float>(dim, [&](auto d) __attribute__((always_inline)) {
      constexpr std::int64_t each = lanes<float> / d;
      for (std::int64_t i = 0; i < e.n; i += each) {
        const int count = int(std::min(each, e.n - i));
        Places<float> places;
        places.find<d>(part.rows, stride, e.ids + i, count);
        places.get<d>(s.terms + i * d);
        std::fill_n(s.terms + (i + count) * d, (each - count) * d, 0.0f);
      }
    });
  } else {
    for (std::int64_t i = 0; i < e.n; ++i) std::copy_n(row_of(part, e.ids[i]), dim, s.terms + i * dim);
    std::fill_n(s.terms + numbers, lanes<float>, 0.0f);
  }
  if (!e.values) return;
  for (std::int64_t i = 0; i < e.n; ++i) std::fill_n(s.x + i * dim, dim, e.values[i]);
  std::fill_n(s.x + numbers, lanes<float>, 0.0f);
  for_lanes(numbers, [&](std::int64_t j) { store(s.terms + j, load(s.x + j) * load(s.terms + j)); });
}

// The sum S of the terms, repeated to fill a pack where dim is short; else dim numbers and zeros.
inline void fm_sum(std::int64_t n, std::int64_t dim, const float* terms, float* sum) {
  if (short_dim<float>(dim)) {
    Pack<float> all = fill(0.0f);
    for_lanes(n * dim, [&](std::int64_t j) { all += load(terms + j); });
    float part[lanes<float>];
    store(part, all);
    for (std::int64_t half = lanes<float> / 2; half >= dim; half /= 2)
      for (std::int64_t i = 0; i < half; ++i) part[i] += part[i + half];
    for (std::int64_t i = 0; i < lanes<float>; ++i) sum[i] = part[i % dim];
    return;
  }
  for (std::int64_t j = 0; j < dim; j += lanes<float>) {
    const int count = int(std::min<std::int64_t>(lanes<float>, dim - j));
    Pack<float> all = fill(0.0f);
    for (std::int64_t i = 0; i < n; ++i) all += load(terms + i * dim + j, count);
    store(sum + j, all);
  }
}

inline float fm_pairs(std::int64_t n, std::int64_t dim, const float* terms, const float* sum) {
  Pack<float> own = fill(0.0f), whole = fill(0.0f);
  for_lanes(n * dim, [&](std::int64_t j) {
    const Pack<float> t = load(terms + j);
    own += t * t;
  });
  if (short_dim<float>(dim)) {
    const Pack<float> s = load(sum, int(dim));
    whole = s * s;
  } else {
    for_lanes(dim, [&](std::int64_t j) {
      const Pack<float> s = load(sum + j);
      whole += s * s;
    });
  }
  return 0.5f * (sum_of(whole) - sum_of(own));
}

// g_i = slope x_i (S - x_i v_i)
inline void fm_gradient(const Entries& e, std::int64_t dim, float slope, const Scratch& s, const float* sum) {
  if (short_dim<float>(dim)) {
    const Pack<float> all = load(sum);
    for_lanes(e.n * dim, [&](std::int64_t j) {
      const Pack<float> rest = slope * (all - load(s.terms + j));
      store(s.factors_g + j, e.values ? load(s.x + j) * rest : rest);
    });
    return;
  }
  for (std::int64_t i = 0; i < e.n; ++i) {
    const float scale = slope * e.value(i);
    for_packs<float>(dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      store(s.factors_g + i * dim + j, scale * (load(sum + j, count) - load(s.terms + i * dim + j, count)), count);
    });
  }
}

// ---- ffm ---------------------------------------------------------------------------------------------------------

// n numbers as one value: a vector of the compiler, or a loop over those that no vector holds.
template <int n>
struct Factor {
  using Vector = typename Run<float, n>::Vector;

  [[gnu::always_inline]] static Vector get(const float* from) {
    Vector v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }
  [[gnu::always_inline]] static void add(float* to, float x, const Vector& v) {
    const Vector sum = get(to) + x * v;
    std::memcpy(to, &sum, sizeof sum);
  }
};

// Calls f with the numbers of a block: a whole factor where that is a vector, else one number of it after the other.
template <class F>
[[gnu::always_inline]] inline void for_blocks(std::int64_t dim, F f) {
  const auto all = [&](auto n) __attribute__((always_inline)) {
    for (std::int64_t at = 0; at < dim; at += n) f(n, at);
  };
  if (dim % 8 == 0) all(std::integral_constant<int, 8>{});
  else if (dim % 4 == 0) all(std::integral_constant<int, 4>{});
  else if (dim % 2 == 0) all(std::integral_constant<int, 2>{});
  else all(std::integral_constant<int, 1>{});
}

// Numbers at .. at + n - 1 of all pairs' factors: sum of x_a x_b <v_{a,f_b}, v_{b,f_a}>, in four chains.
template <int n>
[[gnu::always_inline]] inline float ffm_block(const Model& model, const Entries& e, std::int64_t at) {
  const Part& part = model.factors;
  constexpr int chains = 4;
  typename Factor<n>::Vector sum[chains] = {};
  for (std::int64_t a = 0; a + 1 < e.n; ++a) {
    const float* const row = row_of(part, e.ids[a]) + at;
    const std::int64_t own = e.fields[a] * model.dim + at;
    const float x = e.value(a);
    const auto pair = [&](std::int64_t b, int chain) __attribute__((always_inline)) {
      const auto v = Factor<n>::get(row + e.fields[b] * model.dim), u = Factor<n>::get(row_of(part, e.ids[b]) + own);
      sum[chain] += x * e.value(b) * (v * u);
    };
    std::int64_t b = a + 1;
    for (; b + chains <= e.n; b += chains)
      for (int k = 0; k < chains; ++k) pair(b + k, k);
    for (; b < e.n; ++b) pair(b, 0);
  }
  const auto all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  float part_sum[n], total = 0;
  std::memcpy(part_sum, &all, sizeof part_sum);
  for (int j = 0; j < n; ++j) total += part_sum[j];
  return total;
}

inline float ffm_pairs(const Model& model, const Entries& e) {
  float sum = 0;
  for_blocks(model.dim,
             [&](auto n, std::int64_t at) __attribute__((always_inline)) { sum += ffm_block<n>(model, e, at); });
  return sum;
}

// g_{a,f_b} += slope x_a x_b v_{b,f_a} and the like for b.
inline void ffm_gradient(const Model& model, const Entries& e, float slope, float* g) {
  const Part& part = model.factors;
  std::fill_n(g, e.n * part.dim, 0.0f);
  for_blocks(model.dim, [&](auto n, std::int64_t at) __attribute__((always_inline)) {
    for (std::int64_t a = 0; a + 1 < e.n; ++a) {
      const float* const row = row_of(part, e.ids[a]) + at;
      float* const row_g = g + a * part.dim + at;
      const std::int64_t own = e.fields[a] * model.dim + at;
      const float x = slope * e.value(a);
      for (std::int64_t b = a + 1; b < e.n; ++b) {
        const std::int64_t other = e.fields[b] * model.dim;
        const auto v = Factor<n>::get(row + other), u = Factor<n>::get(row_of(part, e.ids[b]) + own);
        Factor<n>::add(row_g + other, x * e.value(b), u);
        Factor<n>::add(g + b * part.dim + own, x * e.value(b), v);
      }
    }
  });
}

}  // namespace schuss
