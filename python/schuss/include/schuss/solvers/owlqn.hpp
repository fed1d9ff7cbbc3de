// OWL-QN: f(x) + l1 |x|_1, Andrew & Gao 2007. The history is of f alone; the direction is taken of the subgradient of
// least norm, and steps stop at zero instead of crossing it. The paper also drops every part of the direction that
// disagrees in sign with going down; here only where x is zero, as long as the direction goes down then: f is smooth
// elsewhere.
#pragma once
#include "lbfgs.hpp"

namespace schuss {

class Owlqn : public Lbfgs {
 public:
  Owlqn(const Space& where, const Settings& how, int memory, Form form, double l1)
      : Lbfgs(where, how, memory, form), l1_(l1), least_(where.make()) {}

  void begin(const void* from) override {
    Lbfgs::begin(from);
    for (std::int64_t i = 0; i < space.n; ++i) sum_ += std::abs(space.get(from, i));
  }

  void fields(Fields& all) override {
    Lbfgs::fields(all);
    all("sum", sum_);
    all("moved.slope", slope_);
    all("highest", highest_);
    all("square_of_least", square_of_least_);
  }
  void arrays(std::vector<Named>& all) override {
    Lbfgs::arrays(all);
    all.push_back({"least", least_.data(), space.n, space.number});
  }

 protected:
  const void* slope_vector() const override { return least_.data(); }
  double total(double told) override { return told + l1_ * sum_; }

  double measure() override {
    if (!known_) look(x_.data(), g_.data());
    known_ = false;
    return highest_;
  }

  double direct() override {
    Lbfgs::direct();
    double out[2];
    void* const p = history_.s(history_.next);
    space.align(p, least_.data(), x_.data(), out);
    if (!(out[0] < -1e-8 * std::sqrt(out[1] * square_of_least_))) space.align(p, least_.data(), nullptr, out);
    square_ = out[1];
    if (out[0] < 0) place(1);
    return out[0];
  }

  bool examine(double, const void* gradient, double&) override { return std::isfinite(space.largest(gradient)); }

  // Sufficient decrease against the slope of the way gone, which bends at zeros.
  Verdict judge(double told, double) override {
    const double change = total(told) - f;
    ++line_->trials;
    if (change <= settings.c1 * slope_ || (std::abs(change) <= noise() && slope_ < 0 && change <= 0))
      return slope_ < 0 ? Verdict::accept : Verdict::fail;
    line_->step /= 2;
    return line_->trials < 50 ? Verdict::again : Verdict::fail;
  }

  void learn(const void* gradient) override {
    void* const s = history_.s(history_.next);
    space.step(s, trial_.data(), -1, x_.data());
    look(trial_.data(), gradient);
    known_ = true;
    const Pointers left = history_.to_learn(least_.data());
    out_.assign(2 * left.size() + 1, 0.0);
    space.learn(gradient, g_.data(), least_.data(), history_.y(history_.next), spare_.data(), left, out_.data());
    history_.take(out_, left.size(), space.dot(s, s));
  }

  void place(double t) override {
    double out[2];
    space.orthant(trial_.data(), x_.data(), t, history_.s(history_.next), least_.data(), out);
    sum_ = out[0];
    slope_ = out[1];
  }

 private:
  void look(const void* x, const void* g) {
    double out[2];
    space.pseudo(x, g, l1_, least_.data(), out);
    square_of_least_ = out[0];
    highest_ = out[1];
  }

  double l1_, sum_ = 0, slope_ = 0, highest_ = 0,
              square_of_least_ = 0;  // sum of |trial|, subgradient . (trial - x), its largest number
  bool known_ = false;
  Vec least_;
};

}  // namespace schuss
