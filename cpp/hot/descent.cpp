#include "schuss/kernels.hpp"
#include "schuss/list.hpp"
#include "schuss/rules/counter_clock.hpp"
#include "schuss/rules/momentum.hpp"
#include "schuss/rules/sgd.hpp"

namespace schuss {
namespace {
template <class T>
using MomentumOutside = Momentum<T, Rate::outside>;
template <class T>
using MomentumInside = Momentum<T, Rate::inside>;
template <class T>
using NesterovOutside = Nesterov<T, Rate::outside>;
template <class T>
using NesterovInside = Nesterov<T, Rate::inside>;
}  // namespace

Family descent() {
  static constexpr const Kernel* all[] = {&kernel<SGD>,
                                          &kernel<MomentumOutside>,
                                          &kernel<MomentumInside>,
                                          &kernel<NesterovOutside>,
                                          &kernel<NesterovInside>,
                                          &kernel<CounterClock>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
