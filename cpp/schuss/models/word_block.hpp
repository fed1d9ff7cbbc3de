// A block of inputs against a block of outputs, as small matrix products in registers (Ji et al. 2016): scores,
// errors, gradients. Rows are whole packs. Sums are in the order of the packs, then of lanes: the bits do not depend on
// how a block is cut. `fma` is written out, so levels with it (v3, v4) agree with each other and not with v2.
#pragma once
#include <cmath>
#include <cstring>

#include "../exponential.hpp"
#include "../vec.hpp"
#include "margin.hpp"
#include "word2vec.hpp"

namespace schuss {

// a b + c, rounded once where the level can.
[[gnu::always_inline]] inline Pack<float> fma(const Pack<float>& a, const Pack<float>& b, const Pack<float>& c) {
  return each([](const auto& x, const auto& y, const auto& z) { return Eigen::internal::pmadd(x, y, z); }, a, b, c);
}

// All bits, or none.
inline float mask(bool on) {
  const std::uint32_t bits = on ? ~0u : 0u;
  float made;
  std::memcpy(&made, &bits, sizeof made);
  return made;
}

// The bits that both have.
[[gnu::always_inline]] inline Pack<float> both(const Pack<float>& a, const Pack<float>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::pand(x, y); }, a, b);
}

// ---- sums of lanes -------------------------------------------------------------------------------------------------

// Lanes i, i + 4, ... of a pack as lane i of four.
template <class Part>
[[gnu::always_inline]] inline auto folded(const Part& part) {
  if constexpr (Eigen::internal::unpacket_traits<Part>::size > 4)
    return folded(Eigen::internal::predux_half_dowto4(part));
  else return part;
}
[[gnu::always_inline]] inline auto quarter(const Pack<float>& a) {
  auto part = a;
  for (int half = Pack<float>::parts / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) part.part[i] = Eigen::internal::padd(part.part[i], part.part[i + half]);
  return folded(part.part[0]);
}

// to[k] = side[k] * (sum of the lanes of a[k]) + shift[k] for four packs, in the order of sum_of.
[[gnu::always_inline]] inline void store_sums(const Pack<float> (&a)[4], const float* side, const float* shift,
                                              float* to) {
  if constexpr (register_lanes<float> >= 4) {
    using namespace Eigen::internal;
    using Quad = decltype(quarter(a[0]));
    PacketBlock<Quad, 4> all{{quarter(a[0]), quarter(a[1]), quarter(a[2]), quarter(a[3])}};
    ptranspose(all);
    const Quad sum = padd(padd(all.packet[0], all.packet[2]), padd(all.packet[1], all.packet[3]));
    pstoreu(to, padd(pmul(sum, ploadu<Quad>(side)), ploadu<Quad>(shift)));
  } else {
    for (int k = 0; k < 4; ++k) to[k] = sum_of(a[k]) * side[k] + shift[k];
  }
}

// ---- products ------------------------------------------------------------------------------------------------------

// Calls f with min(n, most) as a constant.
template <int most, class F>
[[gnu::always_inline]] inline void with_count(std::int64_t n, F f) {
  if constexpr (most == 1) f(std::integral_constant<int, 1>{});
  else if (n >= most) f(std::integral_constant<int, most>{});
  else with_count<most - 1>(n, f);
}

constexpr int tile = Pack<float>::parts == 1 ? 4 : 2;  // inputs of a tile of scores
constexpr int deep = Pack<float>::parts == 1 ? 4 : 1;  // packs of a tile of gradients

// Calls f(at, packs) for tiles of a row.
template <class F>
[[gnu::always_inline]] inline void for_tiles(std::int64_t numbers, F f) {
  for (std::int64_t at = 0; at < numbers;)
    with_count<deep>((numbers - at) / lanes<float>, [&](auto packs) __attribute__((always_inline)) {
      f(at, packs);
      at += packs * lanes<float>;
    });
}

template <int rows, int columns>
[[gnu::noinline]] void score_tile(std::int64_t numbers, const float* const* in, const float* const* out,
                                  const float* side, const float* shift, float* to, std::int64_t stride) {
  Pack<float> sum[rows][4];
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < 4; ++c) sum[r][c] = fill(0.0f);
  for (std::int64_t j = 0; j < numbers; j += lanes<float>) {
    Pack<float> y[columns];
    for (int c = 0; c < columns; ++c) y[c] = load(out[c] + j);
    for (int r = 0; r < rows; ++r) {
      const Pack<float> x = load(in[r] + j);
      for (int c = 0; c < columns; ++c) sum[r][c] = fma(x, y[c], sum[r][c]);
    }
  }
  for (int r = 0; r < rows; ++r) store_sums(sum[r], side, shift, to + r * stride);
}

