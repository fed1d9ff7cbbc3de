#include "schuss/rules/egdd.hpp"

#include "schuss/kernels.hpp"
#include "schuss/list.hpp"

namespace schuss {
namespace {
template <class T>
using Products = EGDD<T, false>;
template <class T>
using Signs = EGDD<T, true>;
}  // namespace

Family egdd() {
  static constexpr const Kernel* all[] = {&kernel<Products>, &kernel<Signs>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
