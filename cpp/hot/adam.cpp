#include "schuss/rules/adam.hpp"

#include "schuss/kernels.hpp"
#include "schuss/list.hpp"

namespace schuss {
namespace {
template <class T>
using AdamPlain = Adam<T, false>;
template <class T>
using AMSGrad = Adam<T, true>;
}  // namespace

Family adam() {
  static constexpr const Kernel* all[] = {&kernel<AdamPlain>, &kernel<AMSGrad>, &kernel<AdaMax>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
