// One optimizer's step as one list of work: all arrays of the tree, dense and sparse, in pieces with fixed borders.
// Pointers are checked before (bind/); here they are only used. Nothing is written before the gradients are looked at.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "access/coalesce.hpp"
#include "block.hpp"
#include "exact.hpp"
#include "recipe.hpp"
#include "train/team.hpp"

namespace schuss {

enum class NonFinite { raise, skip, propagate };
enum class Id { i32, i64, u32, u64 };
enum class Form { none, dense, rows, coords };

// A rule with its options, which Python may change, and what it makes of them in a step.
struct Recipe {
  const Kernel* kernel;
  Options options;
  bool used[2] = {};
  Step step[2];
};

struct Leaf {
  std::string name;
  Number number = f32;
  char* w = nullptr;
  std::int64_t size = 0, rows = 1, dim = 1;  // size = rows * dim; a one-dimensional array is one group of `dim`
  bool flat = false;                         // one-dimensional: ids name coordinates
  int recipe = 0;
  void* slots[most_slots] = {};
  void* shared = nullptr;
  char* mean = nullptr;  // of ema
  bool frozen = false;

  // Bytes from one row to the next; those of a table lie together with their slots.
  std::int64_t stride = 0, shared_stride = 0, together = 0;
  Weight weight = same;
  bool nearest = true;  // how 16-bit weights are rounded; else by seed, step, row and column
  std::uint64_t seed = 0;
  std::unique_ptr<Exact> exact;
  struct Ledger* ledger = nullptr;  // of a mapped file

  // This step's gradient.
  Form form = Form::none;
  const char* g = nullptr;
  const char* last = nullptr;  // the last dense gradient's memory
  Id id = Id::i64;
  const void* ids = nullptr;
  std::int64_t count = 0;
  Merged merged;

  // Accumulated: the sum of dense gradients, or all rows so far.
  char* sum = nullptr;
  Form gathered = Form::none;
  std::vector<std::int64_t> sum_ids;
  std::vector<char> sum_values;

  Step own;            // where the rule looks over the array
  double touched = 0;  // the kept term of its look, over the rows of this step

  std::int64_t bytes() const { return number == f32 ? 4 : 8; }
  bool table() const { return together > 0; }
  std::int64_t width() const { return form == Form::coords ? 1 : dim; }  // numbers per id
  std::int64_t bound() const { return form == Form::coords ? size : rows; }
};

// Why a step was refused; nothing has changed then.
struct Refusal {
  enum Kind { none, out_of_range, not_finite, norm, too_many } kind = none;
  std::size_t leaf = 0;
  std::int64_t at = 0;  // position in ids, or in the gradient's values
};

class Work {
 public:
  std::vector<Leaf> leaves;
  std::vector<Recipe> recipes;
  const Hot* hot = nullptr;
  double clip_norm = std::numeric_limits<double>::infinity();
  double clip_value = std::numeric_limits<double>::infinity();
  double ema = 0;
  int accumulate = 1, threads = 1;
  NonFinite nonfinite = NonFinite::raise;

  std::int64_t steps = 0, skipped = 0;
  int waiting = 0;  // gradients accumulated since the last step
  double norm = 0;  // of the last step's gradients, where clip_norm asked for it

  // Brings all rows up to date with the steps they missed.
  void flush() {
    for (Leaf& leaf : leaves) flush(leaf);
  }

  // Brings some rows up to date; ids have been checked and may repeat.
  void wake(Leaf& leaf, const std::int64_t* ids, std::int64_t n) {
    if (!leaf.exact || !leaf.exact->owes()) return;
    Merged some;
    coalesce_(ids, n, leaf.rows, threads, some);
    const Past past = leaf.exact->past(1 - ema);
    pieces_of(some.size(), leaf.dim, [&](std::int64_t first, std::int64_t last, int member) {
      Rows a = base(leaf, first, last, member);
      a.ids = some.ids.data();
      a.start = some.start.data();
      a.from = some.from.data();
      a.past = &past;
      typed(leaf).wake(a);
    });
  }

  // After the shape of a leaf has changed.
  void reshaped() { forms_.clear(); }

  Refusal step() {
    back_ = false;
    if (const Refusal r = merge(); r.kind) return r;
    if (const Refusal r = examine(); r.kind) return r;
    if (accumulate > 1) {
      gather();
      if (++waiting < accumulate) return {};
      present();
    }
    scale_ = 1;
    if (std::isfinite(clip_norm)) {
      if (accumulate > 1 || nonfinite == NonFinite::propagate) norm = std::sqrt(squares());
      if (norm > clip_norm) scale_ = clip_norm / norm;
    }
    for (std::size_t p = 0; p < pieces_.size(); ++p)
      if (foreign(leaves[pieces_[p].leaf])) open_.push_back(p);
    if (open_.empty()) finish();
    return {};
  }

  // The second half of a step: the rules that have kernels. Those without are stepped by the caller before, block by
  // block, see open().
  void finish() {
    take(scale_);
    if (accumulate > 1) clear();
    waiting = 0;
    ++steps;
    open_.clear();
  }

