// The border between the modules: only pointers and sizes. A hot module (one per level) fills a table of Kernels and
// Tools; the cold module checks, splits the work and calls them. Nothing here depends on the level.
#pragma once
#include <cstddef>
#include <cstdint>

namespace schuss {

constexpr int most_slots = 4;            // numbers a rule may keep per coordinate
constexpr int most_folds = 4;            // numbers a rule may fold over a group
constexpr std::size_t step_bytes = 256;  // room for one step's scalars of any rule

// What happens to a gradient and its weight before the rule sees them:
//   w = keep * w;   g = scale * clamp(unit * g, -limit, limit) + decay * w
// unit: sign (maximize) and mean (accumulation); limit: value clipping; scale: norm clipping; decay: coupled weight
// decay; keep: decoupled weight decay. With unit = scale = keep = 1, limit infinite and decay 0 it changes nothing.
struct Before {
  double unit = 1, limit = 0, scale = 1, decay = 0, keep = 1;
};

// n neighbours. All pointers are to numbers of the kernel's type.
struct Span {
  void* w;
  void* slots[most_slots];
  const void* g;
  std::int64_t n;
};

// Rows of a (rows x dim) array. Row ids[i] gets the sum of the gradient rows from[start[i]] ... from[start[i + 1] - 1];
// without `ids` the rows are first, first + 1, ... and the gradient is an array of the same shape.
struct Rows {
  void* w;
  void* slots[most_slots];
  void* shared;  // one number a row, or null
  const void* g;
  const std::int64_t* ids;
  const std::int64_t* start;
  const std::int64_t* from;
  std::int64_t first, last;  // which i
  std::int64_t dim;
  void* buffer;  // dim numbers of the calling thread's own
};

// Single coordinates of an array; the same convention with dim 1.
struct Coords {
  void* w;
  void* slots[most_slots];
  const void* g;
  const std::int64_t* ids;
  const std::int64_t* start;
  const std::int64_t* from;
  std::int64_t first, last;
};

// One rule for one number type. `step` is step_bytes of storage that `at` fills. An access that has no meaning for the
// rule is null. The look functions fold what look k finds into folded[0 .. terms) of most_folds numbers.
struct Typed {
  void (*at)(const double* hyper, const Before&, std::int64_t t, void* step);
  void (*span)(const Span&, const void* step);
  void (*rows)(const Rows&, const void* step);
  void (*coords)(const Coords&, const void* step);
  void (*look)(int k, const Span&, const void* step, double* folded);
  void (*look_rows)(int k, const Rows&, const void* step, double* folded);
  void (*look_coords)(int k, const Coords&, const void* step, double* folded);
  void (*settle)(int k, const double* folded, std::int64_t n, void* shared, void* step);
};

enum Number { f32, f64 };

struct Kernel {
  const char* name;
  int variant;
  int group;  // 0 none, 1 row, 2 array
  int slots, shared, hypers, looks;
  const char* const* slot_names;
  const char* const* shared_names;
  const char* const* hyper_names;
  bool folds_max[most_folds];  // look k folds by maximum, else by sum
  Typed number[2];
};

// What is needed beside the rules, for one number type.
struct Tools {
  std::int64_t (*not_finite)(const void* a, std::int64_t n);                    // first index, or -1
  double (*squares)(const void* g, std::int64_t n, double unit, double limit);  // of clamp(unit * g)
  double (*squares_rows)(const Rows&, double unit, double limit);               // of the merged rows
  double (*squares_coords)(const Coords&, double unit, double limit);
  void (*add)(void* to, const void* a, std::int64_t n);                          // to += a
  void (*average)(void* mean, const void* w, std::int64_t n, double decay);      // mean += (1 - decay)(w - mean)
  void (*lane)(int which, const void* in, void* out, std::int64_t n, double p);  // exp (0), power (1): for tests
  double (*stream)(int read, int written, void* const* arrays, std::int64_t n);  // the limit of the benchmarks
};

struct Hot {
  const char* level;
  const char* eigen;
  int kernels;
  const Kernel* const* kernel;
  Tools tools[2];
};

}  // namespace schuss
