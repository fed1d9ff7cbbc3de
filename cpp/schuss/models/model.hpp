// A CTR model as it crosses the border between the modules: its tables, loss and what a block of examples needs.
#pragma once
#include "../data/examples.hpp"
#include "../recipe.hpp"

namespace schuss {

enum class Kind { lr, fm, ffm };
enum class MarginLoss { logistic, squared, hinge, poisson };

constexpr int most_shared = 2;  // numbers a rule may keep per row

// A slot starts at constant + slope * w.
struct Start {
  float constant, slope;
};

// One table of a model. A row is [w | slot | slot ... | shared], `used` floats, each slot `pitch` floats behind the one
// before; from one row to the next are `width`, which may hold another part's row too. A row of zero bytes has never
// been seen: it scores 0, and starts when it is first learned.
struct Part {
  float* rows;
  std::int64_t width, used, dim, pitch;
  const Typed* rule;
  int slots, shared;
  Start start[most_slots + most_shared];  // of each slot, then of the row's own numbers
  bool starts;                            // whether one of them is not zero
};

struct Model {
  Kind kind;
  int bits;
  std::int64_t dim, fields;  // numbers of a factor; fields of an ffm
  MarginLoss loss;
  Part linear{}, factors{};  // row 2^bits of `linear` is the bias
  std::uint64_t seed;
  float scale;  // factors start uniformly in [0, scale / sqrt(dim))
  bool joined;  // an id's rows of both parts lie on one cache line
};

// Rows taken out of a table: where they lie, and 1 + slots arrays of `stride` numbers.
struct HeldRows {
  const char** rows;
  float* numbers;
  std::int64_t stride;
};

// The rows of an example by field, room for whole squares: pointers, values repeated for the numbers of a factor, the
// row of fields without an entry, as it starts; then what rules need that share numbers in a row: sums, a pack for each
// row, and scalars.
struct FieldRows {
  float** rows;
  float* x;
  float* nobody;
  PairSums* sums;
  float* packs;
  void* steps;
};

// Memory of one thread for its current example, for `most` entries; each array has room for a pack more.
struct Scratch {
  std::int64_t* ids;  // most + 1
  std::uint64_t* keys;
  float* linear_g;           // most + 1
  float* x;                  // most * dim: values, each repeated for the numbers of a factor
  float* terms;              // most * dim
  float* factors_g;          // most * numbers of a row
  float* sum;                // dim: the sum of an fm's terms
  HeldRows linear, factors;  // most + 1; most, where rows are short
  FieldRows fields;          // of an ffm
};

// Examples first .. last - 1, learned in order.
struct Lesson {
  const Model* model;
  Examples examples;
  std::int64_t first, last;
  Options linear_options, factors_options;
  std::int64_t seen;  // examples learned before `first`
  Scratch scratch;
  float* margins;               // of each example before it was learned, or null
  double loss = 0, weight = 0;  // sums over the examples
};

struct Trainer {
  void (*learn)(Lesson&);
  void (*score)(const Lesson&);  // only margins
};

}  // namespace schuss
