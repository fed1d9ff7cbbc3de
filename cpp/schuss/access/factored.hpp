// Matrices whose second moment is kept as one number a row and one a column: sums along both, a look, the step. Rows
// are walked as they lie; the columns' numbers stand where the first slot would, the rows' where shared ones would.
#pragma once
#include "rows.hpp"

namespace schuss {

template <class R, class T>
struct Matrix {
  const Plan<R, T> plan;
  const Rows& a;

  const T* gradient(std::int64_t row) const { return static_cast<const T*>(a.g) + row * a.dim; }
  T* weights(std::int64_t row) const { return static_cast<T*>(a.w) + row * a.dim; }
  const T* columns() const { return static_cast<const T*>(a.slots[0]); }

  // f(j, count, w, g) for the packs of a row, gradients prepared.
  template <class F>
  [[gnu::always_inline]] void over(std::int64_t row, F f) const {
    for_packs<T>(a.dim, [&](std::int64_t j, auto count) __attribute__((always_inline)) {
      Pack<T> w = load(weights(row) + j, count), g = load(gradient(row) + j, count);
      if (!plan.before.none) plan.before(w, g);
      f(j, count, w, g);
    });
  }

  // The step's scalars for a row.
  typename R::Step of(std::int64_t row) const {
    auto step = plan.step;
    step.share = static_cast<const T*>(a.shared)[row] * step.share;
    return step;
  }
};

// Sums of g^2: of row i into rows[i], of columns into `columns`, which start at zero.
template <class R, class T>
void factor_squares(const Rows& a, const void* step, double* rows, void* columns) {
  const Matrix<R, T> m{*static_cast<const Plan<R, T>*>(step), a};
  T* const column = static_cast<T*>(columns);
  for (std::int64_t i = a.first; i < a.last; ++i) {
    Folder<T, Fold::sum> sum;
    m.over(i, [&](std::int64_t j, auto count, const Pack<T>&, const Pack<T>& g) __attribute__((always_inline)) {
      const Pack<T> square = g * g;
      sum.add(square, count);
      store(column + j, load(column + j, count) + square, count);
    });
    rows[i] = sum.result();
  }
}

// New means of all rows and columns, from the rows' sums and those of the columns piece by piece; `columns` starts at
// 0.
template <class R, class T>
void factor_average(void* step, const Rows& a, const double* rows, double* columns, const void* parts,
                    std::int64_t pieces) {
  auto& own = static_cast<Plan<R, T>*>(step)->step;
  const T* part = static_cast<const T*>(parts);
  for (std::int64_t p = 0; p < pieces; ++p, part += a.dim)
    for (std::int64_t j = 0; j < a.dim; ++j) columns[j] += double(part[j]);
  R::average(static_cast<T*>(a.shared), rows, a.last, a.dim, own);
  R::average(static_cast<T*>(a.slots[0]), columns, a.dim, a.last, own);
  const double mean = R::mean(static_cast<const T*>(a.shared), a.last, own);
  own.share = T(mean > 0 ? 1 / mean : 0);
}

template <class R, class T>
void factor_look(int, const Rows& a, const void* step, double* folded) {
  const Matrix<R, T> m{*static_cast<const Plan<R, T>*>(step), a};
  Folder<T, Fold::sum> units, weights;
  for (std::int64_t i = a.first; i < a.last; ++i) {
    const auto own = m.of(i);
    m.over(i, [&](std::int64_t j, auto count, const Pack<T>& w, const Pack<T>& g) __attribute__((always_inline)) {
      const Pack<T> u = R::unit(load(m.columns() + j, count), g, own);
      units.add(u * u, count);
      weights.add(w * w, count);
    });
  }
  folded[0] += units.result();
  folded[1] += weights.result();
}

template <class R, class T>
void factor_rows(const Rows& a, const void* step) {
  const Matrix<R, T> m{*static_cast<const Plan<R, T>*>(step), a};
  for (std::int64_t i = a.first; i < a.last; ++i) {
    const auto own = m.of(i);
    m.over(i, [&](std::int64_t j, auto count, Pack<T>& w, const Pack<T>& g) __attribute__((always_inline)) {
      w = own.keep * w - own.rate * R::unit(load(m.columns() + j, count), g, own);
      if (!m.plan.after.none) m.plan.after(w);
      store(m.weights(i) + j, w, count);
    });
  }
}

}  // namespace schuss
