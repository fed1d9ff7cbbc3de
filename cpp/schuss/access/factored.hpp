// Matrices whose second moment is kept as one number a row and one a column, in two walks over rows as they lie: sums
// along rows and columns, then the step; a look between them where the sums do not tell what it would find. The
// columns' numbers stand where the first slot would, the rows' where shared ones would.
#pragma once
#include "rows.hpp"

namespace schuss {

constexpr std::int64_t block_rows = 16;  // rows that are walked together: one root and one quotient serve all

// Where the sums of some rows stand: along columns, plain and divided by the rows' means; then of all.
struct Sums {
  double *plain, *divided, *weights, *means, *least;

  Sums(double* first, std::int64_t dim)
      : plain(first),
        divided(plain + factor_width(dim)),
        weights(divided + factor_width(dim)),
        means(weights + 1),
        least(weights + 2) {}
};

template <class T>
[[gnu::always_inline]] inline void add_to(double* sums, const Pack<T>& a) {
  const Wide<T> wide(a);
  for (int k = 0; k < Wide<T>::packs; ++k) {
    double* const to = sums + k * lanes<double>;
    store(to, load(to) + wide.pack[k]);
  }
}

// A matrix's rows from `first` on; as_given: nothing happens to gradients and weights before the rule.
template <class R, class T, bool as_given>
struct Matrix {
  using Step = typename R::Step;
  static constexpr std::int64_t width = lanes<T>;

  const Plan<R, T>& plan;
  const std::int64_t dim;
  const T* const g;
  T* const w;
  T* const means;
  T* const own;  // the thread's own numbers: what the columns make of units

  Matrix(const Plan<R, T>& p, const Rows& a)
      : plan(p),
        dim(a.dim),
        g(static_cast<const T*>(a.g) + a.first * a.dim),
        w(static_cast<T*>(a.w) + a.first * a.dim),
        means(static_cast<T*>(a.shared) + a.first),
        own(static_cast<T*>(a.buffer)) {}

  // Weights and gradients as the rule sees them.
  template <class Count>
  [[gnu::always_inline]] Pack<T> gradient(std::int64_t i, Count count) const {
    Pack<T> x = load(g + i, count);
    if constexpr (!as_given) {
      Pack<T> weight = load(w + i, count);
      plan.before(weight, x);
    }
    return x;
  }
  template <class Count>
  [[gnu::always_inline]] Pack<T> weight(std::int64_t i, Count count) const {
    Pack<T> x = load(w + i, count);
    if constexpr (!as_given) {
      Pack<T> none = fill(T(0));
      plan.before(x, none);
    }
    return x;
  }

  // The sum of the squares that get(i, count) gives for n neighbours; four packs are folded in T before they are
  // widened.
  template <class Get>
  [[gnu::always_inline]] double squares(std::int64_t first, std::int64_t n, const T* ahead, Get get) const {
    const auto square = [&](std::int64_t i, auto count) __attribute__((always_inline)) {
      const Pack<T> x = get(first + i, count);
      return x * x;
    };
    constexpr std::integral_constant<int, lanes<T>> all{};
    Folder<T, Fold::sum> sum;
    std::int64_t i = 0;
    for (; i + 4 * width <= n; i += 4 * width) {
      for (int k = 0; k < 4; ++k) fetch(ahead + first + i + k * width);
      sum.add((square(i, all) + square(i + width, all)) + (square(i + 2 * width, all) + square(i + 3 * width, all)));
    }
    for_packs<T>(n - i, [&](std::int64_t j, auto count)
                            __attribute__((always_inline)) { sum.add(square(i + j, count)); });  // zeros beyond the end
    return sum.result();
  }

  double squares_of_weights(std::int64_t rows) const {
    return squares(0, rows * dim, w,
                   [&](std::int64_t i, auto count) __attribute__((always_inline)) { return weight(i, count); });
  }

  // The new means of some rows; then, out of the first cache, the rows' part in the columns' sums.
  void add(std::int64_t first, int rows, const Sums& sums) const {
    double sum[block_rows], mean[block_rows];
    T inverse[block_rows];
    for (int i = 0; i < rows; ++i)
      sum[i] = squares((first + i) * dim, dim, g,
                       [&](std::int64_t j, auto count) __attribute__((always_inline)) { return gradient(j, count); });
    T* const r = means + first;
    const Step& step = plan.step;
    for (int i = 0; i < rows; ++i) {
      const T now = R::averaged(r[i], sum[i], dim, step);
      r[i] = now;
      mean[i] = double(now);
      inverse[i] = R::inverse(now);
    }
    double all = *sums.means, least = *sums.least;
    for (int i = 0; i < rows; ++i) {
      all += mean[i];
      least = std::min(least, mean[i]);
    }
    *sums.means = all;
    *sums.least = least;
    for_packs<T>(dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      Pack<T> plain[2] = {fill(T(0)), fill(T(0))}, divided[2] = {plain[0], plain[0]};
      for (int i = 0; i < rows; ++i) {
        const Pack<T> x = gradient((first + i) * dim + j, count), square = x * x;
        plain[i % 2] += square;
        divided[i % 2] += inverse[i] * square;
      }
      add_to(sums.plain + j, plain[0] + plain[1]);
      add_to(sums.divided + j, divided[0] + divided[1]);
    });
  }