// scores[i stride + o] = side[o] <in[i], out[o]> + shift[o]
inline void score(std::int64_t numbers, const float* const* in, std::int64_t inputs, const float* const* out,
                  std::int64_t outputs, const float* side, const float* shift, float* scores, std::int64_t stride) {
  for (std::int64_t i = 0; i < inputs;)
    with_count<tile>(inputs - i, [&](auto rows) {
      for (std::int64_t o = 0; o < outputs; o += 4)
        with_count<4>(outputs - o, [&](auto columns) {
          score_tile<rows, columns>(numbers, in + i, out + o, side + o, shift + o, scores + i * stride + o, stride);
        });
      i += rows;
    });
}

template <int rows, int packs>
[[gnu::always_inline]] inline void sum_tile(const float* const* x, std::int64_t n, const float* e, std::int64_t e_row,
                                            std::int64_t e_next, float* g, std::int64_t numbers, std::int64_t at,
                                            bool onto) {
  constexpr int width = lanes<float>;
  Pack<float> sum[rows][packs];
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < packs; ++p) sum[r][p] = onto ? load(g + r * numbers + at + p * width) : fill(0.0f);
  for (std::int64_t k = 0; k < n; ++k) {
    Pack<float> y[packs];
    for (int p = 0; p < packs; ++p) y[p] = load(x[k] + at + p * width);
    for (int r = 0; r < rows; ++r) {
      const Pack<float> error = fill(e[r * e_row + k * e_next]);
      for (int p = 0; p < packs; ++p) sum[r][p] = fma(error, y[p], sum[r][p]);
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < packs; ++p) store(g + r * numbers + at + p * width, sum[r][p]);
}

template <int rows>
[[gnu::noinline]] void sum_rows(const float* const* x, std::int64_t n, const float* e, std::int64_t e_row,
                                std::int64_t e_next, float* g, std::int64_t numbers, bool onto) {
  for_tiles(numbers, [&](std::int64_t at, auto packs) __attribute__((always_inline)) {
    sum_tile<rows, packs>(x, n, e, e_row, e_next, g, numbers, at, onto);
  });
}

// g[r] = sum over k < n of e[r e_row + k e_next] x[k], for `count` rows r; added to g if `onto`.
inline void sum_up(const float* const* x, std::int64_t n, const float* e, std::int64_t e_row, std::int64_t e_next,
                   std::int64_t count, float* g, std::int64_t numbers, bool onto) {
  for (std::int64_t r = 0; r < count;)
    with_count<4>(count - r, [&](auto rows) {
      sum_rows<rows>(x, n, e + r * e_row, e_row, e_next, g + r * numbers, numbers, onto);
      r += rows;
    });
}

// ---- one input, w -= rate g --------------------------------------------------------------------------------------

template <int packs>
[[gnu::always_inline]] inline void descend_tile(float* const* v, std::int64_t n, const float* e, const float* h,
                                                float rate, float* g, std::int64_t at, bool onto) {
  constexpr int width = lanes<float>;
  Pack<float> sum[packs], x[packs];
  for (int p = 0; p < packs; ++p) {
    sum[p] = onto ? load(g + at + p * width) : fill(0.0f);
    x[p] = load(h + at + p * width);
  }
  for (std::int64_t k = 0; k < n; ++k) {
    const Pack<float> error = fill(e[k]);
    for (int p = 0; p < packs; ++p) {
      float* const w = v[k] + at + p * width;
      const Pack<float> old = load(w);
      sum[p] = fma(error, old, sum[p]);
      store(w, old - rate * (error * x[p]));
    }
  }
  for (int p = 0; p < packs; ++p) store(g + at + p * width, sum[p]);
}

// g = sum over k < n of e[k] v[k], added to g if `onto`; then v[k] -= rate (e[k] h). In one pass over v, with the
// roundings of two.
inline void descend(float* const* v, std::int64_t n, const float* e, const float* h, float rate, float* g,
                    std::int64_t numbers, bool onto) {
  for_tiles(numbers, [&](std::int64_t at, auto packs)
                         __attribute__((always_inline)) { descend_tile<packs>(v, n, e, h, rate, g, at, onto); });
}

// What becomes of a gradient, which begins at begin(): w -= rate g, it is added to a sum, it is kept, it goes on from
// what was kept.
struct FromZero {
  [[gnu::always_inline]] static Pack<float> begin(const float*) { return fill(0.0f); }
};
struct Stepped : FromZero {
  float rate;

