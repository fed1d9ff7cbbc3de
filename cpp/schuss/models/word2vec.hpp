// Word vectors as they cross the border between the modules: tables, text, what one thread needs.
//
// A prediction has inputs h (rows of words, or means of rows) and outputs v with labels y in {0, 1}; its loss is the
// sum over all pairs of log(1 + e^-x) for y = 1 and log(1 + e^x) for y = 0, with x = <h, v> (Mikolov et al. 2013). The
// outputs are the centre and drawn words (negative sampling) or the nodes on the way to the centre (hierarchical
// softmax).
#pragma once
#include <algorithm>
#include <cmath>

#include "../recipe.hpp"

namespace schuss {

constexpr std::int64_t piece_tokens = 2048;  // learned at one rate
constexpr int parts_of_round = 8;            // whose gradients are taken at the same weights, side by side
constexpr int most_shards = 8;               // of rows, which are stepped side by side; a power of two
constexpr int ring = 4;                      // centres that are drawn ahead, and the current one
constexpr int held = 16;                     // rows whose sums are held before they are stepped

// A row is [w | slot | slot ... | shared]; w and each slot have `numbers` floats, whole packs, zeros behind the first
// `dim`. A rule that folds over a row is shown `dim` of them, any other all: zeros stay zeros.
struct WordTable {
  float* rows;
  std::int64_t count, width, numbers, dim;
  const Typed* rule;
  int slots, shared;
  bool by_row;  // the rule folds over a row
};

struct WordModel {
  WordTable in, out;
  bool cbow, tree;
  int window, negative, share;  // share: most context words that share a draw of negatives
  std::int64_t words;
  const std::uint32_t* keep;        // a word is kept if its 32 bits are not above
  const std::uint32_t* alias;       // of negatives: threshold and other word, for each word
  const std::int64_t* path_start;   // tree: of each word
  const std::uint32_t* path;        // 2 node + code
  const std::int64_t* group_start;  // sub-words: rows of each word, or null
  const std::uint32_t* group;
};

// Scores of an input come in fours.
constexpr std::int64_t stride_of(std::int64_t outputs) { return (outputs + 3) / 4 * 4; }

// Sizes of a thread's memory.
struct WordSizes {
  std::int64_t contexts, outputs, groups, inputs, rows;  // of a centre; inputs: vectors; rows: behind them
  std::int64_t stride;                                   // of a row of scores
};

// What a part of a round keeps for a row: a sum of gradients, a copy of it that was stepped, or a move.
enum class WordKept { sums, copies, moves };
struct WordTerm {
  std::int64_t id;
  float* vector;
  WordTerm* next;  // of the same row, of a later part
  std::int64_t gradients;
};

struct WordScratch {
  std::uint32_t* kept;     // words of a part of a sentence
  std::int64_t* position;  // and where they lie in the text
  std::int64_t* drawn;     // ring x groups x outputs
  std::int32_t* touches;   // ring x groups x outputs: how often the round has the row, 1 for one that is a part's own
  int* counts;             // ring x groups
  int* reach;              // ring: of the window
  std::int64_t* in_ids;    // rows
  std::int64_t* from;      // rows: the input a row belongs to
  std::int64_t* start;     // 0, 1, 2, ... rows
  float* inputs;           // inputs x numbers: means of rows
  float *in_g, **in_to;    // inputs x numbers; inputs: the rows of it
  float* out_g;            // outputs x numbers
  float* scores;           // inputs x stride, and a pack
  float* side;             // stride: -1 for label 1, else 1
  float* shift;            // stride: far below 0 where there is no output
  float** in_rows;         // inputs
  float** out_rows;        // outputs
  WordTerm** seen;         // of kept words of a span, or null
  float **stepped, **summed;  // rows; outputs: where their gradients go
  float *rates, *stays;       // outputs: of their steps; whether they start from the row, as a mask
  std::int64_t* merged[3];    // rows or outputs: ids, start and from without repeats
  float* buffer;              // numbers
};

// What a part of a round keeps for the rows of a table.
struct WordTerms {
  std::int64_t count, most, numbers, shards;  // most: room; numbers of a vector
  WordTerm* all;
  float* vectors;
  std::int32_t *listed, listed_count[most_shards];  // shards x most: terms by shard, in each as they came
  std::int32_t* place;  // of the calling thread, for each row of the table: where its term lies, or -1
};

// A row with its terms.
struct WordRow {
  WordTerm *first, *last;
  std::int64_t gradients;
};

// How often a round has an output, and in which part it was seen last. Counts of earlier rounds mean nothing.
struct WordTouch {
  std::int64_t part;  // counted over all rounds
  std::int32_t count;
  bool shared;  // by some parts
};

// Kept words `left` .. `middle` - 1 are centres; `all` are kept, from `first` on.
struct WordSpan {
  std::int64_t first, left, middle, all;
};

// What a part of a round will learn: its spans of kept words, and for each block how many outputs, then their rows.
struct WordPlan {
  std::int64_t spans, outputs;
  WordSpan* span;
  std::uint32_t* kept;
  std::int64_t *position, *output;
};

// A sum of log(1 + e^x), of which the last logarithms are still to be taken: of 16 products.
struct WordLoss {
  static constexpr int lanes = 16;

  double sum = 0;
  int packs = 0;
  double product[lanes];
  float line[lanes] = {};

  WordLoss() { std::fill_n(product, lanes, 1.0); }
  double total() const {
    double all = sum;
    for (const float x : line) all += double(x);
    for (const double x : product) all += std::log(x);
    return all;
  }
};

// Tokens first .. last - 1 as centres, in order.
struct WordLesson {
  const WordModel* model;
  const std::uint32_t* ids;
  const std::int64_t* indptr;  // sentences
  std::int64_t sentence;       // of token `first`, or one before
  std::int64_t first, last;
  std::uint64_t key;  // of the seed and the epoch
  Options options;
  std::int64_t time;  // words seen before, and one more
  WordScratch scratch;
  WordSizes sizes;
  WordTerms *in_terms, *out_terms;         // or null: rows are stepped at once
  const WordPlan* plan;                    // or null: sums of gradients are kept
  WordLoss* loss;                          // goes on from here
  const WordTouch* touched;                // of each output
  std::int64_t most;                       // gradients that a row takes in full
  std::int64_t predictions = 0, kept = 0;  // inputs; centres
};

// The rows of a shard of a table, to be changed by what a round has for it.
struct WordShard {
  const WordTable* table;
  const WordTerms* const* terms;  // of each part
  WordKept kept;
  int shard;
  std::int64_t most;  // gradients that a row takes in full
  Options options;
  std::int64_t time;
  std::int32_t* place;  // -1 for all rows
  WordRow* rows;
  std::int64_t* ids;  // held
  float *sums, *buffer;
};

struct WordTrainer {
  void (*learn)(WordLesson&);
  void (*apply)(const WordShard&);
};

}  // namespace schuss
