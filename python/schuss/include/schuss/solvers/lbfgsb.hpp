// L-BFGS-B: Byrd, Lu, Nocedal & Zhu 1995, with the projection of Morales & Nocedal 2011. The model's first minimizer
// along the projected gradient decides which variables stay at bounds; the model is then minimized over the others.
#pragma once
#include "compact.hpp"
#include "solver.hpp"

namespace schuss {

class Lbfgsb : public Solver {
 public:
  Lbfgsb(const Space& where, const Settings& how, int memory)
      : Solver(where, how),
        low_(where.make()),
        high_(where.make()),
        p_(where.make()),
        cauchy_(where.make()),
        work_(where.make()),
        history_(where, memory) {}

  void bounds(const void* low, const void* high) {
    space.copy(low_.data(), low);
    space.copy(high_.data(), high);
    boxed_ = std::isfinite(space.largest(low)) && std::isfinite(space.largest(high));
    for (Vec* v : {&x_, &trial_}) space.clamp(v->data(), low_.data(), high_.data());
  }

  void fields(Fields& all) override {
    Solver::fields(all);
    history_.fields(all);
    all("longest", longest_);
  }
  void arrays(std::vector<Named>& all) override {
    Solver::arrays(all);
    history_.arrays(all, space);
    all.push_back({"p", p_.data(), space.n, space.number});
    all.push_back({"low", low_.data(), space.n, space.number});
    all.push_back({"high", high_.data(), space.n, space.number});
  }
  void restored() override { history_.refresh(); }

 protected:
  double measure() override { return space.projected(x_.data(), g_.data(), low_.data(), high_.data()); }
  double longest() const override { return longest_; }
  void forget() override { history_.clear(); }

  double direct() override {
    find_cauchy();
    if (history_.count > 0) minimize_free();
    space.step(p_.data(), cauchy_.data(), -1, x_.data());
    double slope = space.dot(g_.data(), p_.data());
    longest_ = 1e10;
    if (history_.count == 0 && iterations == 0 && !boxed_) {  // a guess, where no box says how long a step may be
      const double length = std::sqrt(space.dot(p_.data(), p_.data()));
      const double factor = std::min(1.0, 1 / length);
      space.combine(p_.data(), {factor}, {p_.data()});
      slope *= factor;
    }
    for (std::int64_t i = 0; i < space.n; ++i) {
      const double d = space.get(p_.data(), i), x = space.get(x_.data(), i);
      if (d == 0) continue;
      const double room = ((d > 0 ? space.get(high_.data(), i) : space.get(low_.data(), i)) - x) / d;
      longest_ = std::min(longest_, std::max(room, 1.0));
    }
    place(1);
    return slope;
  }

  bool examine(double, const void* gradient, double& slope) override {
    slope = space.dot(gradient, p_.data());
    return std::isfinite(space.largest(gradient));
  }

  void learn(const void* gradient) override {
    space.copy(spare_.data(), gradient);
    space.step(history_.new_s(), trial_.data(), -1, x_.data());
    space.step(history_.new_y(), gradient, -1, g_.data());
    history_.take(space);
  }

  void place(double t) override {
    space.step(trial_.data(), x_.data(), t, p_.data());
    space.clamp(trial_.data(), low_.data(), high_.data());
  }

 private:
  // Algorithm CP. Afterwards `cauchy_` is the point, `c_` is W' (cauchy - x), `free_` the variables within their
  // bounds.
  void find_cauchy() {
    const std::int64_t n = space.n;
    breaks_.clear();
    for (std::int64_t i = 0; i < n; ++i) {
      const double g = space.get(g_.data(), i), x = space.get(x_.data(), i);
      const double bound = g < 0 ? space.get(high_.data(), i) : space.get(low_.data(), i);
      const double t = g == 0 ? infinite : (x - bound) / g;
      space.set(work_.data(), i, t > 0 ? -g : 0);
      if (g != 0 && t > 0 && t < infinite) breaks_.push_back({t, i});
    }
    const auto later = [](const Break& a, const Break& b) { return a.t > b.t || (a.t == b.t && a.i > b.i); };
    std::make_heap(breaks_.begin(), breaks_.end(), later);
    const int k = 2 * history_.count;
    std::vector<double> p = history_.times(space, work_.data()), w(std::size_t(k), 0.0);
    c_.assign(std::size_t(k), 0.0);
    const double square = space.dot(work_.data(), work_.data());
    double slope = -square, bend = history_.theta * square - dot(p, history_.middle * p);
    const double least = 1e-16 * bend;
    double t = 0, ahead = bend > 0 ? -slope / bend : 0;
    space.copy(cauchy_.data(), x_.data());
    while (!breaks_.empty() && t + ahead >= breaks_.front().t) {
      const auto [to, b] = breaks_.front();
      std::pop_heap(breaks_.begin(), breaks_.end(), later);
      breaks_.pop_back();
      const double g = space.get(g_.data(), b), step = to - t;
      const double bound = g < 0 ? space.get(high_.data(), b) : space.get(low_.data(), b);
      const double z = bound - space.get(x_.data(), b);
      space.set(cauchy_.data(), b, bound);
      space.set(work_.data(), b, 0);
      for (int j = 0; j < k; ++j) c_[std::size_t(j)] += step * p[std::size_t(j)];
      history_.row(space, b, w);
      const std::vector<double> m = history_.middle * w;
      slope += step * bend + g * g + history_.theta * g * z - g * dot(m, c_);
      bend -= history_.theta * g * g + 2 * g * dot(m, p) + g * g * dot(m, w);
      bend = std::max(bend, least);
      for (int j = 0; j < k; ++j) p[std::size_t(j)] += g * w[std::size_t(j)];
      t = to;
      ahead = bend > 0 ? std::max(0.0, -slope / bend) : 0;
    }
    for (int j = 0; j < k; ++j) c_[std::size_t(j)] += ahead * p[std::size_t(j)];
    // cauchy = x + (t + ahead) d for all that have not met their bounds
    free_.clear();
    for (std::int64_t i = 0; i < n; ++i) {
      const double d = space.get(work_.data(), i);
      if (d != 0) space.set(cauchy_.data(), i, space.get(x_.data(), i) + (t + ahead) * d);
      const double x = space.get(cauchy_.data(), i);
      if (x > space.get(low_.data(), i) && x < space.get(high_.data(), i)) free_.push_back(i);
    }
  }

