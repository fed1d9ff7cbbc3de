// The passes of vectors.hpp, on eight doubles at a time whatever the storage: the same bits on every level.
#pragma once
#include <cmath>

#include "vec.hpp"

namespace schuss {

using Eight = Pack<double>;

// ---- storage to doubles and back ---------------------------------------------------------------------------------

constexpr int part_width = lanes<double> / Eight::parts;
typedef float Floats __attribute__((vector_size(part_width * 4)));
typedef double Doubles __attribute__((vector_size(part_width * 8)));

[[gnu::always_inline]] inline Eight::Part read_floats(const float* from) {
  Floats narrow;
  std::memcpy(&narrow, from, sizeof narrow);
  const Doubles wide = __builtin_convertvector(narrow, Doubles);
  Eight::Part part;
  std::memcpy(&part, &wide, sizeof part);
  return part;
}
[[gnu::always_inline]] inline void write_floats(float* to, const Eight::Part& part) {
  Doubles wide;
  std::memcpy(&wide, &part, sizeof wide);
  const Floats narrow = __builtin_convertvector(wide, Floats);
  std::memcpy(to, &narrow, sizeof narrow);
}

using Whole = std::integral_constant<int, lanes<double>>;

template <std::size_t... i>
[[gnu::always_inline]] inline Eight read_floats(const float* from, std::index_sequence<i...>) {
  return {{read_floats(from + int(i) * part_width)...}};
}
template <std::size_t... i>
[[gnu::always_inline]] inline void write_floats(float* to, const Eight& a, std::index_sequence<i...>) {
  (write_floats(to + int(i) * part_width, a.part[i]), ...);
}

[[gnu::always_inline]] inline Eight read(const double* from, Whole) { return load(from); }
[[gnu::always_inline]] inline void write(double* to, const Eight& a, Whole) { store(to, a); }
[[gnu::always_inline]] inline Eight read(const float* from, Whole) {
  return read_floats(from, std::make_index_sequence<Eight::parts>{});
}
[[gnu::always_inline]] inline void write(float* to, const Eight& a, Whole) {
  write_floats(to, a, std::make_index_sequence<Eight::parts>{});
}

// The first `count` < 8 numbers; the other lanes are zero.
template <class T>
inline Eight read(const T* from, int count) {
  alignas(64) double x[lanes<double>] = {};
  for (int i = 0; i < count; ++i) x[i] = double(from[i]);
  return load(x);
}
template <class T>
inline void write(T* to, const Eight& a, int count) {
  alignas(64) double x[lanes<double>];
  store(x, a);
  for (int i = 0; i < count; ++i) to[i] = T(x[i]);
}

inline double total(const Eight& a) {
  double x[lanes<double>];
  store(x, a);
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

// The largest of magnitudes; infinite where one of them is not finite.
struct Top {
  Eight high = fill(0.0), bad = fill(0.0);

  [[gnu::always_inline]] void add(const Eight& a) {
    high = larger(high, magnitude(a));
    bad += a - a;
  }
  double result() const {
    double x[lanes<double>], most = 0;
    store(x, high);
    for (double each : x) most = std::max(most, each);
    return total(bad) == 0 ? most : infinity<double>;
  }
};

// Vectors are taken in blocks that stay in the first cache while the others stream by.
constexpr std::int64_t block = 1024;

template <class F>
[[gnu::always_inline]] inline void for_blocks(std::int64_t n, F some) {
  for (std::int64_t from = 0; from < n; from += block) some(from, std::min(block, n - from));
}

template <class T>
const T* const* typed(const void* const* v) {
  return reinterpret_cast<const T* const*>(v);
}

// ---- inner products ----------------------------------------------------------------------------------------------

template <class T, int lefts, int rights>
void dots_of(const T* const* left, std::int64_t from, const T* const* right, std::int64_t n, double* out) {
  Eight sum[lefts][rights];
  for (auto& row : sum)
    for (auto& one : row) one = fill(0.0);
  const T* l[lefts];
  for (int k = 0; k < lefts; ++k) l[k] = left[k] + from;
  for_packs<double>(n, [&](std::int64_t i, auto count) __attribute__((always_inline)) {
    Eight r[rights];
    for (int j = 0; j < rights; ++j) r[j] = read(right[j] + i, count);
    for (int k = 0; k < lefts; ++k) {
      const Eight a = read(l[k] + i, count);
      for (int j = 0; j < rights; ++j) sum[k][j] += a * r[j];
    }
  });
  for (int k = 0; k < lefts; ++k)
    for (int j = 0; j < rights; ++j) out[k * rights + j] += total(sum[k][j]);
}

// One block of all lefts; `right` points at the block.
template <class T, int rights>
void dots_block(const T* const* left, int count, std::int64_t from, const T* const* right, std::int64_t n,
                double* out) {
  int k = 0;
  for (; k + 4 <= count; k += 4) dots_of<T, 4, rights>(left + k, from, right, n, out + rights * k);
  for (; k < count; ++k) dots_of<T, 1, rights>(left + k, from, right, n, out + rights * k);
}

template <class T>
void dots(const void* const* left, int count, const void* const* right, int rights, std::int64_t n, double* out) {
  for_blocks(n, [&](std::int64_t from, std::int64_t size) {
    const T* here[2] = {typed<T>(right)[0] + from, typed<T>(right)[rights - 1] + from};
    if (rights == 1) dots_block<T, 1>(typed<T>(left), count, from, here, size, out);
    else dots_block<T, 2>(typed<T>(left), count, from, here, size, out);
  });
}

// ---- sums of vectors ---------------------------------------------------------------------------------------------

template <class T, int terms>
void add_terms(double* sum, bool fresh, const double* c, const T* const* v, std::int64_t from, std::int64_t n) {
  Eight factor[terms];
  const T* at[terms];
  for (int k = 0; k < terms; ++k) {
    factor[k] = fill(c[k]);
    at[k] = v[k] + from;
  }
  for_packs<double>(n, [&](std::int64_t i, auto count) __attribute__((always_inline)) {
    Eight all = fresh ? fill(0.0) : load(sum + i);
    for (int k = 0; k < terms; ++k) all += factor[k] * read(at[k] + i, count);
    store(sum + i, all);
  });
}

// sum[0 .. n) = the block's part of the sum of c[k] v[k]
template <class T>
void combine_block(double* sum, const double* c, const T* const* v, int count, std::int64_t from, std::int64_t n) {
  int k = 0;
  for (; k + 4 <= count; k += 4) add_terms<T, 4>(sum, k == 0, c + k, v + k, from, n);
  for (; k < count; ++k) add_terms<T, 1>(sum, k == 0, c + k, v + k, from, n);
}

template <class T>
void combine(void* to, const double* c, const void* const* v, int count, std::int64_t n) {
  alignas(64) double sum[block] = {};
  for_blocks(n, [&](std::int64_t from, std::int64_t size) {
    combine_block(sum, c, typed<T>(v), count, from, size);
    for_packs<double>(size, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
      write(static_cast<T*>(to) + from + i, load(sum + i), k);
    });
  });
}

template <class T>
void step(void* to, const void* a, double t, const void* b, const void* with, std::int64_t n, double* out) {
  const Eight factor = fill(t);
  Eight sum = fill(0.0);
  for_packs<double>(n, [&](std::int64_t i, auto k) __attribute__((always_inline)) {
    write(static_cast<T*>(to) + i,
          read(static_cast<const T*>(a) + i, k) + factor * read(static_cast<const T*>(b) + i, k), k);
    if (with) sum += read(static_cast<const T*>(to) + i, k) * read(static_cast<const T*>(with) + i, k);
  });
  if (with) *out += total(sum);
}

template <class T>
void largest(const void* a, std::int64_t n, double* out) {
  Top top;
  for_packs<double>(n, [&](std::int64_t i, auto k)
                           __attribute__((always_inline)) { top.add(read(static_cast<const T*>(a) + i, k)); });
  *out = std::max(*out, top.result());
}

// ---- the two passes of L-BFGS ------------------------------------------------------------------------------------

template <class T>
void learn(const void* now, const void* before, const void* q, void* y, void* kept, const void* const* left, int count,
           std::int64_t n, double* out, double* highest) {
  const T* const g = static_cast<const T*>(now);
  T* const change = static_cast<T*>(y);
  T* const own = static_cast<T*>(kept);
  Top top;
  for_blocks(n, [&](std::int64_t from, std::int64_t size) {
    for_packs<double>(size, [&](std::int64_t at, auto k) __attribute__((always_inline)) {
      const std::int64_t i = from + at;
      const Eight x = read(g + i, k);
      const Eight old = read(static_cast<const T*>(before) + i, k);
      write(own + i, x, k);
      write(change + i, x - old, k);
      top.add(x);
    });
    const T* right[2] = {(q ? static_cast<const T*>(q) : own) + from, change + from};
    dots_block<T, 2>(typed<T>(left), count, from, right, size, out);
  });
  *highest = std::max(*highest, top.result());
}

template <class T>
void propose(const double* c, const void* const* v, int count, const void* x, const void* g, void* trial, void* p,
             std::int64_t n, double* out) {
  alignas(64) double sum[block];
  Eight slope = fill(0.0), square = fill(0.0);
  for_blocks(n, [&](std::int64_t from, std::int64_t size) {
    combine_block(sum, c, typed<T>(v), count, from, size);
    for_packs<double>(size, [&](std::int64_t at, auto k) __attribute__((always_inline)) {
      const std::int64_t i = from + at;
      const Eight here = read(static_cast<const T*>(x) + i, k);
      write(static_cast<T*>(trial) + i, here + load(sum + at), k);
      write(static_cast<T*>(p) + i, read(static_cast<const T*>(trial) + i, k) - here, k);
      const Eight moved = read(static_cast<const T*>(p) + i, k);
      slope += moved * read(static_cast<const T*>(g) + i, k);
      square += moved * moved;
    });
  });
  out[0] += total(slope);
  out[1] += total(square);
}

}  // namespace schuss
