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

  // Before `begin`, which moves the start to the nearest point within.
  void bounds(const void* low, const void* high) {
    space.copy(low_.data(), low);
    space.copy(high_.data(), high);
    boxed_ = std::isfinite(space.largest(low)) && std::isfinite(space.largest(high));
  }

  void begin(const void* from) override {
    Solver::begin(from);
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
    double rate = 0;  // 1 / the longest step: at most 1, since x + p is within the box
    space.tiles(0, 1, &rate, [&](std::int64_t first, std::int64_t last, double* most) {
      for (std::int64_t i = first; i < last; ++i) {
        const double d = space.get(p_.data(), i);
        if (d != 0) *most = std::max(*most, d / room(x_, i, d));
      }
    });
    if (rate > 1e-10) longest_ = std::max(1.0, 1 / rate);
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
  // Algorithm CP. Afterwards `cauchy_` is the point and `c_` is W' (cauchy - x).
  void find_cauchy() {
    found_.resize(std::size_t((space.n + Space::tile - 1) / Space::tile));
    space.tiles(0, 0, nullptr, [&](std::int64_t first, std::int64_t last, double*) {
      std::vector<Break>& own = found_[std::size_t(first / Space::tile)];
      own.clear();
      for (std::int64_t i = first; i < last; ++i) {
        const double g = space.get(g_.data(), i);
        const double t = g == 0 ? infinite : room(x_, i, -g) / -g;
        space.set(work_.data(), i, t > 0 ? -g : 0);
        if (g != 0 && t > 0 && t < infinite) own.push_back({t, i});
      }
    });
    breaks_.clear();
    for (const std::vector<Break>& own : found_) breaks_.insert(breaks_.end(), own.begin(), own.end());
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
    space.tiles(1, 0, &free_, [&](std::int64_t first, std::int64_t last, double* free) {
      for (std::int64_t i = first; i < last; ++i) {
        const double d = space.get(work_.data(), i);
        if (d != 0) space.set(cauchy_.data(), i, space.get(x_.data(), i) + (t + ahead) * d);
        if (is_free(i)) ++*free;
      }
    });
  }

  // How far the bound is that lies in this direction.
  double room(const Vec& from, std::int64_t i, double direction) const {
    return space.get(direction > 0 ? high_.data() : low_.data(), i) - space.get(from.data(), i);
  }
  // Whether the Cauchy point leaves a variable within its bounds.
  bool is_free(std::int64_t i) const {
    const double x = space.get(cauchy_.data(), i);
    return x > space.get(low_.data(), i) && x < space.get(high_.data(), i);
  }

  // The direct primal method of section 5.1; `cauchy_` becomes the minimizer.
  void minimize_free() {
    const double theta = history_.theta;
    const int k = 2 * history_.count;
    if (free_ == 0) return;
    // r = g + theta (cauchy - x) - W M c on the free variables, 0 elsewhere
    std::vector<double> factors = history_.middle * c_;
    for (double& f : factors) f = -f;
    sum_of_columns(factors);
    // N = I - M W_F' W_F / theta; W_F' W_F from the fewer of the free and the others
    const bool few = 2 * free_ < double(space.n);
    Square part(k);
    space.tiles(k * k, 0, part.a.data(), [&](std::int64_t first, std::int64_t last, double* sums) {
      std::vector<double> w(std::size_t(k), 0.0);
      for (std::int64_t i = first; i < last; ++i) {
        const bool free = is_free(i);
        const double moved = space.get(cauchy_.data(), i) - space.get(x_.data(), i);
        const double r = space.get(work_.data(), i) + space.get(g_.data(), i) + theta * moved;
        space.set(spare_.data(), i, free ? r : 0);
        if (free != few) continue;
        history_.row(space, i, w);
        for (int a = 0; a < k; ++a)
          for (int b = 0; b <= a; ++b) sums[a * k + b] += w[std::size_t(a)] * w[std::size_t(b)];
      }
    });
    Square gram = few ? Square(k) : history_.gram();
    for (int a = 0; a < k; ++a)
      for (int b = 0; b < k; ++b) gram(a, b) += (few ? 1 : -1) * part(std::max(a, b), std::min(a, b));
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
    double out[2];  // the slope within the box; 1 / how far the box allows
    space.tiles(1, 1, out, [&](std::int64_t first, std::int64_t last, double* sums) {
      for (std::int64_t i = first; i < last; ++i) {
        const double x = space.get(cauchy_.data(), i);
        double to = x;
        if (is_free(i)) {
          const double d = space.get(work_.data(), i) - space.get(spare_.data(), i) / theta;
          space.set(work_.data(), i, d);
          to = within(i, x + d);
          if (d != 0) sums[1] = std::max(sums[1], d / room(cauchy_, i, d));
        } else {
          space.set(work_.data(), i, 0);
        }
        sums[0] += (to - space.get(x_.data(), i)) * space.get(g_.data(), i);
      }
    });
    const double most = out[0] < 0 ? 1 : 1 / std::max(1.0, out[1]);
    space.tiles(0, 0, nullptr, [&](std::int64_t first, std::int64_t last, double*) {
      for (std::int64_t i = first; i < last; ++i) {
        const double d = space.get(work_.data(), i);
        if (d != 0) space.set(cauchy_.data(), i, within(i, space.get(cauchy_.data(), i) + most * d));
      }
    });
  }
  double within(std::int64_t i, double x) const {
    return std::clamp(x, space.get(low_.data(), i), space.get(high_.data(), i));
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
  std::vector<std::vector<Break>> found_;  // by each tile
  double free_ = 0;                        // how many variables the Cauchy point leaves free
};

}  // namespace schuss
