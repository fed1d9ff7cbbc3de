#include "schuss/rules/ftrl.hpp"

#include "schuss/kernels.hpp"
#include "schuss/list.hpp"

namespace schuss {
namespace {
template <class T>
using AnyPower = FTRL<T, false>;
template <class T>
using Rooted = FTRL<T, true>;
}  // namespace

Family ftrl() {
  static constexpr const Kernel* all[] = {&kernel<AnyPower>, &kernel<Rooted>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