  // f(i, j, count, w, u) for the packs of all rows; j counts in the row.
  template <class F>
  [[gnu::always_inline]] void over(std::int64_t rows, const T* columns, F f) const {
    for_packs<T>(dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      store(own + j, R::of_columns(load(columns + j, count)), count);
    });
    const Step step = plan.step;
    for (std::int64_t first = 0; first < rows; first += block_rows) {
      const int some = int(std::min(block_rows, rows - first));
      T factor[block_rows];
      for (int i = 0; i < some; ++i) factor[i] = R::of_row(means[first + i], step);
      for (int i = 0; i < some; ++i) {
        const Pack<T> of_row = fill(factor[i]);
        const std::int64_t start = (first + i) * dim;
        for_packs<T>(dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
          fetch(g + start + j);
          fetch(w + start + j);
          Pack<T> weight = load(w + start + j, count), x = load(g + start + j, count);
          if constexpr (!as_given) plan.before(weight, x);
          f(start + j, count, weight, R::unit(x, of_row, load(own + j, count), step));
        });
      }
    }
  }
};

// f(matrix) with the form of the matrix that the step asks for.
template <class R, class T, class F>
[[gnu::always_inline]] inline void with_matrix(const Rows& a, const void* step, F f) {
  const auto plan = *static_cast<const Plan<R, T>*>(step);
  if (plan.before.none) f(Matrix<R, T, true>(plan, a));
  else f(Matrix<R, T, false>(plan, a));
}

template <class R, class T>
void factor_sums(const Rows& a, const void* step, double* found) {
  const Sums sums(found, a.dim);
  const std::int64_t rows = a.last - a.first;
  std::fill_n(found, factor_room(a.dim), 0.0);
  *sums.least = infinity<double>;
  with_matrix<R, T>(a, step, [&](const auto& m) {
    if (m.plan.step.scaled) *sums.weights = m.squares_of_weights(rows);
    for (std::int64_t i = 0; i < rows; i += block_rows) m.add(i, int(std::min(block_rows, rows - i)), sums);
  });
}

// Sums of pieces of rows, added up in the first of them.
template <class R, class T>
bool factor_average(const Rows& a, void* step, double* found, std::int64_t pieces) {
  auto& own = static_cast<Plan<R, T>*>(step)->step;
  const Sums sums(found, a.dim);
  const std::int64_t room = factor_room(a.dim), folded = sums.least - found;
  for (std::int64_t p = 1; p < pieces; ++p) {
    const double* const part = found + p * room;
    for (std::int64_t j = 0; j < folded; ++j) found[j] += part[j];
    *sums.least = std::min(*sums.least, part[folded]);
  }
  own.mean = std::max(*sums.means / double(a.last), own.least_mean);

  T* const columns = static_cast<T*>(a.slots[0]);
  double least = infinity<double>, units = 0;
  for (std::int64_t j = 0; j < a.dim; ++j) {
    columns[j] = R::averaged(columns[j], sums.plain[j], a.last, own);
    least = std::min(least, double(columns[j]));
    if (columns[j] > 0) units += sums.divided[j] / double(columns[j]);
  }
  if (!R::unclamped(*sums.least, least, own)) return false;
  const double all[] = {own.mean * units, *sums.weights};
  R::settle(0, all, a.last * a.dim, nullptr, own);
  return true;
}

template <class R, class T>
void factor_look(int, const Rows& a, const void* step, double* folded) {
  with_matrix<R, T>(a, step, [&](const auto& m) {
    Folder<T, Fold::sum> units, weights;
    m.over(a.last - a.first, static_cast<const T*>(a.slots[0]),
           [&](std::int64_t, auto count, const Pack<T>& w, const Pack<T>& u) __attribute__((always_inline)) {
             units.add(u * u, count);
             weights.add(w * w, count);
           });
    folded[0] += units.result();
    folded[1] += weights.result();
  });
}

template <class R, class T>
void factor_rows(const Rows& a, const void* step) {
  with_matrix<R, T>(a, step, [&](const auto& m) {
    const auto after = m.plan.after;
    const T keep = m.plan.step.keep, rate = m.plan.step.rate;
    m.over(a.last - a.first, static_cast<const T*>(a.slots[0]),
           [&](std::int64_t i, auto count, Pack<T>& w, const Pack<T>& u) __attribute__((always_inline)) {
             w = keep * w - rate * u;
             if (!after.none) after(w);
             store(m.w + i, w, count);
           });
  });
}

}  // namespace schuss
