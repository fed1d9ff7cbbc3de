// From rules to the table of kernels that crosses the border.
#pragma once
#include "access/coords.hpp"
#include "access/factored.hpp"
#include "access/field_pairs.hpp"
#include "access/wake.hpp"

namespace schuss {

template <class R, class T>
void at(const double* hyper, const Before& before, const After& after, std::int64_t t, void* step) {
  typename R::Hyper h;
  static_assert(sizeof h == R::hyper.size() * sizeof(double), "Hyper holds one double for each name in `hyper`");
  std::memcpy(&h, hyper, sizeof h);
  *static_cast<Plan<R, T>*>(step) = {Prepared<T>(before), Projected<T>(after), R::at(h, t)};
}

template <class R, class T>
double descent(const void* step) {
  const auto& plan = *static_cast<const Plan<R, T>*>(step);
  return plan.plain() ? double(plan.step.rate) : 0.0;
}

// The accesses of a rule that sees packs of an array and its slots.
template <class R, class T>
constexpr Typed walked(Typed k) {
  if constexpr (!R::moves && !R::passing) k.span = span<R, T>;
  if constexpr (!R::whole_only) k.rows = rows<R, T>;
  if constexpr (!R::whole_only && R::group != Group::row) k.coords = coords<R, T>;
  if constexpr (R::descends) k.descent = descent<R, T>;
  if constexpr (R::paired && std::is_same_v<T, float>) {
    k.pairs = pairs<R>;
    if constexpr (R::group == Group::row) k.settle_pairs = settle_pairs<R>;
  }
  if constexpr (R::idling != Idle::never) {
    static_assert(!R::whole_only, "a rule that takes dense gradients only has no rows to wake; its Idle is `never`");
    k.idle = idle<R, T>;
    k.wake = wake<R, T>;
  }
  if constexpr (R::group != Group::none) {
    static_assert(R::terms <= most_folds, "a look folds at most four numbers");
    static_assert(!R::passing || R::whole_only, "only dense arrays are looked over in passing");
    if constexpr (R::passing) k.pass = pass_span<R, T>;
    else k.look = look_span<R, T>;
    if constexpr (R::moves) k.span = finish_span<R, T>;
    k.settle = settle<R, T>;
  }
  if constexpr (R::group == Group::array && !R::whole_only) {
    k.look_rows = look_rows<R, T>;
    k.look_coords = look_coords<R, T>;
  }
  return k;
}

template <class R, class T>
constexpr Typed typed() {
  static_assert(R::slots.size() <= most_slots, "a rule keeps at most four numbers per coordinate");
  static_assert(sizeof(Plan<R, T>) <= step_bytes, "a step's scalars fit into step_bytes");
  Typed k{};
  k.at = at<R, T>;
  if constexpr (R::factored) {
    k.rows = factor_rows<R, T>;
    k.look_rows = factor_look<R, T>;
    k.settle = settle<R, T>;
    k.sums = factor_sums<R, T>;
    k.average = factor_average<R, T>;
    return k;
  } else {
    return walked<R, T>(k);
  }
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
  k.opens = F::opens;
  k.passing = F::passing;
  k.dense_only = F::whole_only;
  k.factored = F::factored;
  if constexpr (F::idling == Idle::drift) k.fading = fading<F>;
  k.number[f32] = typed<F, float>();
  k.number[f64] = typed<R<double>, double>();
  return k;
}

template <template <class> class R>
constexpr Kernel kernel = make_kernel<R>();

}  // namespace schuss