  // The direct primal method of section 5.1; `cauchy_` becomes the minimizer.
  void minimize_free() {
    const double theta = history_.theta;
    const int k = 2 * history_.count;
    // r = g + theta (cauchy - x) - W M c on the free variables, 0 elsewhere
    std::vector<double> factors = history_.middle * c_;
    for (double& f : factors) f = -f;
    sum_of_columns(factors);
    std::vector<std::int64_t>& fixed = fixed_;
    fixed.clear();
    std::size_t at = 0;
    for (std::int64_t i = 0; i < space.n; ++i) {
      if (at < free_.size() && free_[at] == i) {
        ++at;
        const double moved = space.get(cauchy_.data(), i) - space.get(x_.data(), i);
        space.set(work_.data(), i, space.get(work_.data(), i) + space.get(g_.data(), i) + theta * moved);
      } else {
        fixed.push_back(i);
        space.set(work_.data(), i, 0);
      }
    }
    if (free_.empty()) return;
    space.copy(spare_.data(), work_.data());
    // N = I - M W_F' W_F / theta; W_F' W_F from the shorter of the lists
    const bool short_free = free_.size() < fixed.size();
    Square gram = short_free ? Square(k) : history_.gram();
    std::vector<double> w(std::size_t(k), 0.0);
    for (const std::int64_t i : short_free ? free_ : fixed) {
      history_.row(space, i, w);
      for (int a = 0; a < k; ++a)
        for (int b = 0; b < k; ++b) gram(a, b) += (short_free ? 1 : -1) * w[std::size_t(a)] * w[std::size_t(b)];
    }
    Square inner(k);
    for (int a = 0; a < k; ++a)
      for (int b = 0; b < k; ++b) {
        double sum = 0;
        for (int j = 0; j < k; ++j) sum += history_.middle(a, j) * gram(j, b);
        inner(a, b) = (a == b ? 1 : 0) - sum / theta;
      }
    if (!inner.invert()) return;
    std::vector<double> v = inner * (history_.middle * history_.times(space, spare_.data()));
    for (double& f : v) f = -f / (theta * theta);
    sum_of_columns(v);
    // d = -r / theta - W v / theta^2, within the box if that goes down, else as far as the box allows
    double slope = 0, most = 1;
    for (const std::int64_t i : free_) {
      const double d = space.get(work_.data(), i) - space.get(spare_.data(), i) / theta;
      space.set(work_.data(), i, d);
      const double x = space.get(cauchy_.data(), i);
      const double low = space.get(low_.data(), i), high = space.get(high_.data(), i);
      slope += (std::clamp(x + d, low, high) - space.get(x_.data(), i)) * space.get(g_.data(), i);
      if (d != 0) most = std::min(most, ((d > 0 ? high : low) - x) / d);
    }
    for (const std::int64_t i : fixed)
      slope += (space.get(cauchy_.data(), i) - space.get(x_.data(), i)) * space.get(g_.data(), i);
    for (const std::int64_t i : free_) {
      const double to = space.get(cauchy_.data(), i) + (slope < 0 ? 1 : most) * space.get(work_.data(), i);
      space.set(cauchy_.data(), i, std::clamp(to, space.get(low_.data(), i), space.get(high_.data(), i)));
    }
  }

  // work = W factors
  void sum_of_columns(std::vector<double> factors) {
    for (int j = history_.count; j < 2 * history_.count; ++j) factors[std::size_t(j)] *= history_.theta;
    space.combine(work_.data(), factors, history_.columns());
  }

  struct Break {
    double t;
    std::int64_t i;
  };
  static constexpr double infinite = std::numeric_limits<double>::infinity();

  Vec low_, high_, p_, cauchy_, work_;
  Compact history_;
  double longest_ = 1;
  bool boxed_ = false;  // every variable has two bounds
  std::vector<double> c_;
  std::vector<Break> breaks_;
  std::vector<std::int64_t> free_, fixed_;
};

}  // namespace schuss
