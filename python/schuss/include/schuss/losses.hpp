// Losses over sparse batches: the table of them that crosses the border. Sums are double, in a fixed order.
#pragma once
#include <cstdint>

#include "kernel.hpp"

namespace schuss {

enum class Loss { logistic, squared, poisson, softmax };

// Rows of a sparse matrix, `width` numbers for each of its columns in what it is multiplied with.
struct Sparse {
  const std::int64_t* start;
  const std::int32_t* ids;
  const void* values;  // null: all are 1
  std::int64_t width;
};

struct Losses {
  // out[width i ...] = sum over row i of value times x[width id ...], for first <= i < last; by types of values and x
  void (*product[2][2])(const Sparse&, const void* x, std::int64_t first, std::int64_t last, double* out);
  // Scores become derivatives; returns the sum of weight times loss. Labels are -1, 1 (logistic), numbers, or classes.
  double (*derive[4])(double* scores, const double* labels, const double* weights, std::int64_t rows,
                      std::int64_t width);
};

}  // namespace schuss
