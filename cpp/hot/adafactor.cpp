#include "schuss/rules/adafactor.hpp"

#include "schuss/kernels.hpp"
#include "schuss/list.hpp"

namespace schuss {

Family adafactor() {
  static constexpr const Kernel* all[] = {&kernel<Adafactor>, &kernel<AdafactorFactored>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
