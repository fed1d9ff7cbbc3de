// Margins of one example, and what their gradients need:
//   linear  b + sum_i w_i x_i
//   fm      + sum_{i<j} <v_i, v_j> x_i x_j = (|S|^2 - sum_i |x_i v_i|^2) / 2 with S = sum_i x_i v_i  (Rendle 2010)
//   ffm     + sum_{i<j} <v_{i,f_j}, v_{j,f_i}> x_i x_j                                               (Juan et al. 2016)
// Sums are made in a fixed order of lanes: the bits do not depend on the level.
#pragma once
#include "part.hpp"

namespace schuss {

// One example: n entries.
struct Example {
  std::int64_t n;
  const std::uint32_t* ids;
  const float* values;          // or null
  const std::uint16_t* fields;  // or null

  float value(std::int64_t i) const { return values ? values[i] : 1.0f; }
};

inline Example example(const Examples& all, std::int64_t i) {
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

inline float linear_margin(const Model& model, const Example& e) {
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
inline void fm_terms(const Model& model, const Example& e, const Scratch& s) {
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
inline void fm_gradient(const Example& e, std::int64_t dim, float slope, const Scratch& s, const float* sum) {
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
  [[gnu::always_inline]] static void put(float* to, const Vector& v) { std::memcpy(to, &v, sizeof v); }
  [[gnu::always_inline]] static void add(float* to, float x, const Vector& v) { put(to, get(to) + x * v); }
};

// Calls f with the numbers of a block: a whole factor where that is a vector, else one number of it after the other.
template <class F>
[[gnu::always_inline]] inline void for_blocks(std::int64_t dim, F f) {
  const auto all = [&](auto n) __attribute__((always_inline)) {
    for (std::int64_t at = 0; at < dim; at += n) f(n, at);
  };
  constexpr int longest = std::min(8, register_lanes<float>);
  if (dim % longest == 0) all(std::integral_constant<int, longest>{});
  else if (dim % 4 == 0) all(std::integral_constant<int, 4>{});
  else if (dim % 2 == 0) all(std::integral_constant<int, 2>{});
  else all(std::integral_constant<int, 1>{});
}

// Of each entry a row of partners: t_{a,f} = sum of x_a x_b v_{b,f_a} over the others with field f. Then the pairs sum
// to half of sum_a <v_a, t_a>, and slope t_a is the gradient of row a: both are passes over whole rows.
inline void ffm_partners(const Model& model, const Example& e, float* t) {
  constexpr int most = 64;  // partners at a time
  const std::int64_t dim = model.dim, numbers = model.factors.dim, n = e.n;
  bool ascending = true;  // then no field comes twice, and a place is written instead of added to
  for (std::int64_t i = 1; i < n; ++i) ascending = ascending && e.fields[i - 1] < e.fields[i];
  const bool all = ascending && n == model.fields;
  if (!all) std::fill_n(t, n * numbers, 0.0f);
  for (std::int64_t first = 0; first < n; first += most) {
    const int count = int(std::min<std::int64_t>(most, n - first));
    const float* row[most];
    std::int64_t place[most];
    float x[most];
    for (int k = 0; k < count; ++k) {
      row[k] = row_of(model.factors, e.ids[first + k]);
      place[k] = e.fields[first + k] * dim;
      x[k] = e.value(first + k);
    }
    for_blocks(dim, [&](auto size, std::int64_t at) __attribute__((always_inline)) {
      for (std::int64_t a = 0; a < n; ++a) {
        float* const to = t + a * numbers + at;
        const std::int64_t own = e.fields[a] * dim + at;
        const float x_a = e.value(a);
        const auto some = [&](int from, int end) __attribute__((always_inline)) {
          if (ascending)
            for (int k = from; k < end; ++k)
              Factor<size>::put(to + place[k], x_a * x[k] * Factor<size>::get(row[k] + own));
          else
            for (int k = from; k < end; ++k)
              Factor<size>::add(to + place[k], x_a * x[k], Factor<size>::get(row[k] + own));
        };
        const int self = int(std::clamp<std::int64_t>(a - first, 0, count));
        if (all && self < count) Factor<size>::put(to + own - at, typename Factor<size>::Vector{});
        some(0, self);
        some(a - first == self ? self + 1 : self, count);
      }
    });
  }
}

inline float ffm_pairs(const Model& model, const Example& e, const float* t) {
  const std::int64_t numbers = model.factors.dim;
  Pack<float> sum[4] = {fill(0.0f), fill(0.0f), fill(0.0f), fill(0.0f)};
  for (std::int64_t a = 0; a < e.n; ++a) {
    const float *const v = row_of(model.factors, e.ids[a]), *const u = t + a * numbers;
    std::int64_t j = 0;
    for (; j + 4 * lanes<float> <= numbers; j += 4 * lanes<float>)
      for (int k = 0; k < 4; ++k) sum[k] += load(v + j + k * lanes<float>) * load(u + j + k * lanes<float>);
    for_packs<float>(numbers - j, [&](std::int64_t i, auto count) __attribute__((always_inline)) {
      sum[0] += load(v + j + i, count) * load(u + j + i, count);
    });
  }
  return 0.5f * sum_of((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

// The partners become the gradient.
inline void ffm_gradient(const Model& model, const Example& e, float slope, float* t) {
  for_lanes(e.n * model.factors.dim, [&](std::int64_t j) { store(t + j, slope * load(t + j)); });
}

}  // namespace schuss
