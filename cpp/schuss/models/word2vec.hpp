// Word vectors as they cross the border between the modules: tables, text, what one thread needs.
//
// A prediction has inputs h (rows of words, or means of rows) and outputs v with labels y in {0, 1}; its loss is the
// sum over all pairs of log(1 + e^-x) for y = 1 and log(1 + e^x) for y = 0, with x = <h, v> (Mikolov et al. 2013). The
// outputs are the centre and drawn words (negative sampling) or the nodes on the way to the centre (hierarchical
// softmax).
#pragma once
#include "../recipe.hpp"

namespace schuss {

constexpr std::int64_t piece_tokens = 2048;  // learned at one rate
constexpr int parts_of_round = 8;            // whose gradients are taken at the same weights, side by side
constexpr int shards = 8;                    // of rows that are stepped side by side
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

struct WordScratch {
  std::uint32_t* kept;        // words of a part of a sentence
  std::int64_t* position;     // and where they lie in the text
  std::int64_t* drawn;        // ring x groups x outputs
  int* counts;                // ring x groups
  int* reach;                 // ring: of the window
  std::int64_t* in_ids;       // rows
  std::int64_t* from;         // rows: the input a row belongs to
  std::int64_t* start;        // 0, 1, 2, ... rows
  float* inputs;              // inputs x numbers: means of rows
  float* in_g;                // inputs x numbers
  float* out_g;               // outputs x numbers
  float* scores;              // inputs x stride, and a pack
  float* side;                // stride: -1 for label 1, else 1
  float* shift;               // stride: far below 0 where there is no output
  float** in_rows;            // inputs
  float** out_rows;           // outputs
  float **stepped, **summed;  // rows; outputs: where their gradients go
  std::int64_t* merged[3];    // rows or outputs: ids, start and from without repeats
  float* buffer;              // numbers
};

// What a row takes of a part of a round: a multiple of a vector.
struct WordTerm {
  std::int64_t id;
  const float* vector;
  float factor;
  std::int32_t gradients;  // that it sums
};

// What a part of a round has for the rows of a table.
struct WordTerms {
  std::int64_t count;
  WordTerm *all, *ordered;  // as they came; by shard
  float* vectors;
  std::int64_t first[shards + 1];
  std::int32_t* place;  // of the calling thread, for each row of the table: where its term lies, or -1
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
  double loss = 0;                         // sum over all pairs
  std::int64_t predictions = 0, kept = 0;  // inputs; centres
};

// The rows of a shard of a table, to be stepped each once by what a round has for it.
struct WordShard {
  const WordTable* table;
  const WordTerms* const* terms;  // of each part
  int shard;
  std::int64_t most;  // gradients that a row takes in full
  Options options;
  std::int64_t time;
  std::int32_t* place;  // -1 for all rows
  std::int64_t *ids, *start;
  WordTerm* sorted;  // by row
  float *sums, *buffer;
};

struct WordTrainer {
  void (*learn)(WordLesson&);
  void (*apply)(const WordShard&);
};

}  // namespace schuss
