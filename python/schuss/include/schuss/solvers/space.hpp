// The space a solver works in: vectors of n numbers of one type, and passes over them. A pass is cut into tiles at
// fixed borders; the team takes tiles, and sums are folded in the order of the tiles: the same bits for any number of
// threads.
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "../block.hpp"
#include "../kernel.hpp"
#include "../train/team.hpp"
#include "../vectors.hpp"

namespace schuss {

// Rows of numbers on cache lines. Neighbouring rows begin at different places of a page: many are read side by side.
class Vec {
 public:
  Vec() = default;
  Vec(std::int64_t n, Number number, int rows = 1) : bytes_(n * (number == f32 ? 4 : 8)) {
    constexpr std::int64_t page = 4096, apart = 1088;
    stride_ = rows == 1 ? bytes_ : (bytes_ + page - 1) / page * page + apart;
    block_ = std::make_shared<Block>(std::size_t(std::max<std::int64_t>(stride_ * rows, 64)));
  }
  void* row(int k) const { return static_cast<char*>(block_->base) + stride_ * k; }
  void* data() const { return block_ ? block_->base : nullptr; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data());
  }
  explicit operator bool() const { return block_ != nullptr; }
  std::int64_t bytes() const { return bytes_; }
  std::shared_ptr<Block> owner() const { return block_; }

 private:
  std::shared_ptr<Block> block_;
  std::int64_t bytes_ = 0, stride_ = 0;
};

// An array of a state, where it lies.
struct Named {
  std::string name;
  void* data;
  std::int64_t count;
  Number number;
};

using Pointers = std::vector<const void*>;

class Space {
 public:
  static constexpr std::int64_t tile = 8192;

  const Vectors* vectors;
  Number number;
  std::int64_t n;
  int threads = 1;

  Space(const Hot& hot, Number type, std::int64_t size) : vectors(hot.vectors + type), number(type), n(size) {}

  Vec make(int rows = 1) const { return {n, number, rows}; }
  std::int64_t item() const { return number == f32 ? 4 : 8; }
  double get(const void* v, std::int64_t i) const {
    return number == f32 ? double(static_cast<const float*>(v)[i]) : static_cast<const double*>(v)[i];
  }
  void set(void* v, std::int64_t i, double x) const {
    if (number == f32) static_cast<float*>(v)[i] = float(x);
    else static_cast<double*>(v)[i] = x;
  }

