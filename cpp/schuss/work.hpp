// One optimizer's step as one list of work: all arrays of the tree, dense and sparse, in pieces with fixed borders.
// Pointers are checked before (bind/); here they are only used. Nothing is written before the gradients are looked at.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "access/coalesce.hpp"
#include "kernel.hpp"
#include "train/team.hpp"

namespace schuss {

enum class NonFinite { raise, skip, propagate };
enum class Id { i32, i64, u32, u64 };
enum class Form { none, dense, rows, coords };

struct alignas(64) Step {
  std::byte bytes[step_bytes];
};

// A rule with its numbers: weight_decay, decoupled, maximize, then the rule's own, lr first. Python may change them.
struct Recipe {
  const Kernel* kernel;
  const double* options;
  bool used[2] = {};
  Step step[2];

  static constexpr int common = 3;
  const double* hyper() const { return options + common; }
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

  Step own;  // where the rule looks over the array

  std::int64_t bytes() const { return number == f32 ? 4 : 8; }
  std::int64_t width() const { return form == Form::coords ? 1 : dim; }  // numbers per id
  std::int64_t bound() const { return form == Form::coords ? size : rows; }
};

// Why a step was refused; nothing has changed then.
struct Refusal {
  enum Kind { none, out_of_range, not_finite, norm } kind = none;
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

  Refusal step() {
    if (const Refusal r = merge(); r.kind) return r;
    if (const Refusal r = examine(); r.kind) return r;
    if (accumulate > 1) {
      gather();
      if (++waiting < accumulate) return {};
      present();
    }
    double scale = 1;
    if (std::isfinite(clip_norm)) {
      if (accumulate > 1 || nonfinite == NonFinite::propagate) norm = std::sqrt(squares());
      if (norm > clip_norm) scale = clip_norm / norm;
    }
    take(scale);
    if (accumulate > 1) clear();
    waiting = 0;
    ++steps;
    return {};
  }

 private:
  struct Piece {
    std::size_t leaf;
    std::int64_t first, last;  // numbers of a dense span, else rows or coordinates
  };

  static constexpr std::int64_t tile = 16384;       // numbers in a piece
  static constexpr std::int64_t serial = 2 * tile;  // below, one thread does it all

  const Kernel& kernel(const Leaf& leaf) const { return *recipes[std::size_t(leaf.recipe)].kernel; }
  const Typed& typed(const Leaf& leaf) const { return kernel(leaf).number[leaf.number]; }
  const Tools& tools(const Leaf& leaf) const { return hot->tools[leaf.number]; }

  // A dense array whose rows are groups of their own is walked by rows; one group is looked over piece by piece.
  bool by_rows(const Leaf& leaf) const { return leaf.form == Form::dense && kernel(leaf).group == 1 && leaf.rows > 1; }
  bool looked(const Leaf& leaf) const {
    return kernel(leaf).group == 2 || (kernel(leaf).group == 1 && leaf.form == Form::dense && leaf.rows == 1);
  }

  template <class F>
  void run(std::size_t tasks, const F& f) {
    Team::get().run(std::int64_t(tasks), load_ < serial ? 1 : threads, f);
  }

  // ---- duplicates ------------------------------------------------------------------------------------------------

