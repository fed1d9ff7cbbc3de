// Passes over whole vectors, for the solvers: the table of them that crosses the border, one for each number type.
// Storage is of that type, all arithmetic and every sum is double, in eight lanes and a fixed order.
#pragma once
#include <cstdint>

namespace schuss {

// What of a vector one call is given: n neighbours. Sums are added to, largest values joined into, what is there.
struct Vectors {
  // out[rights k + r] += left[k] . right[r] for k < count, one or two rights; the vectors are read once.
  void (*dots)(const void* const* left, int count, const void* const* right, int rights, std::int64_t n, double* out);
  // to = sum of c[k] v[k]
  void (*combine)(void* to, const double* c, const void* const* v, int count, std::int64_t n);
  // to = a + t b, where `to` may be either; *out += to . with, unless `with` is null
  void (*step)(void* to, const void* a, double t, const void* b, const void* with, std::int64_t n, double* out);
  // max |a|, infinite where any is not finite
  void (*largest)(const void* a, std::int64_t n, double* out);

  // A pair is learned in one pass: y = now - before; kept = now; out[2 k + r] += left[k] . (q, y)[r], where q is `now`
  // if null; top = max |now|.
  void (*learn)(const void* now, const void* before, const void* q, void* y, void* kept, const void* const* left,
                int count, std::int64_t n, double* out, double* top);
  // A direction and its first trial: p = sum of c[k] v[k]; trial = x + p; p = trial - x as rounded.
  // out += (g . p, p . p). p may be one of v.
  void (*propose)(const double* c, const void* const* v, int count, const void* x, const void* g, void* trial, void* p,
                  std::int64_t n, double* out);

  // Bounds (lo, hi): a = its nearest point within; and max |projection of (x - g) - x|.
  void (*clamp)(void* a, const void* lo, const void* hi, std::int64_t n);
  void (*projected)(const void* x, const void* g, const void* lo, const void* hi, std::int64_t n, double* out);

  // l1 |x| with one l1 for all: v = the subgradient of least norm (Andrew & Gao 2007, eq. 4); out[0] += v . v, top
  void (*pseudo)(const void* x, const void* g, double l1, void* v, std::int64_t n, double* out, double* top);
  // p = p where p v < 0 or x is not 0, else 0; x null: as if it were 0. out += (p . v, p . p)
  void (*align)(void* p, const void* v, const void* x, std::int64_t n, double* out);
  // trial = x + t p, but 0 where that leaves the orthant of x (of -v where x = 0); out += (sum |trial|, v . (trial -
  // x))
  void (*orthant)(void* trial, const void* x, double t, const void* p, const void* v, std::int64_t n, double* out);

  // Rows first .. last of a symmetric matrix, packed by rows of its lower triangle; row i begins at i (i + 1) / 2.
  // H += a s s' + b (u s' + s u') if b is not 0; outs[r] += H[rows] part of H right[r], with what is symmetric to it.
  void (*symmetric)(void* packed, std::int64_t first, std::int64_t last, double a, double b, const double* s,
                    const double* u, const double* const* right, int rights, double* const* outs);
};

}  // namespace schuss
