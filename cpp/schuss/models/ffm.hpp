// The factors of an ffm: <v_{a,f_b}, v_{b,f_a}> for each pair of entries.
#pragma once
#include "../access/field_pairs.hpp"
#include "example.hpp"

namespace schuss {

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

// ---- squares -------------------------------------------------------------------------------------------------------

// Whether an example's pairs are taken in squares: most fields once, in order, and rows of whole packs.
inline bool has_squares(const Model& model, const Example& e) {
  const std::int64_t side = model.dim > 0 ? lanes<float> / model.dim : 0;
  if (!with_piece(model.dim, [](auto) {}) || model.factors.pitch % lanes<float> != 0) return false;
  if (e.n < side || 4 * e.n < 3 * model.fields) return false;
  for (std::int64_t i = 1; i < e.n; ++i)
    if (e.fields[i - 1] >= e.fields[i]) return false;
  return true;
}

// The rows of an example that has squares.
inline FieldPairs pairs_of(const Model& model, const Example& e, const FieldRows& memory) {
  const std::int64_t dim = model.dim, side = lanes<float> / dim, places = (model.fields + side - 1) / side * side;
  std::int64_t place = 0;
  const auto put = [&](float* row, float x) {
    memory.rows[place] = row;
    std::fill_n(memory.x + place++ * dim, dim, x);
  };
  for (std::int64_t i = 0; i < e.n; ++i) {
    while (place < e.fields[i]) put(memory.nobody, 0.0f);
    put(row_of(model.factors, e.ids[i]), e.value(i));
  }
  const std::int64_t ones = e.n == place && !e.values ? place : 0;
  while (place < places) put(memory.nobody, 0.0f);
  return {memory.rows,       memory.x, places, ones,        dim,         model.factors.pitch,
          model.factors.dim, 0,        0.0f,   memory.sums, memory.steps};
}

// The sum over all pairs: each square times the mirror image of its other half, one pack of sums for each row; and, if
// asked for, the sums that a rule needs which shares numbers in a row. Those of rows come as a row's pack, the others
// lie beside each other already.
template <int piece, bool summing>
float squares_margin(const FieldPairs& p, float* memory) {
  constexpr int side = square_side<piece>;
  constexpr std::int64_t width = lanes<float>;
  const auto zero = fill(0.0f);
  if constexpr (summing) {
    std::fill_n(p.sums[0].t, p.places / side * std::int64_t(sizeof(PairSums) / sizeof(float)), 0.0f);
    std::fill_n(memory, p.places * width, 0.0f);
  }
  Pack<float> margin = zero;
  for (std::int64_t a = 0; a < p.places; a += side) {
    PairSums& own = p.sums[a / side];
    Pack<float> half[side], whole[side], squares[side], met_by = zero;
    for (int k = 0; k < side; ++k) {
      half[k] = whole[k] = zero;
      if constexpr (summing) squares[k] = load(memory + (a + k) * width);
    }
    const auto multiply = [&](auto meeting, std::int64_t b, Pack<float>* to) __attribute__((always_inline)) {
      const Square<piece> here(p.rows + a, b * piece), there(p.rows + b, a * piece), back = there.mirrored();
      Pack<float> products = zero, theirs = zero;
#pragma GCC unroll 16
      for (int k = 0; k < side; ++k) {
        const Pack<float> product = here.row[k] * met<piece, meeting>(p, a, b, k, back.row[k]);
        to[k] += product;
        if constexpr (!summing) continue;
        products += product;
        const Pack<float> ours = met<piece, meeting>(p, a, b, k, here.row[k]),
                          other = met<piece, meeting>(p, b, a, k, there.row[k]);
        theirs += ours * ours;
        met_by += other * other;
        squares[k] += here.row[k] * here.row[k];
        if constexpr (meeting != Meeting::diagonal) {
          float* const at = memory + (b + k) * width;
          store(at, load(at) + there.row[k] * there.row[k]);
        }
      }
      if constexpr (summing && meeting != Meeting::diagonal) {
        PairSums& sums = p.sums[b / side];
        store(sums.t, load(sums.t) + theirs);
        store(sums.tw, load(sums.tw) + products);
      }
    };
    multiply(std::integral_constant<Meeting, Meeting::diagonal>{}, a, half);
    std::int64_t b = a + side;
    for (; b + side <= p.ones; b += side) multiply(std::integral_constant<Meeting, Meeting::ones>{}, b, whole);
    for (; b < p.places; b += side) multiply(std::integral_constant<Meeting, Meeting::values>{}, b, whole);
    for (int k = 0; k < side; ++k) margin += whole[k] + 0.5f * half[k];
    if constexpr (summing) {
      for (int k = 0; k < side; ++k) whole[k] += half[k];
      store(own.t, load(own.t) + met_by);
      store(own.tw, load(own.tw) + Square<piece>(whole).mirrored().sum());
      store(own.w, Square<piece>(squares).mirrored().sum());
    }
  }
  return sum_of(margin);
}

inline float pairs_margin(const FieldPairs& p, bool summing, float* memory) {
  float margin = 0;
  with_piece(p.dim, [&](auto piece) {
    margin = summing ? squares_margin<piece, true>(p, memory) : squares_margin<piece, false>(p, memory);
  });
  return margin;
}

// ---- partners ------------------------------------------------------------------------------------------------------

// Calls f(first, last) for the longest runs of entries whose fields are neighbours.
template <class F>
[[gnu::always_inline]] inline void for_runs(const Example& e, F f) {
  for (std::int64_t first = 0, last; first < e.n; first = last) {
    for (last = first + 1; last < e.n && e.fields[last] == e.fields[last - 1] + 1;) ++last;
    f(first, last);
  }
}

// Calls f(i) for squares of `side` entries that cover a run, the last of them overlapping the one before.
template <int side, class F>
[[gnu::always_inline]] inline void for_squares(std::int64_t first, std::int64_t last, F f) {
  for (std::int64_t i = first; i < last; i += side) f(std::min(i, last - side));
}

// A sum of products, in four packs.
class Products {
 public:
  void add(const float* v, const float* u, std::int64_t n) {
    std::int64_t j = 0;
    for (; j + 4 * lanes<float> <= n; j += 4 * lanes<float>)
      for (int k = 0; k < 4; ++k) sum_[k] += load(v + j + k * lanes<float>) * load(u + j + k * lanes<float>);
    for_packs<float>(n - j, [&](std::int64_t i, auto count) __attribute__((always_inline)) {
      sum_[0] += load(v + j + i, count) * load(u + j + i, count);
    });
  }
  float sum() const { return sum_of((sum_[0] + sum_[1]) + (sum_[2] + sum_[3])); }

