#include "schuss/kernels.hpp"
#include "schuss/list.hpp"
#include "schuss/rules/exponentiated_gradient.hpp"

namespace schuss {

Family exponentiated() {
  static constexpr const Kernel* all[] = {&kernel<EGU>, &kernel<EG>, &kernel<EGUPair>, &kernel<EGPair>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