  Refusal merge() {
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      Leaf& leaf = leaves[i];
      if (leaf.form != Form::rows && leaf.form != Form::coords) continue;
      std::int64_t wrong = -1;
      const auto with = [&](const auto* ids) {
        wrong = out_of_range(ids, leaf.count, leaf.bound());
        if (wrong < 0) coalesce_(ids, leaf.count, leaf.bound(), leaf.merged);
      };
      switch (leaf.id) {
        case Id::i32: with(static_cast<const std::int32_t*>(leaf.ids)); break;
        case Id::i64: with(static_cast<const std::int64_t*>(leaf.ids)); break;
        case Id::u32: with(static_cast<const std::uint32_t*>(leaf.ids)); break;
        case Id::u64: with(static_cast<const std::uint64_t*>(leaf.ids)); break;
      }
      if (wrong >= 0) return {Refusal::out_of_range, i, wrong};
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
      const std::int64_t each = std::max<std::int64_t>(1, tile / std::max<std::int64_t>(width, 1));
      for (std::int64_t first = 0; first < units; first += each)
        pieces_.push_back({i, first, std::min(first + each, units)});
      load_ += units * width;
    }
    // Neighbouring small pieces make one task.
    tasks_.assign(1, 0);
    std::int64_t weight = 0;
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      const Leaf& leaf = leaves[pieces_[p].leaf];
      const bool single = leaf.form == Form::dense && !by_rows(leaf);
      weight += (pieces_[p].last - pieces_[p].first) * (single ? 1 : leaf.width());
      if (weight >= tile / 2 || p + 1 == pieces_.size()) {
        tasks_.push_back(p + 1);
        weight = 0;
      }
    }
  }

  template <class F>
  void for_pieces(const F& f) {
    run(tasks_.size() - 1, [&](std::int64_t task, int member) {
      for (std::size_t p = tasks_[std::size_t(task)]; p < tasks_[std::size_t(task) + 1]; ++p) f(p, member);
    });
  }

  Span span(const Leaf& leaf, const Piece& piece) const {
    const std::int64_t offset = piece.first * leaf.bytes();
    Span a{leaf.w + offset, {}, leaf.g + offset, piece.last - piece.first};
    for (int k = 0; k < kernel(leaf).slots; ++k) a.slots[k] = static_cast<char*>(leaf.slots[k]) + offset;
    return a;
  }

  Rows rows(const Leaf& leaf, const Piece& piece, int member) {
    const bool dense = leaf.form == Form::dense;
    Rows a{leaf.w, {}, leaf.shared, leaf.g, nullptr, nullptr, nullptr, piece.first, piece.last, leaf.dim, nullptr};
    std::copy_n(leaf.slots, most_slots, a.slots);
    if (!dense) {
      a.ids = leaf.merged.ids.data();
      a.start = leaf.merged.start.data();
      a.from = leaf.merged.from.data();
      a.buffer = buffer(member, leaf);
    }
    return a;
  }

  Coords coords(const Leaf& leaf, const Piece& piece) const {
    Coords a{leaf.w,      {},        leaf.g, leaf.merged.ids.data(), leaf.merged.start.data(), leaf.merged.from.data(),
             piece.first, piece.last};
    std::copy_n(leaf.slots, most_slots, a.slots);
    return a;
  }

  void* buffer(int member, const Leaf& leaf) {
    auto& bytes = buffers_[std::size_t(member)];
    const auto need = std::size_t(leaf.dim * leaf.bytes());
    if (bytes.size() < need) bytes.resize(need);
    return bytes.data();
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
    bad_.resize(pieces_.size());
    for_pieces([&](std::size_t p, int) { bad_[p] = first_bad(pieces_[p]); });
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      if (bad_[p] < 0) continue;
      if (nonfinite == NonFinite::raise) return {Refusal::not_finite, pieces_[p].leaf, bad_[p]};
      skip(leaves[pieces_[p].leaf]);
    }
    lay();
    return now ? measured(squares()) : Refusal{};
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

  double unit(const Leaf& leaf) const {
    const bool maximize = recipes[std::size_t(leaf.recipe)].options[2] != 0;
    return (maximize ? -1.0 : 1.0) / accumulate;
  }

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
      coalesce_(leaf.sum_ids.data(), leaf.count, leaf.bound(), leaf.merged);
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
      const double* o = r.options;
      const double lr = r.hyper()[0], weight_decay = o[0];
      const bool decoupled = o[1] != 0, maximize = o[2] != 0;
      const Before before{(maximize ? -1.0 : 1.0) / accumulate, clip_value, scale, decoupled ? 0.0 : weight_decay,
                          decoupled ? 1 - lr * weight_decay : 1.0};
      for (const int number : {f32, f64})
        if (r.used[number]) r.kernel->number[number].at(r.hyper(), before, steps + 1, &r.step[number]);
    }
    look();
    for_pieces([&](std::size_t p, int member) { apply(pieces_[p], member); });
  }

  void look() {
    int most = 0;
    for (Leaf& leaf : leaves) {
      if (leaf.form == Form::none || !looked(leaf)) continue;
      leaf.own = recipes[std::size_t(leaf.recipe)].step[leaf.number];
      most = std::max(most, kernel(leaf).looks);
    }
    for (int k = 0; k < most; ++k) {
      found_.resize(pieces_.size() * most_folds);
      for_pieces([&](std::size_t p, int member) {
        const Piece& piece = pieces_[p];
        const Leaf& leaf = leaves[piece.leaf];
        if (!looked(leaf) || k >= kernel(leaf).looks) return;
        double* const folded = &found_[p * most_folds];
        std::fill_n(folded, most_folds, start(leaf, k));
        if (leaf.form == Form::rows) typed(leaf).look_rows(k, rows(leaf, piece, member), &leaf.own, folded);
        else if (leaf.form == Form::coords) typed(leaf).look_coords(k, coords(leaf, piece), &leaf.own, folded);
        else typed(leaf).look(k, span(leaf, piece), &leaf.own, folded);
      });
      std::size_t p = 0;
      while (p < pieces_.size()) {
        Leaf& leaf = leaves[pieces_[p].leaf];
        const std::size_t first = p;
        while (p < pieces_.size() && pieces_[p].leaf == pieces_[first].leaf) ++p;
        if (looked(leaf) && k < kernel(leaf).looks) settle(leaf, k, first, p);
      }
    }
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
    typed(leaf).settle(k, folded, leaf.size, leaf.shared, &leaf.own);
  }

  void apply(const Piece& piece, int member) {
    Leaf& leaf = leaves[piece.leaf];
    const Step* const step = looked(leaf) ? &leaf.own : &recipes[std::size_t(leaf.recipe)].step[leaf.number];
    if (leaf.form == Form::coords) {
      typed(leaf).coords(coords(leaf, piece), step);
      for (std::int64_t i = piece.first; i < piece.last && leaf.mean; ++i)
        average(leaf, leaf.merged.ids[std::size_t(i)], 1);
    } else if (leaf.form == Form::rows || by_rows(leaf)) {
      typed(leaf).rows(rows(leaf, piece, member), step);
      for (std::int64_t i = piece.first; i < piece.last && leaf.mean; ++i) {
        const std::int64_t row = leaf.form == Form::rows ? leaf.merged.ids[std::size_t(i)] : i;
        average(leaf, row * leaf.dim, leaf.dim);
      }
    } else {
      typed(leaf).span(span(leaf, piece), step);
      if (leaf.mean) average(leaf, piece.first, piece.last - piece.first);
    }
  }

  void average(Leaf& leaf, std::int64_t first, std::int64_t n) const {
    const std::int64_t offset = first * leaf.bytes();
    tools(leaf).average(leaf.mean + offset, leaf.w + offset, n, ema);
  }

  Coalescer coalesce_;
  std::vector<Form> forms_;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> tasks_{0};
  std::int64_t load_ = 0;
  std::vector<double> found_;
  std::vector<std::int64_t> bad_;
  std::vector<std::vector<char>> buffers_{std::size_t(Team::most)};
};

}  // namespace schuss