 private:
  Pack<float> sum_[4] = {fill(0.0f), fill(0.0f), fill(0.0f), fill(0.0f)};
};

class Partners {
 public:
  Partners(const Model& model, const Example& e, float* t)
      : part_(model.factors), e_(e), dim_(model.dim), numbers_(model.factors.dim), t_(t) {}

  // Of entries a and b of two runs, the factor of b for a's field goes to a's row, at b's field.
  void exchange(std::int64_t a_first, std::int64_t a_last, std::int64_t b_first, std::int64_t b_last) const {
    bool done = false;
    if (short_dim<float>(dim_))
      with_dim<float>(dim_, [&](auto piece) __attribute__((always_inline)) {
        constexpr int n = register_lanes<float>, side = n / piece;
        if constexpr (side > 1)
          if ((done = a_last - a_first >= side && b_last - b_first >= side))
            for_squares<side>(a_first, a_last, [&](std::int64_t a) {
              for_squares<side>(b_first, b_last, [&](std::int64_t b) { square<n, piece>(a, b); });
            });
      });
    if (!done)
      for (std::int64_t a = a_first; a < a_last; ++a)
        for (std::int64_t b = b_first; b < b_last; ++b) put(a, b);
  }

  void put(std::int64_t a, std::int64_t b) const {
    const float x = e_.value(a) * e_.value(b);
    for_blocks(dim_, [&](auto size, std::int64_t at) __attribute__((always_inline)) {
      Factor<size>::put(place(a, b) + at, x * Factor<size>::get(factor(b, a) + at));
    });
  }

