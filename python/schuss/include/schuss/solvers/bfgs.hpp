// BFGS with the dense inverse (Nocedal & Wright 2006, Algorithm 6.1), its lower triangle packed by rows: half the
// memory.
//
// H is passed over once an iteration. The update of the last iteration waits and is applied by the same pass that takes
// the products with y and the new gradient; the product of the updated H with that gradient follows from them.
#pragma once
#include "solver.hpp"

namespace schuss {

class Bfgs : public Solver {
 public:
  Bfgs(const Space& where, const Settings& how)
      : Solver(where, how), p_(where.make()), packed_(where.n * (where.n + 1) / 2, where.number) {
    for (Vec* v : {&s_, &u_, &y_, &q_, &hy_, &hq_}) *v = Vec(where.n, f64);
    const int tasks = where.n < 256 ? 1 : 16;  // row borders of equal area
    for (int k = 0; k <= tasks; ++k)
      borders_.push_back(k == tasks ? where.n : std::int64_t(double(where.n) * std::sqrt(double(k) / tasks)));
    parts_ = Vec(where.n, f64, 2 * tasks);
  }

  void fields(Fields& all) override {
    Solver::fields(all);
    all("known", known_);
    all("a", a_);
    all("b", b_);
  }
  void arrays(std::vector<Named>& all) override {
    Solver::arrays(all);
    all.push_back({"p", p_.data(), space.n, space.number});
    all.push_back({"inverse", packed_.data(), space.n * (space.n + 1) / 2, space.number});
    all.push_back({"s", s_.data(), space.n, f64});
    all.push_back({"u", u_.data(), space.n, f64});
    all.push_back({"hq", hq_.data(), space.n, f64});
  }
  std::int64_t bytes() const { return packed_.bytes(); }

 protected:
  double direct() override {
    if (!known_) {
      const double length = std::sqrt(space.dot(g_.data(), g_.data()));
      space.combine(p_.data(), {-std::min(1.0, 1 / length)}, {g_.data()});
    } else {
      for (std::int64_t i = 0; i < space.n; ++i) space.set(p_.data(), i, -hq_.as<double>()[i]);
    }
    place(1);
    return space.dot(g_.data(), p_.data());
  }

  void forget() override { known_ = false; }

  bool examine(double, const void* gradient, double& slope) override {
    slope = space.dot(gradient, p_.data());
    return std::isfinite(space.largest(gradient));
  }

  void learn(const void* gradient) override {
    const std::int64_t n = space.n;
    space.copy(spare_.data(), gradient);
    double* const y = y_.as<double>();
    double* const q = q_.as<double>();
    double sy = 0, ss = 0, yy = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double s = space.get(trial_.data(), i) - space.get(x_.data(), i);
      q[i] = space.get(gradient, i);
      y[i] = q[i] - space.get(g_.data(), i);
      sy += s * y[i];
      ss += s * s;
      yy += y[i] * y[i];
    }
    const bool good = sy > 1e-12 * std::sqrt(ss * yy);
    if (!known_) {
      if (!good) return;
      start(sy / yy);
    }
    pass();  // with the s and u of the last update
    double* const s = s_.as<double>();
    double* const u = u_.as<double>();
    const double* const hy = hy_.as<double>();
    double* const hq = hq_.as<double>();
    a_ = b_ = 0;
    if (!good) return;
    double yhy = 0, sq = 0, uq = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      s[i] = space.get(trial_.data(), i) - space.get(x_.data(), i);
      u[i] = hy[i];
      yhy += y[i] * u[i];
      sq += s[i] * q[i];
      uq += u[i] * q[i];
    }
    a_ = (1 + yhy / sy) / sy;
    b_ = -1 / sy;
    for (std::int64_t i = 0; i < n; ++i) hq[i] += (a_ * sq + b_ * uq) * s[i] + b_ * sq * u[i];
  }

  void place(double t) override { space.step(trial_.data(), x_.data(), t, p_.data()); }

 private:
  // H = gamma I
  void start(double gamma) {
    std::memset(packed_.data(), 0, std::size_t(packed_.bytes()));
    for (std::int64_t i = 0; i < space.n; ++i) space.set(packed_.data(), i * (i + 1) / 2 + i, gamma);
    known_ = true;
    a_ = b_ = 0;
  }

  // H += the waiting update; hy = H y, hq = H q. Each task sums into vectors of its own.
  void pass() {
    constexpr int rights = 2;
    const int tasks = int(borders_.size()) - 1;
    const double* const right[] = {y_.as<double>(), q_.as<double>()};
    Team::get().run(tasks, space.threads, [&](std::int64_t task, int) {
      const int k = int(task);
      double* outs[2];
      for (int r = 0; r < rights; ++r) {
        outs[r] = static_cast<double*>(parts_.row(2 * k + r));
        std::memset(outs[r], 0, std::size_t(space.n) * sizeof(double));
      }
      space.vectors->symmetric(packed_.data(), borders_[std::size_t(k)], borders_[std::size_t(k) + 1], a_, b_,
                               s_.as<double>(), u_.as<double>(), right, rights, outs);
    });
    double* const sums[] = {hy_.as<double>(), hq_.as<double>()};
    for (int r = 0; r < rights; ++r)
      for (std::int64_t i = 0; i < space.n; ++i) {
        double sum = 0;
        for (int k = 0; k < tasks; ++k) sum += static_cast<const double*>(parts_.row(2 * k + r))[i];
        sums[r][i] = sum;
      }
  }

  bool known_ = false;      // whether H is
  double a_ = 0, b_ = 0;    // of the waiting update H += a s s' + b (s u' + u s')
  Vec p_, packed_, s_, u_;  // p; the update's vectors, u = H y
  Vec y_, q_, hy_, hq_, parts_;
  std::vector<std::int64_t> borders_;
};

}  // namespace schuss
