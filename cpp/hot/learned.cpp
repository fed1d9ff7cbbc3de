#include "schuss/kernels.hpp"
#include "schuss/list.hpp"
#include "schuss/rules/hypergradient.hpp"
#include "schuss/rules/prodigy.hpp"
#include "schuss/rules/schedule_free.hpp"

namespace schuss {

Family learned() {
  static constexpr const Kernel* all[] = {&kernel<ScheduleFreeSGD>, &kernel<ScheduleFreeAdamW>, &kernel<Prodigy>,
                                          &kernel<Hypergradient>};
  return {all, int(std::size(all))};
}

}  // namespace schuss
