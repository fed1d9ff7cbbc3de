// Newton's method with a line search. Where the Hessian is not positive definite, a multiple of the identity is added
// to it (Nocedal & Wright 2006, Algorithm 3.3), and from a saddle, where the gradient says nothing, the search goes
// along a direction of negative curvature, which the failed factorization yields.
#pragma once
#include "cholesky.hpp"
#include "solver.hpp"

namespace schuss {

class Newton : public Solver {
 public:
  Newton(const Space& where, const Settings& how)
      : Solver(where, how),
        p_(where.make()),
        hessian_(where.n * where.n, f64),
        slope_(where.n, f64),
        move_(where.n, f64),
        factors_(where.vectors + (f64 - where.number), where.n) {}

  Want wants() const override { return waiting_ ? Want::hessian : Want::value; }
  void* hessian() { return hessian_.data(); }

  // The Hessian at x lies in `hessian()`; the search goes on.
  void told_hessian() {
    waiting_ = false;
    Solver::next_search();
  }

  void fields(Fields& all) override {
    Solver::fields(all);
    all("waiting", waiting_);
    all("shift", shift);
  }
  void arrays(std::vector<Named>& all) override {
    Solver::arrays(all);
    all.push_back({"p", p_.data(), space.n, space.number});
    all.push_back({"hessian", hessian_.data(), space.n * space.n, f64});
  }

  double shift = 0;  // what was last added to the diagonal

 protected:
  void next_search() override { waiting_ = true; }
  bool stationary() override { return false; }  // a saddle is; the Hessian tells
  void forget() override {}

  double direct() override {
    const std::int64_t n = space.n;
    double* const h = hessian_.as<double>();
    double* const g = slope_.as<double>();
    double* const d = move_.as<double>();
    double norm = 0, lowest = std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < n; ++i) {
      g[i] = -space.get(g_.data(), i);
      lowest = std::min(lowest, h[i * n + i]);
      for (std::int64_t j = 0; j < i; ++j) norm += 2 * h[i * n + j] * h[i * n + j];
      norm += h[i * n + i] * h[i * n + i];
    }
    norm = std::sqrt(norm);
    const double least = 1e-14 * norm;
    shift = 0;
    if (size <= settings.gtol) {  // a minimum where no curvature is clearly negative
      const std::int64_t row = factors_.factor(h, 1e-8 * norm, 0, space.threads);
      if (row >= 0) return leave(row, h, d);
      status = Status::gradient;
      return -1;
    }
    std::int64_t failed = factors_.factor(h, 0, least, space.threads);
    if (failed >= 0) shift = 1e-8 * norm + std::max(0.0, -lowest);  // badly scaled ones would drown in more
    while (failed >= 0 && shift < 1e10 * (norm + 1)) {
      failed = factors_.factor(h, shift, least, space.threads);
      if (failed >= 0) shift = 10 * shift;
    }
    factors_.solve(g, d);
    return head_for(d);
  }

  bool examine(double, const void* gradient, double& slope) override {
    slope = space.dot(gradient, p_.data());
    return std::isfinite(space.largest(gradient));
  }
  void learn(const void* gradient) override { space.copy(spare_.data(), gradient); }
  void place(double t) override { space.step(trial_.data(), x_.data(), t, p_.data()); }

 private:
  double head_for(const double* d) {
    for (std::int64_t i = 0; i < space.n; ++i) space.set(p_.data(), i, d[i]);
    place(1);
    return space.dot(g_.data(), p_.data());
  }

  // Off a saddle. The slope there is next to nothing, so the search is given half the curvature in its place.
  double leave(std::int64_t row, const double* h, double* d) {
    const std::int64_t n = space.n;
    factors_.curved(row, d);
    double length = 0, bend = 0, along = 0;
    for (std::int64_t i = 0; i < n; ++i) length += d[i] * d[i];
    length = std::sqrt(length);
    for (std::int64_t i = 0; i < n; ++i) along += space.get(g_.data(), i) * d[i];
    for (std::int64_t i = 0; i < n; ++i) d[i] *= (along > 0 ? -1 : 1) / length;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j <= i; ++j) bend += (i == j ? 1 : 2) * d[i] * d[j] * h[i * n + j];
    return std::min(head_for(d), bend / 2);
  }

  bool waiting_ = false;
  Vec p_, hessian_, slope_, move_;
  Cholesky factors_;
};

}  // namespace schuss
