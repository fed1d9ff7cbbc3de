// Passes of vectors.hpp that bounds, l1 terms and dense inverses need.
#pragma once
#include "vector_kernels.hpp"

namespace schuss {

template <class T>
void clamp(void* a, const void* lo, const void* hi, std::int64_t n) {
  for_packs<double>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    T* const at = static_cast<T*>(a) + i;
    write(at,
          smaller(larger(read(at, k), read(static_cast<const T*>(lo) + i, k)), read(static_cast<const T*>(hi) + i, k)),
          k);
  });
}

template <class T>
void projected(const void* x, const void* g, const void* lo, const void* hi, std::int64_t n, double* out) {
  Top top;
  for_packs<double>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Eight here = read(static_cast<const T*>(x) + i, k), slope = read(static_cast<const T*>(g) + i, k);
    // Room is measured before it is compared with g: x - (x - g) would lose the digits of a small g.
    const Eight below = here - read(static_cast<const T*>(lo) + i, k),
                above = here - read(static_cast<const T*>(hi) + i, k);
    top.add(smaller(larger(slope, above), below) + (slope - slope));
  });
  *out = std::max(*out, top.result());
}

template <class T>
void pseudo(const void* x, const void* g, double l1, void* v, std::int64_t n, double* out, double* highest) {
  const Eight zero = fill(0.0), weight = fill(l1);
  Eight square = zero;
  Top top;
  for_packs<double>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Eight here = read(static_cast<const T*>(x) + i, k), slope = read(static_cast<const T*>(g) + i, k);
    const Eight up = slope + weight, down = slope - weight;
    const Eight at_zero = where(less(up, zero), up, where(less(zero, down), down, zero));
    write(static_cast<T*>(v) + i, where(less(zero, here), up, where(less(here, zero), down, at_zero)), k);
    const Eight least = read(static_cast<const T*>(v) + i, k);
    square += least * least;
    top.add(least + (slope - slope));
  });
  *out += total(square);
  *highest = std::max(*highest, top.result());
}

template <class T>
void align(void* p, const void* v, const void* x, std::int64_t n, double* out) {
  const Eight zero = fill(0.0);
  Eight slope = zero, square = zero;
  for_packs<double>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Eight move = read(static_cast<const T*>(p) + i, k), least = read(static_cast<const T*>(v) + i, k);
    const Eight away = x ? magnitude(read(static_cast<const T*>(x) + i, k)) : zero;
    const Eight kept = where(less(zero, away), move, where(less(move * least, zero), move, zero));
    write(static_cast<T*>(p) + i, kept, k);
    slope += kept * least;
    square += kept * kept;
  });
  out[0] += total(slope);
  out[1] += total(square);
}

template <class T>
void orthant(void* trial, const void* x, double t, const void* p, const void* v, std::int64_t n, double* out) {
  const Eight zero = fill(0.0), factor = fill(t);
  Eight size = zero, slope = zero;
  for_packs<double>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    const Eight here = read(static_cast<const T*>(x) + i, k), least = read(static_cast<const T*>(v) + i, k);
    const Eight side = where(less(here, zero), fill(-1.0), where(less(zero, here), fill(1.0), -sign(least)));
    const Eight moved = here + factor * read(static_cast<const T*>(p) + i, k);
    write(static_cast<T*>(trial) + i, where(less(zero, moved * side), moved, zero), k);
    const Eight now = read(static_cast<const T*>(trial) + i, k);
    size += magnitude(now);
    slope += least * (now - here);
  });
  out[0] += total(size);
  out[1] += total(slope);
}

// One row: H_i += (a s_i + b u_i) s + b s_i u; then out[r][i] += H_i . right[r] and out[r] += right[r]_i H_i left of i.
template <class T, int rights>
void symmetric_row(T* row, std::int64_t i, double a, double b, const double* s, const double* u,
                   const double* const* right, double* const* outs) {
  const bool changes = b != 0;
  const Eight by_s = fill(changes ? a * s[i] + b * u[i] : 0.0), by_u = fill(changes ? b * s[i] : 0.0);
  Eight sum[2] = {fill(0.0), fill(0.0)}, own[2];
  for (int r = 0; r < rights; ++r) own[r] = fill(right[r][i]);
  for_packs<double>(i, [&](std::int64_t j, auto k) __attribute__((always_inline)) {
    Eight h = read(row + j, k);
    if (changes) {
      write(row + j, h + by_s * read(s + j, k) + by_u * read(u + j, k), k);
      h = read(row + j, k);
    }
    for (int r = 0; r < rights; ++r) {
      sum[r] += h * read(right[r] + j, k);
      write(outs[r] + j, read(outs[r] + j, k) + h * own[r], k);
    }
  });
  if (changes) row[i] = T(double(row[i]) + (a * s[i] + 2 * b * u[i]) * s[i]);
  for (int r = 0; r < rights; ++r) outs[r][i] += total(sum[r]) + double(row[i]) * right[r][i];
}

template <class T>
void symmetric(void* packed, std::int64_t first, std::int64_t last, double a, double b, const double* s,
               const double* u, const double* const* right, int rights, double* const* outs) {
  for (std::int64_t i = first; i < last; ++i) {
    T* const row = static_cast<T*>(packed) + i * (i + 1) / 2;
    if (rights == 1) symmetric_row<T, 1>(row, i, a, b, s, u, right, outs);
    else symmetric_row<T, 2>(row, i, a, b, s, u, right, outs);
  }
}

}  // namespace schuss
