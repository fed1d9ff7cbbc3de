// The border between the modules: only pointers and sizes. A hot module (one per level) fills a table of Kernels and
// Tools; the cold module checks, splits the work and calls them. Nothing here depends on the level.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>

namespace schuss {

constexpr int most_slots = 4;                                       // numbers a rule may keep per coordinate
constexpr int most_folds = 4;                                       // numbers a rule may fold over a group
constexpr int float_terms = 4, double_terms = 8, most_moments = 9;  // of a drift, see gap.hpp
constexpr std::size_t step_bytes = 256;                             // room for one step's scalars of any rule

// What happens to a gradient and its weight before the rule sees them:
//   w = keep * w;   g = scale * clamp(unit * g, -limit, limit) + decay * w
// unit: sign (maximize) and mean (accumulation); limit: value clipping; scale: norm clipping; decay: coupled weight
// decay; keep: decoupled weight decay. With unit = scale = keep = 1, limit infinite and decay 0 it changes nothing.
struct Before {
  double unit = 1, limit = 0, scale = 1, decay = 0, keep = 1;
};

// What happens to a weight after the rule: w = clamp(shrunk towards 0 by `shrink`, low, high).
struct After {
  double shrink = 0, low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};

// n neighbours. All pointers are to numbers of the kernel's type.
struct Span {
  void* w;
  void* slots[most_slots];
  const void* g;
  std::int64_t n;
};

// The effect of a gap on one row, see gap.hpp.
struct Rest {
  double ww, wc, cw, cc, mw, mc, mm;
  double fade[most_slots];
  double x, reach, least;
  double drift[most_moments], mean_drift[most_moments];
};

// What rows have missed. Steps are numbered from 0, the first one since all rows were current.
struct Past {
  std::uint32_t* stamps;  // of each row: how many of the steps it has had; below `first` all count as having had 0
  std::uint32_t first, now;
  double fresh;          // 1 - ema
  std::int64_t horizon;  // steps after which a drift has ended
  const Rest& (*rest)(const Past&, std::uint32_t step, int member);
  const void* (*step)(const Past&, std::uint32_t step);
  void* context;
};

// Conversion of a row of 16-bit weights. Of a row's number and the key come its random bits.
struct Narrow {
  void (*widen)(const void* in, float* out, std::int64_t dim);
  void (*round)(const float* in, void* out, std::int64_t dim, std::int64_t row, std::uint64_t key, bool nearest);
  bool is_bfloat16;
};

// Rows that may be looked at before they are stepped.
constexpr int rows_at_once = 4;

// Rows of an array or table, `stride` bytes from one to the next. Row ids[i] gets the sum of the gradient rows
// from[start[i]] ... from[start[i + 1] - 1]; without `ids` the rows are first, first + 1, ... and the gradient is an
// array of the same shape.
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
  void* buffer;  // dim numbers of the calling thread's own; rows_at_once times as many where weights are of 16 bits
  std::int64_t stride, shared_stride;
  std::int64_t together;  // bytes of a row where weight and slots lie together, else 0
  bool near;              // the rows have been fetched already

  // Weights of 16 bits (or null): a row is widened into the calling thread's own dim numbers, and rounded when done.
  const Narrow* narrow;
  float* wide;
  std::uint64_t key;
  bool nearest;