  explicit Stepped(float by) : rate(by) {}
  [[gnu::always_inline]] void operator()(float* w, const Pack<float>& old, const Pack<float>& g) const {
    store(w, old - rate * g);
  }
};
struct Added : FromZero {
  [[gnu::always_inline]] void operator()(float* sum, const Pack<float>&, const Pack<float>& g) const {
    store(sum, load(sum) + g);
  }
};
struct Kept : FromZero {
  [[gnu::always_inline]] void operator()(float* to, const Pack<float>&, const Pack<float>& g) const { store(to, g); }
};
struct Continued : Kept {
  [[gnu::always_inline]] static Pack<float> begin(const float* before) { return load(before); }
};

// Takes a gradient to n rows; one that comes twice takes it twice.
template <class Take>
void take_alike(float* const* w, std::int64_t n, const float* g, std::int64_t numbers, Take take) {
  for (std::int64_t j = 0; j < numbers; j += lanes<float>) {
    const Pack<float> x = load(g + j);
    for (std::int64_t k = 0; k < n; ++k) take(w[k] + j, load(w[k] + j), x);
  }
}

// ---- some inputs and outputs at once -----------------------------------------------------------------------------

constexpr int most_at_once = 6;                         // outputs whose rows and sums are in registers
constexpr bool at_once_here = Pack<float>::parts == 1;  // there are enough of them

// Takes the gradients sum_o e[i][o] out[o] of inputs and sum_i e[i][o] in[i] of outputs to where they go.
template <int outputs, class TakeIn, class TakeOut>
[[gnu::noinline]] void products_of(const float* const* in, float* const* in_to, std::int64_t inputs, TakeIn take_in,
                                   const float* const* out, const float* e, std::int64_t stride, std::int64_t numbers,
                                   TakeOut take_out) {
  for (std::int64_t j = 0; j < numbers; j += lanes<float>) {
    Pack<float> y[outputs], sum[outputs];
    for (int o = 0; o < outputs; ++o) {
      y[o] = load(out[o] + j);
      sum[o] = fill(0.0f);
    }
    for (std::int64_t i = 0; i < inputs; ++i) {
      const float* const error = e + i * stride;
      const Pack<float> x = load(in[i] + j);
      Pack<float> g = take_in.begin(in_to[i] + j);
      for (int o = 0; o < outputs; ++o) {
        g = fma(fill(error[o]), y[o], g);
        sum[o] = fma(fill(error[o]), x, sum[o]);
      }
      take_in(in_to[i] + j, x, g);
    }
    for (int o = 0; o < outputs; ++o) take_out(o, j, y[o], sum[o]);
  }
}

// All gradients go the same way, with the roundings of products and steps one after the other. Where rows are stepped
// none comes twice.
template <class Take>
void products_at_once(const float* const* in, float* const* in_to, std::int64_t inputs, const float* const* out,
                      float* const* out_to, std::int64_t outputs, const float* e, std::int64_t numbers, Take take) {
  const auto take_out = [take, out_to](int o, std::int64_t j, const Pack<float>& old, const Pack<float>& g)
                            __attribute__((always_inline)) { take(out_to[o] + j, old, g); };
  with_count<most_at_once>(
      outputs, [&](auto n) { products_of<n>(in, in_to, inputs, take, out, e, stride_of(n), numbers, take_out); });
}

inline bool distinct(const std::int64_t* ids, std::int64_t n) {
  bool same = false;
  for (std::int64_t i = 1; i < n; ++i)
    for (std::int64_t k = 0; k < i; ++k) same |= ids[i] == ids[k];
  return !same;
}

// Where outputs of a round go: to[o] = (out[o] or 0, by the mask stays[o]) - rates[o] (sum of gradients).
struct Moves {
  float* const* to;
  const float *rates, *stays;

  [[gnu::always_inline]] void operator()(int o, std::int64_t j, const Pack<float>& old, const Pack<float>& g) const {
    store(to[o] + j, both(old, fill(stays[o])) - fill(rates[o]) * g);
  }
};

// Moves the outputs of one input, a few packs of it at a time; g is the gradient of the input.
template <int packs>
[[gnu::always_inline]] inline void move_tile(const float* x, float* g, const float* const* out, std::int64_t outputs,
                                             const Moves& moves, const float* e, std::int64_t at) {
  constexpr int width = lanes<float>;
  Pack<float> own[packs], sum[packs];
  for (int p = 0; p < packs; ++p) {
    own[p] = load(x + at + p * width);
    sum[p] = fill(0.0f);
  }
  for (std::int64_t o = 0; o < outputs; ++o) {
    const Pack<float> error = fill(e[o]), stays = fill(moves.stays[o]), rate = fill(moves.rates[o]);
    for (int p = 0; p < packs; ++p) {
      const Pack<float> y = load(out[o] + at + p * width);
      sum[p] = fma(error, y, sum[p]);
      store(moves.to[o] + at + p * width, both(y, stays) - rate * (error * own[p]));
    }
  }
  for (int p = 0; p < packs; ++p) store(g + at + p * width, sum[p]);
}
inline void move_outputs(const float* x, float* g, const float* const* out, std::int64_t outputs, const Moves& moves,
                         const float* e, std::int64_t numbers) {
  for_tiles(numbers, [&](std::int64_t at, auto packs)
                         __attribute__((always_inline)) { move_tile<packs>(x, g, out, outputs, moves, e, at); });
}

