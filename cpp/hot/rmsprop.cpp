#include "schuss/rules/rmsprop.hpp"

#include "schuss/kernels.hpp"
#include "schuss/list.hpp"

namespace schuss {
namespace {

// All twelve: eps outside or inside, plain or centred, three kinds of inertia.
template <Eps place, bool centered, Inertia inertia>
struct Fixed {
  template <class T>
  using Rule = RMSprop<T, place, centered, inertia>;
};
template <Eps place, bool centered, Inertia inertia>
constexpr const Kernel* fixed = &kernel<Fixed<place, centered, inertia>::template Rule>;

}  // namespace

Family rmsprop() {
  static constexpr const Kernel* all[] = {
      fixed<Eps::outside, false, Inertia::none>,         fixed<Eps::inside, false, Inertia::none>,
      fixed<Eps::outside, true, Inertia::none>,          fixed<Eps::inside, true, Inertia::none>,
      fixed<Eps::outside, false, Inertia::rate_outside>, fixed<Eps::inside, false, Inertia::rate_outside>,
      fixed<Eps::outside, true, Inertia::rate_outside>,  fixed<Eps::inside, true, Inertia::rate_outside>,
      fixed<Eps::outside, false, Inertia::rate_inside>,  fixed<Eps::inside, false, Inertia::rate_inside>,
      fixed<Eps::outside, true, Inertia::rate_inside>,   fixed<Eps::inside, true, Inertia::rate_inside>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