  // Ends a step that was not finished, without its second half.
  void abandon() {
    if (accumulate > 1) clear();
    waiting = 0;
    open_.clear();
  }

  // The blocks of the present step whose rules have no kernel.
  const std::vector<std::size_t>& blocks() const { return open_; }
  const Leaf& leaf_of(std::size_t block) const { return leaves[pieces_[block].leaf]; }
  std::size_t index_of(std::size_t block) const { return pieces_[block].leaf; }
  std::int64_t size_of(std::size_t block) const {
    const Piece& piece = pieces_[block];
    const Leaf& leaf = leaves[piece.leaf];
    return (piece.last - piece.first) * (leaf.form == Form::dense && !by_rows(leaf) ? 1 : leaf.width());
  }

  // Copies a block's weights, slots and gradient to where they lie close together; the gradient as a rule sees it.
  void open(std::size_t block, void* w, void* g, void* const* slots) {
    if (leaf_of(block).number == f32) open_as<float>(block, w, g, slots);
    else open_as<double>(block, w, g, slots);
  }

  // Puts weights and slots back, after what every rule does to the weights when it is done.
  void close(std::size_t block, void* w, const void* const* slots) {
    const Piece& piece = pieces_[block];
    Leaf& leaf = leaves[piece.leaf];
    if (leaf.number == f32) settle_as<float>(block, w);
    else settle_as<double>(block, w);
    const std::int64_t item = leaf.bytes();
    if (leaf.form == Form::dense && !by_rows(leaf)) {
      const Span a = span(leaf, piece);
      const auto bytes = std::size_t(a.n * item);
      std::memcpy(a.w, w, bytes);
      for (int k = 0; k < kernel(leaf).slots; ++k) std::memcpy(a.slots[k], slots[k], bytes);
      if (leaf.mean) average(leaf, piece.first, a.n);
      return;
    }
    const Rows a = rows(leaf, piece, 0);
    const std::int64_t bytes = a.dim * item;
    for (std::int64_t i = a.first; i < a.last; ++i) {
      const std::int64_t row = a.ids ? a.ids[i] : i, at = row * a.stride, from = (i - a.first) * bytes;
      char* const to = static_cast<char*>(a.w) + at;
      const char* const source = static_cast<const char*>(w) + from;
      if (a.narrow) a.narrow->round(reinterpret_cast<const float*>(source), to, a.dim, row, a.key, a.nearest);
      else std::memcpy(to, source, std::size_t(bytes));
      for (int k = 0; k < kernel(leaf).slots; ++k)
        std::memcpy(static_cast<char*>(a.slots[k]) + at, static_cast<const char*>(slots[k]) + from, std::size_t(bytes));
      if (leaf.mean) average_row(leaf, a, row);
    }
  }

 private:
  struct Piece {
    std::size_t leaf;
    std::int64_t first, last;  // numbers of a dense span, else rows or coordinates
  };

  // A leaf that is looked over, with its pieces.
  struct Course {
    std::size_t leaf, first, last;
  };

  static constexpr std::int64_t tile = 16384;       // numbers in a piece
  static constexpr std::int64_t cached = 1 << 20;   // bytes that a thread finds again
  static constexpr std::int64_t serial = 2 * tile;  // below, one thread does it all

  const Kernel& kernel(const Leaf& leaf) const { return *recipes[std::size_t(leaf.recipe)].kernel; }
  const Typed& typed(const Leaf& leaf) const { return kernel(leaf).number[leaf.number]; }
  const Tools& tools(const Leaf& leaf) const { return hot->tools[leaf.number]; }
  bool foreign(const Leaf& leaf) const { return !typed(leaf).at; }  // a factored rule has no span

  // A dense array whose rows are groups of their own is walked by rows; one group is looked over piece by piece.
  bool by_rows(const Leaf& leaf) const {
    return leaf.form == Form::dense &&
           ((kernel(leaf).group == 1 && leaf.rows > 1) || leaf.table() || kernel(leaf).factored);
  }
  bool looked(const Leaf& leaf) const {
    return kernel(leaf).group == 2 ||
           (kernel(leaf).group == 1 && leaf.form == Form::dense && leaf.rows == 1 && !leaf.table());
  }

  // ---- duplicates ------------------------------------------------------------------------------------------------

  Refusal merge() {
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      Leaf& leaf = leaves[i];
      if (leaf.form != Form::rows && leaf.form != Form::coords) continue;
      std::int64_t wrong = -1;
      const auto with = [&](const auto* ids) {
        wrong = coalesce_(ids, leaf.count, leaf.bound(), threads, leaf.merged);
      };
      switch (leaf.id) {
        case Id::i32: with(static_cast<const std::int32_t*>(leaf.ids)); break;
        case Id::i64: with(static_cast<const std::int64_t*>(leaf.ids)); break;
        case Id::u32: with(static_cast<const std::uint32_t*>(leaf.ids)); break;
        case Id::u64: with(static_cast<const std::uint64_t*>(leaf.ids)); break;
      }
      if (wrong >= 0) return {Refusal::out_of_range, i, wrong};
      if (wrong == Coalescer::too_many) return {Refusal::too_many, i, 0};
    }
    lay();
    return {};
  }