// Gradients of inputs go to in_to; outputs move, or it is said by how much.
inline void move_products(const float* const* in, float* const* in_to, std::int64_t inputs, const float* const* out,
                          std::int64_t outputs, const Moves& moves, const float* e, std::int64_t numbers) {
  constexpr int at_once = at_once_here ? most_at_once : 2;
  const std::int64_t stride = stride_of(outputs);
  for (std::int64_t o = 0; o < outputs;)
    with_count<at_once>(outputs - o, [&](auto n) {
      const Moves own{moves.to + o, moves.rates + o, moves.stays + o};
      if (o == 0) products_of<n>(in, in_to, inputs, Kept{}, out, e, stride, numbers, own);
      else products_of<n>(in, in_to, inputs, Continued{}, out + o, e + o, stride, numbers, own);
      o += n;
    });
}

// The same, and inputs are stepped at once: w -= rate g. Outputs are at most most_at_once, no input comes twice.
inline void move_at_once(float* const* in, std::int64_t inputs, float rate, const float* const* out,
                         std::int64_t outputs, const Moves& moves, const float* e, std::int64_t numbers) {
  with_count<most_at_once>(
      outputs, [&](auto n) { products_of<n>(in, in, inputs, Stepped{rate}, out, e, stride_of(n), numbers, moves); });
}

// ---- errors --------------------------------------------------------------------------------------------------------

// The sum of log(1 + e^z), in double. One logarithm of a product serves 512 packs.
class Surprise {
 public:
  explicit Surprise(WordLoss& to) : to_(to), line_(load(to.line)), packs_(to.packs) {
    for (int k = 0; k < Wide<float>::packs; ++k) product_.pack[k] = load(to.product + k * lanes<double>);
  }
  ~Surprise() {
    to_.packs = packs_;
    store(to_.line, line_);
    for (int k = 0; k < Wide<float>::packs; ++k) store(to_.product + k * lanes<double>, product_.pack[k]);
  }
  Surprise(const Surprise&) = delete;
  Surprise& operator=(const Surprise&) = delete;

  // Adds the losses of a pack of z; gives d loss / d z = 1 / (1 + e^-z). With e = e^-|z| nothing overflows.
  [[gnu::always_inline]] Pack<float> operator()(const Pack<float>& z) {
    const Pack<float> zero = fill(0.0f), one = fill(1.0f);
    const Pack<float> e = map([](float x) { return exp_lane(x); }, larger(-magnitude(z), fill(-87.0f)));
    const Pack<float> factor = one + e;
    line_ += larger(z, zero);
    const Wide<float> wide(factor);
    for (int k = 0; k < Wide<float>::packs; ++k) product_.pack[k] = product_.pack[k] * wide.pack[k];
    if (++packs_ == 512) settle();
    return where(less(z, zero), e, one) / factor;
  }

 private:
  [[gnu::noinline]] void settle() {
    float line[lanes<float>];
    store(line, line_);
    for (const float x : line) to_.sum += double(x);
    for (const auto& pack : product_.pack) {
      double factor[lanes<double>];
      store(factor, pack);
      for (const double x : factor) to_.sum += std::log(x);
    }
    line_ = fill(0.0f);
    product_ = Wide<float>(fill(1.0f));
    packs_ = 0;
  }

  static_assert(lanes<float> == WordLoss::lanes);

  WordLoss& to_;
  Pack<float> line_;
  Wide<float> product_{fill(1.0f)};
  int packs_;
};

// Scores become side * d loss / d score. `outputs` of a row's `stride` scores count; those behind are far below 0.
inline void errors(float* scores, std::int64_t inputs, std::int64_t outputs, std::int64_t stride, const float* side,
                   Surprise& surprise) {
  const std::int64_t all = inputs * stride;
  for (std::int64_t i = all; i % lanes<float> != 0; ++i) scores[i] = -87.0f;
  for (std::int64_t i = 0; i < all; i += lanes<float>) store(scores + i, surprise(load(scores + i)));
  for (std::int64_t o = 0; o < outputs; ++o)
    for (std::int64_t i = 0; i < inputs && side[o] < 0; ++i) scores[i * stride + o] = -scores[i * stride + o];
}

}  // namespace schuss
