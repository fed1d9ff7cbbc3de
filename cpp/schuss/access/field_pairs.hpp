// Rows whose pieces are each other's gradients, those of an ffm: stepped where they lie, a square of pieces and its
// mirror image at a time, so that every number comes once and its gradient is never written.
#pragma once
#include "span.hpp"
#include "square.hpp"

namespace schuss {

// 1, but 0 for a row's own piece in a square at the diagonal.
template <int piece>
struct Others {
  alignas(64) float row[square_side<piece>][lanes<float>];

  constexpr Others() : row{} {
    for (int k = 0; k < square_side<piece>; ++k)
      for (int i = 0; i < lanes<float>; ++i) row[k][i] = i / piece == k ? 0.0f : 1.0f;
  }
};
template <int piece>
inline constexpr Others<piece> others{};

enum class Meeting { ones, values, diagonal };  // what rows are multiplied with where they meet

// x_a x_b v of the pieces that meet row a + k, in the fixed order of this product.
template <int piece, Meeting meeting>
[[gnu::always_inline]] inline Pack<float> met(const FieldPairs& p, std::int64_t a, std::int64_t b, int k,
                                              const Pack<float>& v) {
  if constexpr (meeting == Meeting::ones) return v;
  const Pack<float> x = p.x[(a + k) * piece] * load(p.x + b * piece);
  if constexpr (meeting == Meeting::diagonal) return load(others<piece>.row[k]) * x * v;
  return x * v;
}

// Calls f with the length of a piece as a constant: lengths that squares are made of.
template <class F>
[[gnu::always_inline]] inline bool with_piece(std::int64_t dim, F f) {
  if (dim == 4) f(std::integral_constant<int, 4>{});
  else if (dim == 8) f(std::integral_constant<int, 8>{});
  else return false;
  return true;
}

// ---- their step --------------------------------------------------------------------------------------------------

enum class Seen { given, decayed, any };  // what happens to a gradient before the rule sees it: nothing, decay alone

template <class R, class T>
[[gnu::always_inline]] inline Seen seen_as(const Plan<R, T>& plan) {
  const Prepared<T>& b = plan.before;
  if (!plan.after.none) return Seen::any;
  if (b.none) return Seen::given;
  return b.unit == 1 && b.scale == 1 && b.keep == 1 && b.limit == infinity<T> ? Seen::decayed : Seen::any;
}

// The scalars of a row.
template <class R>
[[gnu::always_inline]] inline const typename R::Step& step_of(const FieldPairs& p, std::int64_t row,
                                                              const Plan<R, float>& plan) {
  if constexpr (R::group == Group::row) return static_cast<const typename R::Step*>(p.steps)[row];
  else return plan.step;
}

// One pack at w, whose slots follow at distances of the row's pitch.
template <class R, Seen seen>
[[gnu::always_inline]] inline void step_piece(float* w, Pack<float> wi, Pack<float> g, std::int64_t pitch,
                                              const Plan<R, float>& plan, const typename R::Step& step) {
  constexpr std::size_t n = R::slots.size();
  std::array<Pack<float>, n> s;
  for (std::size_t j = 0; j < n; ++j) s[j] = load(w + std::int64_t(1 + j) * pitch);
  if constexpr (seen == Seen::decayed) g += plan.before.decay * wi;
  if constexpr (seen == Seen::any) plan.before(wi, g);
  R::apply(wi, s, g, step);
  if constexpr (seen == Seen::any)
    if (!plan.after.none) plan.after(wi);
  store(w, wi);
  for (std::size_t j = 0; j < n; ++j) store(w + std::int64_t(1 + j) * pitch, s[j]);
}

template <class R, Seen seen, int piece, Meeting meeting>
[[gnu::always_inline]] inline void step_square(const FieldPairs& p, std::int64_t a, std::int64_t b,
                                               const Plan<R, float>& plan) {
  constexpr int side = square_side<piece>;
  const Square<piece> here(p.rows + a, b * piece);
  const auto step = [&](std::int64_t from, std::int64_t at, const Square<piece>& own, const Square<piece>& other)
                        __attribute__((always_inline)) {
#pragma GCC unroll 16
                          for (int k = 0; k < side; ++k)
                            step_piece<R, seen>(p.rows[from + k] + at * piece, own.row[k],
                                                p.slope * met<piece, meeting>(p, from, at, k, other.row[k]), p.pitch,
                                                plan, step_of(p, from + k, plan));
                        };
  if constexpr (meeting == Meeting::diagonal) {
    step(a, a, here, here.mirrored());
  } else {
    const Square<piece> there(p.rows + b, a * piece);
    step(a, b, here, there.mirrored());
    step(b, a, there, here.mirrored());
  }
}

// Copies of what is given stay in registers: the compiler must take every store for one that changes the original.
template <class R, Seen seen, int piece>
void step_squares(const FieldPairs& given, const Plan<R, float>& given_plan) {
  constexpr int side = square_side<piece>;
  const FieldPairs p = given;
  const Plan<R, float> plan = given_plan;
  step_square<R, seen, piece, Meeting::diagonal>(p, p.first, p.first, plan);
  std::int64_t b = p.first + side;
  for (; b + side <= p.ones; b += side) step_square<R, seen, piece, Meeting::ones>(p, p.first, b, plan);
  for (; b < p.places; b += side) step_square<R, seen, piece, Meeting::values>(p, p.first, b, plan);
}

// The squares of rows `first` ... and of all behind them.
template <class R>
void pairs(const FieldPairs& p, const void* step) {
  const auto plan = *static_cast<const Plan<R, float>*>(step);
  with_piece(p.dim, [&](auto piece) {
    switch (seen_as(plan)) {
      case Seen::given: return step_squares<R, Seen::given, piece>(p, plan);
      case Seen::decayed: return step_squares<R, Seen::decayed, piece>(p, plan);
      case Seen::any: return step_squares<R, Seen::any, piece>(p, plan);
    }
  });
}

// The scalars of all rows, of a rule that looks at the squares of a row's gradient alone: with g = c t + d w they are
// c^2 t^2 + 2 c d t w + d^2 w^2.
template <class R>
void settle_pairs(const FieldPairs& p, const void* step) {
  static_assert(sizeof(typename R::Step) <= pair_step_bytes, "a row's scalars fit into pair_step_bytes");
  const auto& plan = *static_cast<const Plan<R, float>*>(step);
  const double c = double(p.slope) * double(plan.before.unit) * double(plan.before.scale), d = plan.before.decay;
  auto* const steps = static_cast<typename R::Step*>(p.steps);
  with_piece(p.dim, [&](auto piece) {
    constexpr int side = square_side<piece>;
    for (std::int64_t i = 0; i < p.places; ++i) {
      const PairSums& all = p.sums[i / side];
      const int at = int(i % side) * piece;
      float t = 0, tw = 0, w = 0;
      for (int k = at; k < at + piece; ++k) t += all.t[k], tw += all.tw[k], w += all.w[k];
      const double squares = std::max(c * (c * double(t) + 2 * d * double(tw)) + d * d * double(w), 0.0);
      steps[i] = plan.step;
      R::settle(0, &squares, p.numbers, p.rows[i] + std::int64_t(1 + R::slots.size()) * p.pitch, steps[i]);
    }
  });
}

}  // namespace schuss