  // ---- pieces ----------------------------------------------------------------------------------------------------

  // Laid out anew only when the forms have changed or a leaf is sparse.
  void lay() {
    bool same = forms_.size() == leaves.size();
    for (std::size_t i = 0; i < leaves.size() && same; ++i)
      same = forms_[i] == leaves[i].form && (forms_[i] == Form::none || forms_[i] == Form::dense);
    if (same) return;
    forms_.clear();
    pieces_.clear();
    load_ = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const Leaf& leaf = leaves[i];
      forms_.push_back(leaf.form);
      if (leaf.form == Form::none) continue;
      const bool dense = leaf.form == Form::dense, rows = by_rows(leaf);
      const std::int64_t units = rows ? leaf.rows : dense ? leaf.size : leaf.merged.size();
      const std::int64_t width = dense && !rows ? 1 : leaf.width();
      // A factored rule sums columns piece by piece, so pieces are not a few rows only.
      const std::int64_t least = kernel(leaf).factored ? 64 : 1;
      const std::int64_t each = std::max<std::int64_t>(least, tile / std::max<std::int64_t>(width, 1));
      if (dense) {
        for (std::int64_t first = 0; first < units; first += each)
          pieces_.push_back({i, first, std::min(first + each, units)});
        load_ += units * width;
      } else {
        lay_sparse(i, units, each);
        load_ += std::int64_t(leaf.merged.from.size()) * width;
      }
    }
    divide();
  }

  // Neighbouring small pieces make one task; in the step so do the pieces of a leaf that is looked over, so that its
  // second reading is of the thread's cache. Leaves too large for that, or for an even load, are courses of the team.
  void divide() {
    tasks_.assign(1, 0);
    steps_.clear();
    courses_.clear();
    std::int64_t weight = 0, own = 0;
    std::size_t p = 0, start = 0;
    const auto close = [&](std::size_t end) {
      if (end > start) steps_.emplace_back(start, end);
      start = end;
      own = 0;
    };
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const Leaf& leaf = leaves[i];
      if (leaf.form == Form::none) continue;
      const std::size_t first = p;
      const std::int64_t width = leaf.form == Form::dense && !by_rows(leaf) ? 1 : leaf.width();
      const bool watched = looked(leaf);
      std::int64_t all = 0;
      for (; p < pieces_.size() && pieces_[p].leaf == i; ++p) {
        const std::int64_t numbers = (pieces_[p].last - pieces_[p].first) * width;
        weight += numbers;
        own += numbers;
        all += numbers;
        if (weight >= tile / 2) {
          tasks_.push_back(p + 1);
          weight = 0;
        }
        if (!watched && own >= tile / 2) close(p + 1);
      }
      if (!watched) continue;
      const bool even = all * 4 * threads <= load_, fits = all * leaf.bytes() * (2 + kernel(leaf).slots) <= cached;
      if (p > first && (all <= tile || (even && fits))) {
        if (own >= tile / 2) close(p);
      } else {
        close(first);
        courses_.push_back({i, first, p});
        start = p;
      }
    }
    close(pieces_.size());
    if (tasks_.back() < pieces_.size()) tasks_.push_back(pieces_.size());
  }

  // Pieces of about equal work: a row costs what its gradients cost, and two for itself.
  void lay_sparse(std::size_t index, std::int64_t units, std::int64_t each) {
    const auto& start = leaves[index].merged.start;
    std::int64_t first = 0;
    while (first < units) {
      const std::int64_t end = start[std::size_t(first)] + 2 * first + each;
      std::int64_t low = first + 1, high = units;
      while (low < high) {
        const std::int64_t middle = (low + high) / 2;
        if (start[std::size_t(middle)] + 2 * middle < end) low = middle + 1;
        else high = middle;
      }
      pieces_.push_back({index, first, low});
      first = low;
    }
  }

  // Calls f(first, last, member) for pieces of `units` rows of `width` numbers.
  template <class F>
  void pieces_of(std::int64_t units, std::int64_t width, const F& f) {
    const std::int64_t each = std::max<std::int64_t>(1, tile / std::max<std::int64_t>(width, 1));
    Team::get().run((units + each - 1) / each, units * width < serial ? 1 : threads,
                    [&](std::int64_t task, int member) { f(task * each, std::min(units, (task + 1) * each), member); });
  }

  // Passes go there and back: each begins where the one before has ended, with what is still in a thread's cache.
  template <class F>
  void for_pieces(const F& f) {
    in_turn(tasks_.size() - 1, [&](std::size_t task, int member) {
      for (std::size_t p = tasks_[task]; p < tasks_[task + 1]; ++p) f(p, member);
    });
  }
  template <class F>
  void in_turn(std::size_t count, const F& f) {
    const auto tasks = std::int64_t(count);
    const int members = Team::members(tasks, load_ < serial ? 1 : threads);
    const bool back = back_;
    back_ = !back;
    Team::get().run(tasks, members, [&](std::int64_t task, int member) {
      if (!back) return f(std::size_t(task), member);
      const std::int64_t own = Team::owner(task, tasks, members);
      f(std::size_t(Team::first(own, tasks, members) + Team::first(own + 1, tasks, members) - 1 - task), member);
    });
  }

  Span span(const Leaf& leaf, const Piece& piece) const {
    const std::int64_t offset = piece.first * leaf.bytes();
    Span a{leaf.w + offset, {}, leaf.g + offset, piece.last - piece.first};
    for (int k = 0; k < kernel(leaf).slots; ++k) a.slots[k] = static_cast<char*>(leaf.slots[k]) + offset;
    return a;
  }

  // Rows of a leaf without their gradient.
  Rows base(const Leaf& leaf, std::int64_t first, std::int64_t last, int member) {
    Rows a{};
    a.w = leaf.w;
    std::copy_n(leaf.slots, most_slots, a.slots);
    a.shared = leaf.shared;
    a.first = first;
    a.last = last;
    a.dim = leaf.width();
    const bool single = leaf.form == Form::coords;
    a.stride = single ? leaf.bytes() : leaf.stride;
    a.shared_stride = leaf.shared_stride;
    a.together = leaf.together;
    if (leaf.weight) {
      a.narrow = &tools(leaf).narrow[leaf.weight];
      a.wide = static_cast<float*>(buffer(wide_, member, leaf));
    }
    a.key = mixed_key(leaf);
    a.nearest = leaf.nearest;
    a.mean = leaf.mean;
    a.mean_stride = a.dim * leaf.bytes();
    a.member = member;
    return a;
  }

  Rows rows(const Leaf& leaf, const Piece& piece, int member) {
    Rows a = base(leaf, piece.first, piece.last, member);
    a.g = leaf.g;
    if (leaf.form != Form::dense || kernel(leaf).factored) a.buffer = buffer(sums_, member, leaf);
    if (leaf.form == Form::dense) return a;
    a.ids = leaf.merged.ids.data();
    a.start = leaf.merged.start.data();
    a.from = leaf.merged.from.data();
    return a;
  }

  // Random bits of a step: of the seed and how many steps there have been.
  std::uint64_t mixed_key(const Leaf& leaf) const {
    return leaf.seed * 0xD1342543DE82EF95ull + std::uint64_t(steps) * 0xAF251AF3B0F025B5ull;
  }

  Coords coords(const Leaf& leaf, const Piece& piece) const {
    Coords a{leaf.w,      {},        leaf.g, leaf.merged.ids.data(), leaf.merged.start.data(), leaf.merged.from.data(),
             piece.first, piece.last};
    std::copy_n(leaf.slots, most_slots, a.slots);
    return a;
  }

  using Buffers = std::vector<std::unique_ptr<Block>>;  // one for each member of the team

  static void* buffer(Buffers& buffers, int member, const Leaf& leaf) {
    auto& own = buffers[std::size_t(member)];
    const auto need = std::size_t((leaf.weight ? rows_at_once : 1) * leaf.dim * leaf.bytes());
    if (!own || own->bytes < need) own = std::make_unique<Block>(need);
    return own->base;
  }

  // ---- looking at gradients --------------------------------------------------------------------------------------

  Refusal examine() {
    if (nonfinite == NonFinite::propagate) return {};
    const bool now = std::isfinite(clip_norm) && accumulate == 1;  // the norm is needed, and of these very gradients
    double sum = 0;
    if (now && nonfinite == NonFinite::raise && !std::isfinite(clip_value)) {
      sum = squares();  // unclipped: finite only if every number is
      if (std::isfinite(sum)) return measured(sum);
    }
    wrong_.resize(leaves.size());
    for (std::size_t i = 0; i < leaves.size(); ++i) wrong_[i] = first_wrong(leaves[i]);
    bad_.resize(pieces_.size());
    for_pieces([&](std::size_t p, int) {
      const Leaf& leaf = leaves[pieces_[p].leaf];
      bad_[p] = leaf.form == Form::dense || wrong_[pieces_[p].leaf] >= 0 ? first_bad(pieces_[p]) : -1;
    });
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      if (bad_[p] < 0) continue;
      const std::size_t leaf = pieces_[p].leaf;
      if (nonfinite == NonFinite::raise)
        return {Refusal::not_finite, leaf, leaves[leaf].form == Form::dense ? bad_[p] : wrong_[leaf]};
      skip(leaves[leaf]);
    }
    lay();
    return now ? measured(squares()) : Refusal{};
  }

  // Position of the first non-finite value of a sparse gradient, or -1: in one stream, whatever rows they belong to.
  std::int64_t first_wrong(const Leaf& leaf) {
    if (leaf.form != Form::rows && leaf.form != Form::coords) return -1;
    const std::int64_t n = leaf.count * leaf.width();
    bad_.assign(std::size_t((n + tile - 1) / tile), -1);
    pieces_of(n, 1, [&](std::int64_t first, std::int64_t last, int) {
      const std::int64_t at = tools(leaf).not_finite(leaf.g + first * leaf.bytes(), last - first);
      if (at >= 0) bad_[std::size_t(first / tile)] = first + at;
    });
    for (const std::int64_t at : bad_)
      if (at >= 0) return at;
    return -1;
  }

  // Keeps the norm, or refuses one that overflows: it would scale every gradient to zero.
  Refusal measured(double sum) {
    if (!std::isfinite(sum)) return {Refusal::norm, 0, 0};
    norm = std::sqrt(sum);
    return {};
  }

  // Position of the piece's first non-finite value in the gradient as given, or -1.
  std::int64_t first_bad(const Piece& piece) const {
    const Leaf& leaf = leaves[piece.leaf];
    const auto& not_finite = tools(leaf).not_finite;
    if (leaf.form == Form::dense) {
      const std::int64_t width = by_rows(leaf) ? leaf.dim : 1, first = piece.first * width;
      const std::int64_t at = not_finite(leaf.g + first * leaf.bytes(), (piece.last - piece.first) * width);
      return at < 0 ? -1 : first + at;
    }
    const Merged& m = leaf.merged;
    std::int64_t least = -1;
    for (std::int64_t k = m.start[std::size_t(piece.first)]; k < m.start[std::size_t(piece.last)]; ++k) {
      const std::int64_t first = m.from[std::size_t(k)] * leaf.width();
      const std::int64_t at = not_finite(leaf.g + first * leaf.bytes(), leaf.width());
      if (at >= 0 && (least < 0 || first + at < least)) least = first + at;
    }
    return least;
  }

  // Leaves out a whole dense array, or the bad rows of a sparse one, and counts them.
  void skip(Leaf& leaf) {
    if (leaf.form == Form::none) return;
    if (leaf.form == Form::dense) {
      leaf.form = Form::none;
      ++skipped;
      return;
    }
    Merged kept;
    Merged& m = leaf.merged;
    for (std::size_t i = 0; i < m.ids.size(); ++i) {
      const Piece row{std::size_t(&leaf - leaves.data()), std::int64_t(i), std::int64_t(i) + 1};
      if (first_bad(row) >= 0) {
        ++skipped;
        continue;
      }
      kept.ids.push_back(m.ids[i]);
      kept.start.push_back(std::int64_t(kept.from.size()));
      kept.from.insert(kept.from.end(), m.from.begin() + m.start[i], m.from.begin() + m.start[i + 1]);
    }
    kept.start.push_back(std::int64_t(kept.from.size()));
    m = std::move(kept);
  }

  double unit(const Leaf& leaf) const { return recipes[std::size_t(leaf.recipe)].options.sign() / accumulate; }

  // Sum of squares over all gradients, duplicates merged and values clipped; piece by piece, in order.
  double squares() {
    found_.assign(pieces_.size(), 0);
    for_pieces([&](std::size_t p, int member) {
      const Piece& piece = pieces_[p];
      const Leaf& leaf = leaves[piece.leaf];
      const Tools& tool = tools(leaf);
      const double u = unit(leaf);
      if (leaf.form == Form::rows) {
        found_[p] = tool.squares_rows(rows(leaf, piece, member), u, clip_value);
      } else if (leaf.form == Form::coords) {
        found_[p] = tool.squares_coords(coords(leaf, piece), u, clip_value);
      } else {
        const std::int64_t width = by_rows(leaf) ? leaf.dim : 1;
        const char* g = leaf.g + piece.first * width * leaf.bytes();
        found_[p] = tool.squares(g, (piece.last - piece.first) * width, u, clip_value);
      }
    });
    double sum = 0;
    for (const double f : found_) sum += f;
    return sum;
  }

  // ---- accumulation ----------------------------------------------------------------------------------------------

  void gather() {
    for_pieces([&](std::size_t p, int) {
      const Piece& piece = pieces_[p];
      Leaf& leaf = leaves[piece.leaf];
      if (leaf.form != Form::dense) return;
      const std::int64_t width = by_rows(leaf) ? leaf.dim : 1, offset = piece.first * width * leaf.bytes();
      tools(leaf).add(leaf.sum + offset, leaf.g + offset, (piece.last - piece.first) * width);
    });
    for (Leaf& leaf : leaves) {
      if (leaf.form == Form::none) continue;
      leaf.gathered = leaf.form;
      if (leaf.form == Form::dense) continue;
      const std::int64_t row = leaf.width() * leaf.bytes();
      for (std::size_t i = 0; i < leaf.merged.ids.size(); ++i)
        for (std::int64_t k = leaf.merged.start[i]; k < leaf.merged.start[i + 1]; ++k) {
          leaf.sum_ids.push_back(leaf.merged.ids[i]);
          const char* from = leaf.g + leaf.merged.from[std::size_t(k)] * row;
          leaf.sum_values.insert(leaf.sum_values.end(), from, from + row);
        }
    }
  }

  // What was gathered becomes the step's gradient.
  void present() {
    for (Leaf& leaf : leaves) {
      leaf.form = leaf.frozen ? Form::none : leaf.gathered;
      if (leaf.form == Form::none) continue;
      leaf.g = leaf.form == Form::dense ? leaf.sum : leaf.sum_values.data();
      if (leaf.form == Form::dense) continue;
      leaf.count = std::int64_t(leaf.sum_ids.size());
      coalesce_(leaf.sum_ids.data(), leaf.count, leaf.bound(), threads, leaf.merged);
    }
    lay();
  }

  void clear() {
    for (Leaf& leaf : leaves) {
      if (leaf.gathered == Form::dense) std::memset(leaf.sum, 0, std::size_t(leaf.size * leaf.bytes()));
      leaf.sum_ids.clear();
      leaf.sum_values.clear();
      leaf.gathered = Form::none;
    }
  }

  // ---- the step itself -------------------------------------------------------------------------------------------

  void take(double scale) {
    for (Recipe& r : recipes) {
      const Before before = r.options.before(1.0 / accumulate, clip_value, scale);
      for (const int number : {f32, f64})
        if (r.used[number] && r.kernel->number[number].at)
          r.kernel->number[number].at(r.options.hyper(), before, r.options.after(), steps + 1, &r.step[number]);
    }
    for (Leaf& leaf : leaves)
      if (leaf.exact && leaf.form != Form::none) catch_up(leaf);
    found_.resize(pieces_.size() * most_folds);
    in_turn(steps_.size(), [&](std::size_t task, int member) {
      const auto alone = [&](std::size_t n, const auto& f) {
        for (std::size_t i = 0; i < n; ++i) f(i, member);
      };
      const auto [first, last] = steps_[task];
      for (std::size_t p = first, end = p; p < last; p = end) {
        const std::size_t leaf = pieces_[p].leaf;
        end = p + 1;
        if (looked(leaves[leaf])) {
          while (end < last && pieces_[end].leaf == leaf) ++end;
          run({leaf, p, end}, factors_[std::size_t(member)], alone);
        } else if (!foreign(leaves[leaf])) {
          apply(p, member);
        }
      }
    });
    for (const Course& course : courses_)
      run(course, factors_[0], [&](std::size_t n, const auto& f) { in_turn(n, f); });
    for (Leaf& leaf : leaves)
      if (leaf.exact && leaf.form != Form::none) pass(leaf);
  }

  // ---- exact mode ------------------------------------------------------------------------------------------------

  void flush(Leaf& leaf) {
    if (!leaf.exact || !leaf.exact->owes()) return;
    const Past past = leaf.exact->past(1 - ema);
    const bool single = leaf.flat && !leaf.table();
    const Form form = leaf.form;
    leaf.form = single ? Form::coords : Form::rows;
    pieces_of(single ? leaf.size : leaf.rows, leaf.width(), [&](std::int64_t first, std::int64_t last, int member) {
      Rows a = base(leaf, first, last, member);
      a.past = &past;
      typed(leaf).wake(a);
    });
    leaf.form = form;
    leaf.exact->settled(false);
  }

  // Before the step: what must be up to date now. Present rows catch up as the step comes to them, but a look needs all
  // of them before.
  void catch_up(Leaf& leaf) {
    if (leaf.form == Form::dense || leaf.exact->full()) flush(leaf);
    if (!looked(leaf) || leaf.form == Form::dense) return;
    if (kernel(leaf).whole >= 0 && leaf.exact->whole < 0) leaf.exact->whole = look_at_all(leaf);
    const Past past = leaf.exact->past(1 - ema);
    if (!leaf.exact->owes()) return;
    pieces_of(leaf.merged.size(), leaf.width(), [&](std::int64_t first, std::int64_t last, int member) {
      Rows a = rows(leaf, {0, first, last}, member);
      a.past = &past;
      typed(leaf).wake(a);
    });
  }

  // After the step.
  void pass(Leaf& leaf) {
    const Step& step = looked(leaf) ? leaf.own : recipes[std::size_t(leaf.recipe)].step[leaf.number];
    if (leaf.form == Form::dense) {
      leaf.exact->settled(true);
      leaf.exact->whole = -1;
      return;
    }
    Gap one;
    typed(leaf).idle(&step, 1 - ema, &one);
    if (looked(leaf) && kernel(leaf).whole >= 0) {
      double& whole = leaf.exact->whole;
      whole = std::max(0.0, whole - leaf.touched) * one.cc * one.cc + look_at(leaf, leaf.merged, leaf.g);
    }
    const auto fading = kernel(leaf).fading;
    leaf.exact->passed(one, &step, fading ? fading(recipes[std::size_t(leaf.recipe)].options.hyper()) : 0);
  }

  // The kept term of the look over some rows, in pieces with fixed borders.
  double look_at(Leaf& leaf, const Merged& some, const char* g) {
    constexpr std::int64_t each = 1024;
    const std::int64_t pieces = (some.size() + each - 1) / each;
    std::vector<double> found(std::size_t(pieces) * most_folds, 0.0);
    Team::get().run(pieces, threads, [&](std::int64_t p, int member) {
      Rows a = base(leaf, p * each, std::min(some.size(), (p + 1) * each), member);
      a.g = g;
      a.ids = some.ids.data();
      a.start = some.start.data();
      a.from = some.from.data();
      a.buffer = buffer(sums_, member, leaf);
      typed(leaf).look_rows(0, a, &leaf.own, &found[std::size_t(p) * most_folds]);
    });
    double sum = 0;
    for (std::int64_t p = 0; p < pieces; ++p) sum += found[std::size_t(p * most_folds + kernel(leaf).whole)];
    return sum;
  }

  double look_at_all(Leaf& leaf) {
    const std::int64_t units = leaf.bound();
    const std::vector<char> zeros(std::size_t(leaf.width() * leaf.bytes()), 0);
    Merged all;
    all.ids.resize(std::size_t(units));
    all.start.resize(std::size_t(units) + 1);
    all.from.assign(std::size_t(units), 0);
    for (std::int64_t i = 0; i <= units; ++i) all.start[std::size_t(i)] = i;
    std::copy_n(all.start.begin(), units, all.ids.begin());
    leaf.own = recipes[std::size_t(leaf.recipe)].step[leaf.number];
    return look_at(leaf, all, zeros.data());
  }

  // A leaf's looks and its step; walk(n, f) calls f(i, member) for all i < n.
  template <class Walk>
  void run(const Course& course, std::vector<double>& sums, const Walk& walk) {
    Leaf& leaf = leaves[course.leaf];
    const Kernel& rule = kernel(leaf);
    const std::size_t pieces = course.last - course.first;
    leaf.own = recipes[std::size_t(leaf.recipe)].step[leaf.number];
    if (rule.opens) typed(leaf).settle(-1, nullptr, leaf.size, leaf.shared, &leaf.own);
    const bool found = rule.passing || (rule.factored && pieces > 0 && factor(course, sums, walk));
    const bool any = pieces > 0 || leaf.exact;  // a step without rows still moves what the rows share
    for (int k = 0; k < rule.looks && any && !found; ++k) {
      walk(pieces, [&](std::size_t i, int member) { look(k, course.first + i, member); });
      settle(leaf, k, course.first, course.last);
    }
    walk(pieces, [&](std::size_t i, int member) { apply(course.first + i, member); });
    if (rule.passing && any) settle(leaf, 0, course.first, course.last);
  }

  double* folded(const Leaf& leaf, int k, std::size_t p) {
    double* const found = &found_[p * most_folds];
    std::fill_n(found, most_folds, start(leaf, k));
    return found;
  }

  void look(int k, std::size_t p, int member) {
    const Piece& piece = pieces_[p];
    const Leaf& leaf = leaves[piece.leaf];
    double* const found = folded(leaf, k, p);
    if (leaf.form == Form::rows || (leaf.form == Form::coords && leaf.exact) || by_rows(leaf))
      typed(leaf).look_rows(k, rows(leaf, piece, member), &leaf.own, found);
    else if (leaf.form == Form::coords) typed(leaf).look_coords(k, coords(leaf, piece), &leaf.own, found);
    else typed(leaf).look(k, span(leaf, piece), &leaf.own, found);
  }

  // New means of a matrix's rows and columns; whether they tell what a look would find.
  template <class Walk>
  bool factor(const Course& course, std::vector<double>& sums, const Walk& walk) {
    Leaf& leaf = leaves[course.leaf];
    const std::size_t pieces = course.last - course.first, room = std::size_t(factor_room(leaf.dim));
    sums.resize(std::max(sums.size(), pieces * room));
    walk(pieces, [&](std::size_t i, int member) {
      typed(leaf).sums(rows(leaf, pieces_[course.first + i], member), &leaf.own, &sums[i * room]);
    });
    return typed(leaf).average(base(leaf, 0, leaf.rows, 0), &leaf.own, sums.data(), std::int64_t(pieces));
  }

  double start(const Leaf& leaf, int k) const {
    return kernel(leaf).folds_max[k] ? -std::numeric_limits<double>::infinity() : 0.0;
  }

  void settle(Leaf& leaf, int k, std::size_t first, std::size_t last) {
    double folded[most_folds];
    std::fill_n(folded, most_folds, start(leaf, k));
    for (std::size_t p = first; p < last; ++p)
      for (int j = 0; j < most_folds; ++j) {
        const double f = found_[p * most_folds + std::size_t(j)];
        folded[j] = kernel(leaf).folds_max[k] ? std::max(folded[j], f) : folded[j] + f;
      }
    const int whole = kernel(leaf).whole;
    if (leaf.exact && leaf.form != Form::dense && whole >= 0) {  // absent rows have their part in it
      leaf.touched = folded[whole];
      folded[whole] = leaf.exact->whole;
    }
    typed(leaf).settle(k, folded, leaf.size, leaf.shared, &leaf.own);
  }

  void apply(std::size_t p, int member) {
    const Piece& piece = pieces_[p];
    Leaf& leaf = leaves[piece.leaf];
    const Step* const step = looked(leaf) ? &leaf.own : &recipes[std::size_t(leaf.recipe)].step[leaf.number];
    if (leaf.form == Form::coords && !leaf.exact) {
      typed(leaf).coords(coords(leaf, piece), step);
      for (std::int64_t i = piece.first; i < piece.last && leaf.mean; ++i)
        average(leaf, leaf.merged.ids[std::size_t(i)], 1);
    } else if (leaf.form != Form::dense || by_rows(leaf)) {
      Rows a = rows(leaf, piece, member);
      Past past;
      if (leaf.exact && leaf.form != Form::dense) {
        past = leaf.exact->past(1 - ema);
        a.past = &past;
      }
      typed(leaf).rows(a, step);
      for (std::int64_t i = piece.first; i < piece.last && leaf.mean; ++i) average_row(leaf, a, a.ids ? a.ids[i] : i);
    } else {
      if (kernel(leaf).passing) {
        typed(leaf).pass(span(leaf, piece), step, folded(leaf, 0, p));
      } else {
        typed(leaf).span(span(leaf, piece), step);
      }
      if (leaf.mean) average(leaf, piece.first, piece.last - piece.first);
    }
  }

  template <class T>
  void open_as(std::size_t block, void* to_w, void* to_g, void* const* to_slots) {
    const Piece& piece = pieces_[block];
    const Leaf& leaf = leaves[piece.leaf];
    T* const w = static_cast<T*>(to_w);
    T* const g = static_cast<T*>(to_g);
    const std::int64_t n = size_of(block);
    if (leaf.form == Form::dense && !by_rows(leaf)) {
      const Span a = span(leaf, piece);
      std::memcpy(w, a.w, std::size_t(n) * sizeof(T));
      std::memcpy(g, a.g, std::size_t(n) * sizeof(T));
      for (int k = 0; k < kernel(leaf).slots; ++k) std::memcpy(to_slots[k], a.slots[k], std::size_t(n) * sizeof(T));
    } else {
      const Rows a = rows(leaf, piece, 0);
      const auto bytes = std::size_t(a.dim) * sizeof(T);
      for (std::int64_t i = a.first; i < a.last; ++i) {
        const std::int64_t at = (a.ids ? a.ids[i] : i) * a.stride, to = (i - a.first) * a.dim;
        const char* const from = static_cast<const char*>(a.w) + at;
        if (a.narrow) a.narrow->widen(from, reinterpret_cast<float*>(w + to), a.dim);
        else std::memcpy(w + to, from, bytes);
        for (int k = 0; k < kernel(leaf).slots; ++k)
          std::memcpy(static_cast<T*>(to_slots[k]) + to, static_cast<const char*>(a.slots[k]) + at, bytes);
        const T* const values = static_cast<const T*>(a.g);
        const std::int64_t first = a.start ? a.start[i] : i, last = a.start ? a.start[i + 1] : i + 1;
        std::memcpy(g + to, values + (a.start ? a.from[first] : i) * a.dim, bytes);
        for (std::int64_t k = first + 1; k < last; ++k)
          for (std::int64_t j = 0; j < a.dim; ++j) g[to + j] += values[a.from[k] * a.dim + j];
      }
    }
    const Before b = recipes[std::size_t(leaf.recipe)].options.before(1.0 / accumulate, clip_value, scale_);
    if (b.unit == 1 && std::isinf(b.limit) && b.scale == 1 && b.decay == 0 && b.keep == 1) return;
    const T unit = T(b.unit), limit = T(b.limit), scale = T(b.scale), decay = T(b.decay), keep = T(b.keep);
    for (std::int64_t j = 0; j < n; ++j) {
      g[j] = scale * std::min(std::max(unit * g[j], -limit), limit) + decay * w[j];
      w[j] = keep * w[j];
    }
  }

  template <class T>
  void settle_as(std::size_t block, void* weights) {
    const After a = recipes[std::size_t(leaf_of(block).recipe)].options.after();
    if (a.shrink == 0 && std::isinf(a.low) && std::isinf(a.high)) return;
    T* const w = static_cast<T*>(weights);
    const T shrink = T(a.shrink), low = T(a.low), high = T(a.high);
    for (std::int64_t j = 0, n = size_of(block); j < n; ++j) {
      const T size = std::max(std::abs(w[j]) - shrink, T(0));
      w[j] = std::min(std::max(w[j] > 0 ? size : w[j] < 0 ? -size : T(0), low), high);
    }
  }

  void average(Leaf& leaf, std::int64_t first, std::int64_t n) const {
    const std::int64_t offset = first * leaf.bytes();
    tools(leaf).average(leaf.mean + offset, leaf.w + offset, n, ema);
  }

  void average_row(Leaf& leaf, const Rows& a, std::int64_t row) const {
    tools(leaf).average(leaf.mean + row * a.mean_stride, leaf.w + row * a.stride, a.dim, ema);
  }

  Coalescer coalesce_;
  std::vector<Form> forms_;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> tasks_{0}, open_;
  std::vector<std::pair<std::size_t, std::size_t>> steps_;
  std::vector<Course> courses_;
  double scale_ = 1;   // of norm clipping
  bool back_ = false;  // the next pass goes back
  std::int64_t load_ = 0;
  std::vector<double> found_;                                          // of looks, piece by piece
  std::vector<std::vector<double>> factors_{std::size_t(Team::most)};  // of a member's matrix
  std::vector<std::int64_t> bad_, wrong_;
  Buffers sums_{std::size_t(Team::most)}, wide_{std::size_t(Team::most)};
};

}  // namespace schuss
