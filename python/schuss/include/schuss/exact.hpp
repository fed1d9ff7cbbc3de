// Exact mode of one array or table: when each row was last current, and the steps since.
#pragma once
#include <memory>

#include "gap.hpp"
#include "memory.hpp"
#include "train/team.hpp"

namespace schuss {

class Exact {
 public:
  double whole = -1;  // the sum of a look's term over all rows, absent ones too; below 0: not known

  Exact(std::int64_t units, Number number) : stamps_(std::size_t(units) * 4, -1), number_(number) {}

  void grow(std::int64_t units) {
    const auto before = stamps_.size() / 4;
    stamps_.grow(std::size_t(units) * 4);
    std::fill(stamps() + before, stamps() + units, clock_);
  }

  bool owes() const { return history_.size() > 0; }
  bool full() const { return history_.full(); }

  // Rows that were present have been stamped; the others missed this step.
  void passed(const Gap& one, const void* step, double fading) {
    history_.append(one, step);
    fading_ = std::max(fading_, fading);
    ++clock_;
  }

  // All rows have had all steps; with `step` one more.
  void settled(bool step) {
    if (step) ++clock_;
    first_ = clock_;
    history_.clear();
    fading_ = 0;
    for (auto& cache : caches_) std::fill(cache.at.begin(), cache.at.end(), 0u);
  }

  Past past(double fresh) {
    Past p;
    p.stamps = stamps();
    p.first = first_;
    p.now = clock_;
    p.fresh = fresh;
    const double digits = number_ == f32 ? 26 : 56;
    p.horizon = fading_ >= 1   ? History::most
                : fading_ <= 0 ? 1
                               : 1 + std::int64_t(-digits * std::log(2) / std::log(fading_));
    p.rest = rest_of;
    p.step = step_of;
    p.context = this;
    return p;
  }

 private:
  struct Cache {
    std::vector<std::uint32_t> at;  // clock + 1 when `rest` was made
    std::vector<Rest> rest;
  };

  std::uint32_t* stamps() const { return reinterpret_cast<std::uint32_t*>(stamps_.data()); }

  static const Rest& rest_of(const Past& past, std::uint32_t stamp, int member) {
    Exact& self = *static_cast<Exact*>(past.context);
    Cache& cache = self.caches_[std::size_t(member)];
    if (cache.at.empty()) {
      cache.at.assign(std::size_t(History::most), 0);
      cache.rest.resize(std::size_t(History::most));
    }
    const std::size_t i = stamp - self.first_;
    if (cache.at[i] != self.clock_ + 1) {
      cache.rest[i] = schuss::rest(self.history_.since(std::int64_t(i)), self.number_);
      cache.at[i] = self.clock_ + 1;
    }
    return cache.rest[i];
  }

  static const void* step_of(const Past& past, std::uint32_t stamp) {
    const Exact& self = *static_cast<const Exact*>(past.context);
    return self.history_.step(std::int64_t(stamp - self.first_));
  }

  Pages stamps_;
  Number number_;
  std::uint32_t clock_ = 0, first_ = 0;
  double fading_ = 0;
  History history_;
  std::vector<Cache> caches_{std::size_t(Team::most)};
};

}  // namespace schuss