  // Exact mode: what was missed (or null), the averages (or null), who calls.
  const Past* past;
  void* mean;
  std::int64_t mean_stride;
  int member;
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

// Sums over the rows of a square: of each row dim neighbours, in each the sum of some of its numbers.
struct alignas(64) PairSums {
  float t[16], tw[16], w[16];  // squares of what meets the row, products with the row, squares of the row
};

// The float32 rows of one example by field. Piece b of row a and piece a of row b are each other's gradient, times
// slope x_a x_b. A field without an entry has a row of its own that no other example sees, and x = 0.
struct FieldPairs {
  float* const* rows;         // `places` of them, whole squares
  const float* x;             // of each, repeated for the numbers of a piece
  std::int64_t places, ones;  // the first `ones` have x = 1
  std::int64_t dim, pitch;    // of a piece; from one component of a row to the next
  std::int64_t numbers;       // of a row
  std::int64_t first;         // which row of squares
  float slope;
  PairSums* sums;  // of each row of squares
  void* steps;     // pair_step_bytes for each row
};
constexpr std::size_t pair_step_bytes = 64;

// One rule for one number type. `step` is step_bytes of storage that `at` fills. An access or an exact form that has no
// meaning for the rule is null. The look functions fold what look k finds into folded[0 .. terms) of most_folds
// numbers.
struct Typed {
  void (*at)(const double* hyper, const Before&, const After&, std::int64_t t, void* step);
  void (*span)(const Span&, const void* step);
  void (*rows)(const Rows&, const void* step);
  void (*coords)(const Coords&, const void* step);
  void (*look)(int k, const Span&, const void* step, double* folded);
  void (*look_rows)(int k, const Rows&, const void* step, double* folded);
  void (*look_coords)(int k, const Coords&, const void* step, double* folded);
  void (*settle)(int k, const double* folded, std::int64_t n, void* shared, void* step);
  void (*idle)(const void* step, double fresh, struct Gap* one);  // one step without a gradient
  void (*wake)(const Rows&);                                      // brings rows ids[i], or i, up to date

  // Of float32, where the rule is compiled for it: the step of an ffm's rows; first, of a rule that shares numbers in a
  // row, its scalars for each.
  void (*pairs)(const FieldPairs&, const void* step);
  void (*settle_pairs)(const FieldPairs&, const void* step);

  double (*descent)(const void* step);  // the rate of a step that is w -= rate g, 0 of any other; or null

  // The step and its look in one walk, of a rule that looks in passing.
  void (*pass)(const Span&, const void* step, double* folded);

  // Of a factored rule: rows' new means and the sums of some rows, factor_room(dim) numbers; then, of those of all
  // pieces, the columns' new means and what the look would find: false where it has to be taken.
  void (*sums)(const Rows&, const void* step, double* sums);
  bool (*average)(const Rows&, void* step, double* sums, std::int64_t pieces);
};

// Columns are padded to whole packs.
constexpr std::int64_t factor_width(std::int64_t dim) { return (dim + 15) / 16 * 16; }
constexpr std::int64_t factor_room(std::int64_t dim) { return 2 * factor_width(dim) + 8; }

enum Number { f32, f64 };
enum Weight { same, bfloat16, float16 };  // of a table: the number type's own, or 16 bits with f32 slots

// Weights of a table as they are looked up: n rows, or bags of rows summed with weights (or null).
struct Lookup {
  const void* w;
  std::int64_t stride, dim;
  const void* ids;  // int64
  const std::int64_t* offsets;
  const void* weights;
  bool mean;
  std::int64_t first, last;
  void* out;
};

struct Kernel {
  const char* name;
  int variant;
  int group;  // 0 none, 1 row, 2 array
  int slots, shared, hypers, looks;
  const char* const* slot_names;
  const char* const* shared_names;
  const char* const* hyper_names;
  bool folds_max[most_folds];             // look k folds by maximum, else by sum
  int whole;                              // the term of look 0 that absent rows have too, or -1
  bool linear;                            // also with coupled decay, where g = decay w
  bool dense_only;                        // takes no sparse gradients
  bool factored;                          // shared numbers are one a row and one a column
  bool opens;                             // settle(-1) comes before the first look
  bool passing;                           // looks in passing
  double (*fading)(const double* hyper);  // by how much a drift fades in a step, or null
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
  void (*visit)(void* rows, std::int64_t stride, std::int64_t bytes, const std::int64_t* ids, const void* g,
                std::int64_t n, std::int64_t dim);  // and for rows
  void (*lookup[3])(const Lookup&);                 // by Weight
  void (*bags[3])(const Lookup&);
  Narrow narrow[3];  // by Weight; `same` is empty
};

struct Hot {
  const char* level;
  const char* eigen;
  int kernels;
  const Kernel* const* kernel;
  Tools tools[2];
  const struct Trainer* trainer;    // models/model.hpp
  const struct Vectors* vectors;    // by Number, see vectors.hpp
  const struct Losses* losses;      // see losses.hpp
  const struct WordTrainer* words;  // see models/word2vec.hpp
};

}  // namespace schuss
