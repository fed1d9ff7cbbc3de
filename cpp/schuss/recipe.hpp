// A rule's numbers as Python gives them, and what becomes of them in a step.
#pragma once
#include <cstddef>
#include <limits>

#include "kernel.hpp"

namespace schuss {

struct alignas(64) Step {
  std::byte bytes[step_bytes];
};

// The numbers of a rule: weight_decay, decoupled, maximize, l1, lower, upper, then the rule's own, lr first.
struct Options {
  static constexpr int common = 6;
  const double* all;

  const double* hyper() const { return all + common; }
  double sign() const { return all[2] != 0 ? -1.0 : 1.0; }  // of maximize

  Before before(double unit = 1, double limit = std::numeric_limits<double>::infinity(), double scale = 1) const {
    const double decay = all[0];
    const bool decoupled = all[1] != 0;
    return {sign() * unit, limit, scale, decoupled ? 0.0 : decay, decoupled ? 1 - hyper()[0] * decay : 1.0};
  }
  After after() const { return {hyper()[0] * all[3], all[4], all[5]}; }
};

// t with its nine leading bits: a rule's scalars are made anew when those change, so they do not depend on how the
// examples come in batches, and cost nothing.
inline std::int64_t coarse(std::int64_t t) {
  int shift = 0;
  while (t >> shift >= 512) ++shift;
  return t >> shift << shift;
}

}  // namespace schuss
