// From rules to the table of kernels that crosses the border.
#pragma once
#include "access/coords.hpp"
#include "access/wake.hpp"

namespace schuss {

template <class R, class T>
void at(const double* hyper, const Before& before, std::int64_t t, void* step) {
  typename R::Hyper h;
  static_assert(sizeof h == R::hyper.size() * sizeof(double), "Hyper holds one double for each name in `hyper`");
  std::memcpy(&h, hyper, sizeof h);
  *static_cast<Plan<R, T>*>(step) = {Prepared<T>(before), R::at(h, t)};
}

template <class R, class T>
constexpr Typed typed() {
  static_assert(R::slots.size() <= most_slots, "a rule keeps at most four numbers per coordinate");
  static_assert(sizeof(Plan<R, T>) <= step_bytes, "a step's scalars fit into step_bytes");
  Typed k{};
  k.at = at<R, T>;
  k.span = span<R, T>;
  k.rows = rows<R, T>;
  k.idle = idle<R, T>;
  k.wake = wake<R, T>;
  if constexpr (R::group != Group::row) k.coords = coords<R, T>;
  if constexpr (R::group != Group::none) {
    static_assert(R::terms <= most_folds, "a look folds at most four numbers");
    k.look = look_span<R, T>;
    k.settle = settle<R, T>;
  }
  if constexpr (R::group == Group::array) {
    k.look_rows = look_rows<R, T>;
    k.look_coords = look_coords<R, T>;
  }
  return k;
}

template <class R>
double fading(const double* hyper) {
  typename R::Hyper h;
  std::memcpy(&h, hyper, sizeof h);
  return R::fading(h);
}

template <template <class> class R>
constexpr Kernel make_kernel() {
  using F = R<float>;
  Kernel k{};
  k.name = F::name;
  k.variant = F::variant;
  k.group = int(F::group);
  k.slots = int(F::slots.size());
  k.shared = int(F::shared.size());
  k.hypers = int(F::hyper.size());
  k.looks = int(F::looks.size());
  k.slot_names = F::slots.data();
  k.shared_names = F::shared.data();
  k.hyper_names = F::hyper.data();
  for (int i = 0; i < k.looks; ++i) k.folds_max[i] = F::looks[std::size_t(i)] == Fold::max;
  k.whole = F::whole;
  k.linear = F::linear;
  if constexpr (F::idling == Idle::drift) k.fading = fading<F>;
  k.number[f32] = typed<F, float>();
  k.number[f64] = typed<R<double>, double>();
  return k;
}

template <template <class> class R>
constexpr Kernel kernel = make_kernel<R>();

}  // namespace schuss
