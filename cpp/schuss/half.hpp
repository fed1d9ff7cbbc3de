// Weights of 16 bits in memory, float32 in packs: bfloat16 and IEEE half precision. Stores round to nearest, ties to
// even, or stochastically: up with the probability of the remainder, so that the expected weight is the exact one
// (Gupta et al. 2015). The random bits are a function of (seed, step, row, column) alone, whoever stores the row.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "random.hpp"
#include "vec.hpp"

namespace schuss {

struct BFloat16 {
  std::uint16_t bits;
};
struct Float16 {
  std::uint16_t bits;
};

// How a row is rounded. `key` holds seed and step; a row's own key comes of it.
struct Rounding {
  std::uint32_t low = 0, high = 0;
  bool nearest = true;

  Rounding() = default;
  Rounding(bool to_nearest, std::uint64_t key, std::int64_t row) : nearest(to_nearest) {
    const std::uint64_t own = mixed(key + std::uint64_t(row) * 0x9E3779B97F4A7C15ull);
    low = std::uint32_t(own);
    high = std::uint32_t(own >> 32);
  }

  static constexpr std::uint32_t spread = 0x9E3779B9u;

  // 32 bits for the column and each of those after it: `after` is spread times 0, 1, ... The multipliers are Wellons'
  // lowbias32.
  template <class Words>
  [[gnu::always_inline]] Words bits(std::uint32_t column, Words after) const {
    Words x = after + (column * spread + low);
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x ^= high;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
  }
};

// ---- one part of a pack ------------------------------------------------------------------------------------------
// Integer vectors of the compiler, as wide as a part, so that nothing goes through memory.

using FloatPart = Pack<float>::Part;
constexpr int part_width = sizeof(FloatPart) / sizeof(float);
typedef std::uint32_t Words __attribute__((vector_size(sizeof(FloatPart))));
typedef std::int32_t Whole __attribute__((vector_size(sizeof(FloatPart))));
typedef float Floats __attribute__((vector_size(sizeof(FloatPart))));
typedef std::uint16_t Shorts __attribute__((vector_size(sizeof(FloatPart) / 2)));

template <class To, class From>
[[gnu::always_inline]] inline To cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From), "the same bits");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

[[gnu::always_inline]] inline Words smaller(Words a, std::uint32_t b) { return a < b ? a : b - Words{}; }

[[gnu::always_inline]] inline Words widened(BFloat16, Words h) { return h << 16; }

// Out of line, as its opposite below: GCC 12 breaks down over them inside of a kernel.
[[gnu::noinline]] inline Words widened(Float16, Words h) {
  const Words sign = (h & 0x8000u) << 16, rest = h & 0x7FFFu;
  const Words normal = (rest << 13) + 0x38000000u, special = (rest << 13) | 0x7F800000u;
  const Words tiny = cast<Words>(__builtin_convertvector(cast<Whole>(rest), Floats) * 0x1p-24f);
  return sign | (rest >= 0x7C00u ? special : rest >= 0x0400u ? normal : tiny);
}

[[gnu::always_inline]] inline Words narrowed(BFloat16, Words u, bool nearest, Words random) {
  const Words up = nearest ? 0x7FFFu + (u >> 16 & 1u) : random >> 16;
  const Floats x = cast<Floats>(u);
  return (x != x ? u | 0x400000u : u + up) >> 16;  // infinity stays: no carry comes from its zeros
}

// Beyond 65504 to nearest gives infinity; stochastically the largest number.
[[gnu::noinline]] inline Words narrowed(Float16, Words u, bool nearest, Words random) {
  const Words sign = (u >> 16) & 0x8000u, a = u & 0x7FFFFFFFu;
  const Words up = nearest ? 0x0FFFu + (a >> 13 & 1u) : random >> 19;
  const Words normal = smaller((smaller(a, 0x47800000u) + up - 0x38000000u) >> 13, nearest ? 0x7C00u : 0x7BFFu);
  // 13 random bits: more would round a number that is exact up, now and then.
  const Floats scaled = cast<Floats>(smaller(a, 0x38800000u)) * 0x1p24f;  // in units of the smallest number
  Floats whole;
  if (nearest) whole = (scaled + 0x1p23f) - 0x1p23f;
  else whole = scaled + __builtin_convertvector(cast<Whole>(random >> 19), Floats) * 0x1p-13f;
  const Words tiny = cast<Words>(__builtin_convertvector(whole, Whole));
  const Words special = a > 0x7F800000u ? Words{} + 0x7E00u : Words{} + 0x7C00u;
  return sign | (a >= 0x7F800000u ? special : a >= 0x38800000u ? normal : tiny);
}

// ---- packs -------------------------------------------------------------------------------------------------------

// Loads weights: as they are, or widened from 16 bits.
template <class T, class Count, class = std::enable_if_t<sizeof(T) != 2>>
[[gnu::always_inline]] inline Pack<T> take(const T* from, Count count) {
  return load(from, count);
}
template <class W, int n, class = std::enable_if_t<sizeof(W) == 2>>
[[gnu::always_inline]] inline Pack<float> take(const W* from, std::integral_constant<int, n>) {
  Pack<float> a;
  for (int i = 0; i < Pack<float>::parts; ++i) {
    Shorts h;
    std::memcpy(&h, from + i * part_width, sizeof h);
    a.part[i] = cast<FloatPart>(widened(W{}, __builtin_convertvector(h, Words)));
  }
  return a;
}
template <class W, class = std::enable_if_t<sizeof(W) == 2>>
[[gnu::always_inline]] inline Pack<float> take(const W* from, int count) {
  W all[lanes<float>] = {};
  copy_some<lanes<float> / 2>(all, from, count);
  return take(static_cast<const W*>(all), std::integral_constant<int, lanes<float>>{});
}

template <class W>
[[gnu::always_inline]] inline void round_to(W* to, const Pack<float>& a, std::int64_t column,
                                            const Rounding& rounding) {
  constexpr std::uint32_t c = Rounding::spread;
  alignas(64) static constexpr std::uint32_t places[] = {0,     c,     2 * c,  3 * c,  4 * c,  5 * c,  6 * c,  7 * c,
                                                         8 * c, 9 * c, 10 * c, 11 * c, 12 * c, 13 * c, 14 * c, 15 * c};
  Words after;
  std::memcpy(&after, places, sizeof after);
  for (int i = 0; i < Pack<float>::parts; ++i) {
    const Words u = cast<Words>(a.part[i]);
    const auto first = std::uint32_t(column + i * part_width);
    const Words h = rounding.nearest ? narrowed(W{}, u, true, u) : narrowed(W{}, u, false, rounding.bits(first, after));
    const Shorts shorts = __builtin_convertvector(h, Shorts);
    std::memcpy(to + i * part_width, &shorts, sizeof shorts);
  }
}

// Stores weights, rounded to 16 bits. `column` is that of the first lane.
template <class W, int n, class = std::enable_if_t<sizeof(W) == 2>>
[[gnu::always_inline]] inline void put(W* to, const Pack<float>& a, std::integral_constant<int, n>, std::int64_t column,
                                       const Rounding& rounding) {
  round_to(to, a, column, rounding);
}
template <class W, class = std::enable_if_t<sizeof(W) == 2>>
[[gnu::always_inline]] inline void put(W* to, const Pack<float>& a, int count, std::int64_t column,
                                       const Rounding& rounding) {
  W all[lanes<float>];
  round_to(all, a, column, rounding);
  copy_some<lanes<float> / 2>(to, all, count);
}

}  // namespace schuss
