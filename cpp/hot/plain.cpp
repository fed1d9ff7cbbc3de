#include "schuss/kernels.hpp"
#include "schuss/list.hpp"
#include "schuss/rules/asgd.hpp"
#include "schuss/rules/heun.hpp"
#include "schuss/rules/lion.hpp"
#include "schuss/rules/rprop.hpp"
#include "schuss/rules/sign_sgd.hpp"

namespace schuss {

Family plain() {
  static constexpr const Kernel* all[] = {&kernel<Lion>, &kernel<Rprop>, &kernel<ASGD>, &kernel<Heun>,
                                          &kernel<SignSGD>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
