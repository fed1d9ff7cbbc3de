// Margins of one example, and what their gradients need:
//   linear  b + sum_i w_i x_i
//   fm      + sum_{i<j} <v_i, v_j> x_i x_j = (|S|^2 - sum_i |x_i v_i|^2) / 2 with S = sum_i x_i v_i  (Rendle 2010)
//   ffm     + sum_{i<j} <v_{i,f_j}, v_{j,f_i}> x_i x_j                                               (Juan et al. 2016)
// Sums are made in a fixed order of lanes: the bits do not depend on the level.
#pragma once
#include "ffm.hpp"
#include "fm.hpp"

namespace schuss {

// w: the weights of the entries, the bias behind them, a pack to spare.
inline float linear_margin(const Example& e, const float* w) {
  Pack<float> sum = fill(0.0f);
  for_packs<float>(e.n, [&](std::int64_t i, auto count) __attribute__((always_inline)) {
    const Pack<float> own = first_of(load(w + i), count);
    sum += e.values ? load(e.values + i, count) * own : own;
  });
  return w[e.n] + sum_of(sum);
}

}  // namespace schuss
