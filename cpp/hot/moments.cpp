#include "schuss/kernels.hpp"
#include "schuss/list.hpp"
#include "schuss/rules/adabelief.hpp"
#include "schuss/rules/adan.hpp"
#include "schuss/rules/nadam.hpp"
#include "schuss/rules/radam.hpp"
#include "schuss/rules/yogi.hpp"

namespace schuss {

Family moments() {
  static constexpr const Kernel* all[] = {&kernel<NAdam>, &kernel<RAdam>, &kernel<Yogi>, &kernel<AdaBelief>,
                                          &kernel<Adan>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
