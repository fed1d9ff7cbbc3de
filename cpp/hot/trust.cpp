#include "schuss/rules/trust.hpp"

#include "schuss/kernels.hpp"
#include "schuss/list.hpp"

namespace schuss {

Family trust() {
  static constexpr const Kernel* all[] = {&kernel<LARS>, &kernel<LAMB>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
