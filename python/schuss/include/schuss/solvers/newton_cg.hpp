// Newton's method in a trust region for large problems: Steihaug 1983. The step minimizes the quadratic model by
// conjugate gradients, one Hessian-vector product each, until the residual is small (Nocedal & Wright 2006,
// Algorithm 7.2), the region ends or the curvature is negative.
#pragma once
#include "solver.hpp"

namespace schuss {

class NewtonCg : public Solver {
 public:
  std::int64_t products = 0;

  NewtonCg(const Space& where, const Settings& how)
      : Solver(where, how), p_(where.make()), r_(where.make()), d_(where.make()), radius_(1) {}

  Want wants() const override { return waiting_ ? Want::product : Want::value; }
  const Vec& direction() const { return d_; }

  // False, and nothing has changed, where the product is not finite.
  bool told_product(const void* product) {
    const double bend = space.dot(d_.data(), product);
    if (!std::isfinite(bend) || !std::isfinite(space.largest(product))) return false;
    ++products;
    const double pd = space.dot(p_.data(), d_.data()), dd = space.dot(d_.data(), d_.data());
    const double pp = space.dot(p_.data(), p_.data());
    const double alpha = residual_ / bend;
    if (!(bend > 1e-14 * dd) || pp + alpha * (2 * pd + alpha * dd) >= radius_ * radius_) {
      // To the border of the region: |p + tau d| = radius.
      const double room = radius_ * radius_ - pp;
      const double tau = room / (pd + std::sqrt(pd * pd + dd * room));
      move(tau, bend);
      at_border_ = true;
      propose();
      return true;
    }
    move(alpha, bend);
    space.step(r_.data(), r_.data(), alpha, product);
    const double residual = space.dot(r_.data(), r_.data()), beta = residual / residual_;
    residual_ = residual;
    if (std::sqrt(residual) <= goal_ || ++rounds_ >= 2 * space.n + 10) {
      propose();
      return true;
    }
    space.combine(d_.data(), {beta, -1}, {d_.data(), r_.data()});
    return true;
  }

  void fields(Fields& all) override {
    Solver::fields(all);
    all("waiting", waiting_);
    all("at_border", at_border_);
    all("products", products);
    all("rounds", rounds_);
    all("radius", radius_);
    all("residual", residual_);
    all("goal", goal_);
    all("model", model_);
  }
  void arrays(std::vector<Named>& all) override {
    Solver::arrays(all);
    all.push_back({"p", p_.data(), space.n, space.number});
    all.push_back({"r", r_.data(), space.n, space.number});
    all.push_back({"d", d_.data(), space.n, space.number});
  }

 protected:
  void next_search() override {
    line_->trials = 0;
    solve();
  }
  double direct() override { return -1; }
  void forget() override {}

  bool examine(double, const void* gradient, double& slope) override {
    slope = space.dot(gradient, p_.data());
    return std::isfinite(space.largest(gradient));
  }

  // How the change of f compares with the model's.
  Verdict judge(double told, double slope) override {
    ++line_->trials;
    double change = told - f;
    if (std::abs(change) <= noise()) change = (space.dot(g_.data(), p_.data()) + slope) / 2;
    const double ratio = change / model_;
    const double length = std::sqrt(space.dot(p_.data(), p_.data()));
    if (!(ratio >= 0.25)) radius_ = length / 4;
    else if (ratio > 0.75 && at_border_) radius_ = 2 * radius_;
    if (ratio > 1e-4) return Verdict::accept;
    return line_->trials < 60 && radius_ > 1e-300 ? Verdict::again : Verdict::fail;
  }
  void learn(const void* gradient) override { space.copy(spare_.data(), gradient); }
  void place(double) override { solve(); }

 private:
  // p = 0, r = g, d = -g
  void solve() {
    space.combine(p_.data(), {0}, {g_.data()});
    space.copy(r_.data(), g_.data());
    space.combine(d_.data(), {-1}, {g_.data()});
    residual_ = space.dot(g_.data(), g_.data());
    const double length = std::sqrt(residual_);
    goal_ = std::min(0.5, std::sqrt(length)) * length;
    model_ = 0;
    rounds_ = 0;
    at_border_ = false;
    waiting_ = true;
  }
  // p += t d; the model falls by t r . d + t^2 d . H d / 2, and r . d = -r . r.
  void move(double t, double bend) {
    space.step(p_.data(), p_.data(), t, d_.data());
    model_ += -t * residual_ + t * t * bend / 2;
  }
  void propose() {
    waiting_ = false;
    space.step(trial_.data(), x_.data(), 1, p_.data());
  }

  bool waiting_ = false, at_border_ = false;
  Vec p_, r_, d_;
  std::int64_t rounds_ = 0;
  double radius_, residual_ = 0, goal_ = 0, model_ = 0;
};

}  // namespace schuss