  void copy(void* to, const void* from) {
    fold(0, 0, nullptr, [&](std::int64_t first, std::int64_t size, double*) {
      std::memcpy(at(to, first), at(from, first), std::size_t(size * item()));
    });
  }
  double dot(const void* a, const void* b) {
    double out;
    dots({a}, &b, 1, &out);
    return out;
  }
  // out[rights k + r] = left[k] . right[r]
  void dots(const Pointers& left, const void* const* right, int rights, double* out) {
    fold(int(left.size()) * rights, 0, out, [&](std::int64_t first, std::int64_t size, double* part) {
      const Tile l(*this, left.data(), left.size(), first), r(*this, right, std::size_t(rights), first);
      vectors->dots(l.from, int(left.size()), r.from, rights, size, part);
    });
  }
  void combine(void* to, const std::vector<double>& c, const Pointers& v) {
    fold(0, 0, nullptr, [&](std::int64_t first, std::int64_t size, double*) {
      const Tile t(*this, v.data(), v.size(), first);
      vectors->combine(at(to, first), c.data(), t.from, int(v.size()), size);
    });
  }
  // to = a + t b; returns to . with, if there is one
  double step(void* to, const void* a, double t, const void* b, const void* with = nullptr) {
    double out = 0;
    fold(1, 0, &out, [&](std::int64_t first, std::int64_t size, double* part) {
      vectors->step(at(to, first), at(a, first), t, at(b, first), with ? at(with, first) : nullptr, size, part);
    });
    return out;
  }
  double largest(const void* a) {
    double out;
    fold(0, 1, &out,
         [&](std::int64_t first, std::int64_t size, double* part) { vectors->largest(at(a, first), size, part); });
    return out;
  }
  // out: two for each of `left`, then the largest of |now|
  void learn(const void* now, const void* before, const void* q, void* y, void* kept, const Pointers& left,
             double* out) {
    const int sums = 2 * int(left.size());
    fold(sums, 1, out, [&](std::int64_t first, std::int64_t size, double* part) {
      const Tile t(*this, left.data(), left.size(), first);
      vectors->learn(at(now, first), at(before, first), q ? at(q, first) : nullptr, at(y, first), at(kept, first),
                     t.from, int(left.size()), size, part, part + sums);
    });
  }
  // out: g . p, p . p
  void propose(const std::vector<double>& c, const Pointers& v, const void* x, const void* g, void* trial, void* p,
               double* out) {
    fold(2, 0, out, [&](std::int64_t first, std::int64_t size, double* part) {
      const Tile t(*this, v.data(), v.size(), first);
      vectors->propose(c.data(), t.from, int(v.size()), at(x, first), at(g, first), at(trial, first), at(p, first),
                       size, part);
    });
  }
  void clamp(void* a, const void* lo, const void* hi) {
    fold(0, 0, nullptr, [&](std::int64_t first, std::int64_t size, double*) {
      vectors->clamp(at(a, first), at(lo, first), at(hi, first), size);
    });
  }
  double projected(const void* x, const void* g, const void* lo, const void* hi) {
    double out;
    fold(0, 1, &out, [&](std::int64_t first, std::int64_t size, double* part) {
      vectors->projected(at(x, first), at(g, first), at(lo, first), at(hi, first), size, part);
    });
    return out;
  }
  // out: v . v, the largest of |v|
  void pseudo(const void* x, const void* g, double l1, void* v, double* out) {
    fold(1, 1, out, [&](std::int64_t first, std::int64_t size, double* part) {
      vectors->pseudo(at(x, first), at(g, first), l1, at(v, first), size, part, part + 1);
    });
  }
  void align(void* p, const void* v, const void* x, double* out) {
    fold(2, 0, out, [&](std::int64_t first, std::int64_t size, double* part) {
      vectors->align(at(p, first), at(v, first), x ? at(x, first) : nullptr, size, part);
    });
  }
  void orthant(void* trial, const void* x, double t, const void* p, const void* v, double* out) {
    fold(2, 0, out, [&](std::int64_t first, std::int64_t size, double* part) {
      vectors->orthant(at(trial, first), at(x, first), t, at(p, first), at(v, first), size, part);
    });
  }

 private:
  // Pointers to where a tile begins.
  struct Tile {
    static constexpr std::size_t most = 256;
    const void* from[most];
    Tile(const Space& space, const void* const* v, std::size_t count, std::int64_t first) {
      for (std::size_t k = 0; k < count; ++k) from[k] = space.at(v[k], first);
    }
  };

  const void* at(const void* v, std::int64_t i) const { return static_cast<const char*>(v) + i * item(); }
  void* at(void* v, std::int64_t i) const { return static_cast<char*>(v) + i * item(); }

  // each(first, size, part) for all tiles; `sums` numbers of each part are added up, then `tops` are compared.
  template <class F>
  void fold(int sums, int tops, double* out, const F& each) {
    const int width = sums + tops;
    const std::int64_t tasks = (n + tile - 1) / tile;
    parts_.assign(std::size_t(tasks * width), 0.0);
    Team::get().run(tasks, threads, [&](std::int64_t task, int) {
      const std::int64_t first = task * tile;
      each(first, std::min(tile, n - first), parts_.data() + task * width);
    });
    join(sums, width, out);
  }

  [[gnu::noinline]] void join(int sums, int width, double* out) const {  // inlined, GCC 12 warns of bounds it invents
    std::copy_n(parts_.begin(), width, out);
    for (std::size_t at = std::size_t(width); at < parts_.size(); at += std::size_t(width))
      for (int k = 0; k < width; ++k) {
        const double part = parts_[at + std::size_t(k)];
        out[k] = k < sums ? out[k] + part : std::max(out[k], part);
      }
  }

  std::vector<double> parts_;
};

}  // namespace schuss