  void add(std::int64_t a, std::int64_t b) const {
    const float x = e_.value(a) * e_.value(b);
    for_blocks(dim_, [&](auto size, std::int64_t at) __attribute__((always_inline)) {
      Factor<size>::add(place(a, b) + at, x, Factor<size>::get(factor(b, a) + at));
    });
  }

  void clear(std::int64_t a) const { std::fill_n(place(a, a), dim_, 0.0f); }

 private:
  // Of entry a the factor for the field of b.
  const float* factor(std::int64_t a, std::int64_t b) const { return row_of(part_, e_.ids[a]) + e_.fields[b] * dim_; }
  float* place(std::int64_t a, std::int64_t b) const { return t_ + a * numbers_ + e_.fields[b] * dim_; }

  template <int n, int piece>
  [[gnu::always_inline]] void square(std::int64_t a, std::int64_t b) const {
    constexpr int side = n / piece;
    Register<n> row[side], x;
    for (int k = 0; k < side; ++k) std::memcpy(&row[k], factor(b + k, a), sizeof row[k]);
    mirror<n, piece>(row);
    if (e_.values)
      for (int i = 0; i < n; ++i) x[i] = e_.values[b + i / piece];
    for (int k = 0; k < side; ++k) {
      if (e_.values) row[k] *= e_.values[a + k] * x;
      std::memcpy(place(a + k, b), &row[k], sizeof row[k]);
    }
  }

  const Part& part_;
  const Example& e_;
  std::int64_t dim_, numbers_;
  float* t_;
};

// Of each entry a row of partners: t_{a,f} = sum of x_a x_b v_{b,f_a} over the others with field f. Then the pairs sum
// to half of sum_a <v_a, t_a>, and slope t_a is the gradient of row a. Rows are made and multiplied a few at a time,
// while they are near.
inline float ffm_pairs(const Model& model, const Example& e, float* t) {
  constexpr std::int64_t block = 16;
  const Partners partners(model, e, t);
  bool ascending = true;  // then no field comes twice, and a place is written instead of added to
  for (std::int64_t i = 1; i < e.n; ++i) ascending = ascending && e.fields[i - 1] < e.fields[i];
  if (!ascending || e.n < model.fields) std::fill_n(t, e.n * model.factors.dim, 0.0f);
  Products sum;
  const auto multiply = [&](std::int64_t first, std::int64_t last) {
    const std::int64_t numbers = model.factors.dim;
    for (std::int64_t a = first; a < last; ++a) sum.add(row_of(model.factors, e.ids[a]), t + a * numbers, numbers);
  };
  if (!ascending) {
    for (std::int64_t a = 0; a < e.n; ++a)
      for (std::int64_t b = 0; b < e.n; ++b)
        if (a != b) partners.add(a, b);
    multiply(0, e.n);
  } else {
    for_runs(e, [&](std::int64_t run, std::int64_t end) {
      for (std::int64_t a = run, last; a < end; a = last) {
        last = end - a < 2 * block ? end : a + block;
        for_runs(e, [&](std::int64_t b, std::int64_t b_end) { partners.exchange(a, last, b, b_end); });
        for (std::int64_t k = a; k < last; ++k) partners.clear(k);
        multiply(a, last);
      }
    });
  }
  return 0.5f * sum.sum();
}

// The partners of some rows become their gradient.
inline void ffm_gradient(std::int64_t numbers, float slope, float* t) {
  for_lanes(numbers, [&](std::int64_t j) { store(t + j, slope * load(t + j)); });
}

}  // namespace schuss
