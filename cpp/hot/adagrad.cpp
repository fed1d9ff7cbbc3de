#include "schuss/rules/adagrad.hpp"

#include "schuss/kernels.hpp"
#include "schuss/list.hpp"
#include "schuss/rules/adadelta.hpp"

namespace schuss {
namespace {
template <class T>
using AdaGradOutside = AdaGrad<T, Eps::outside>;
template <class T>
using AdaGradInside = AdaGrad<T, Eps::inside>;
template <class T>
using RowsOutside = RowWiseAdaGrad<T, Eps::outside>;
template <class T>
using RowsInside = RowWiseAdaGrad<T, Eps::inside>;
}  // namespace

Family adagrad() {
  static constexpr const Kernel* all[] = {&kernel<AdaGradOutside>, &kernel<AdaGradInside>, &kernel<RowsOutside>,
                                          &kernel<RowsInside>, &kernel<AdaDelta>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
