// L-BFGS: Liu & Nocedal 1989. The first step goes down the gradient, no longer than 1.
//
// The usual iteration takes two passes over the history. When f and g at the first trial are told, the pair is learned
// at once, before the line search has judged: its slope is one of the inner products. Then the direction, the next
// trial and s, as rounded, are written by the pass that sums the history. s lies in the slot of the oldest pair: it is
// being read there at that moment, and would be dropped anyway.
#pragma once
#include "history.hpp"
#include "solver.hpp"

namespace schuss {

enum class Form { choose, gram, loop };  // the Gram form is the faster one from ten numbers on

class Lbfgs : public Solver {
 public:
  Lbfgs(const Space& where, const Settings& how, int memory, Form form)
      : Solver(where, how), history_(where, memory), gram_(form != Form::loop) {}

  // Stochastic use (Berahas, Nocedal & Takáč 2016): x moves by `rate` times the direction of a batch's gradient. The
  // curvature of the last move comes from examples common to both batches: their gradients before it and now.
  void advance(const void* gradient, const void* common_before, const void* common_now, double rate) {
    if (moved_) {
      space.step(history_.y(history_.next), common_now, -1, common_before);
      const Pointers left = history_.to_learn(gradient);
      out_.assign(2 * left.size(), 0.0);
      const void* const right[] = {gradient, history_.y(history_.next)};
      space.dots(left, right, 2, out_.data());
      history_.take(out_, left.size(), space.dot(history_.s(history_.next), history_.s(history_.next)));
    }
    space.copy(g_.data(), gradient);
    size = measure();
    double slope = direct();
    if (!(slope < 0)) {
      history_.clear();
      slope = direct();
    }
    void* const s = history_.s(history_.next);
    space.step(trial_.data(), x_.data(), rate, s);
    space.step(s, trial_.data(), -1, x_.data());
    space.copy(x_.data(), trial_.data());
    moved_ = true;
    ++iterations;
  }

  void fields(Fields& all) override {
    Solver::fields(all);
    history_.fields(all);
    all("square", square_);
    all("moved", moved_);
  }
  void arrays(std::vector<Named>& all) override {
    Solver::arrays(all);
    history_.arrays(all, space);
  }
  int pairs() const { return history_.count; }
  // d = -H q for any q: for tests, and for who needs the inverse Hessian.
  void product(const void* q, void* d, Form form) {
    if (history_.count == 0) return space.combine(d, {-1}, {q});
    if (form == Form::loop) return history_.loop(space, q, d);
    std::vector<double> c;
    Pointers v;
    History copy = history_;
    copy.with(space, q);
    copy.coefficients(c);
    copy.terms(q, v);
    space.combine(d, c, v);
  }

 protected:
  History history_;
  double square_ = 0;        // p . p
  std::vector<double> out_;  // the inner products of the new pair

  // What the direction is taken of: the gradient, or in its place a subgradient.
  virtual const void* slope_vector() const { return g_.data(); }

  double direct() override {
    void* const p = history_.s(history_.next);
    const void* const q = slope_vector();
    if (history_.count == 0) {
      const double length = std::sqrt(space.dot(q, q));
      c_.assign(1, -std::min(1.0, 1 / length));
      v_.assign(1, q);
    } else if (gram_) {
      history_.coefficients(c_);
      history_.terms(q, v_);
    } else {
      history_.loop(space, q, trial_.data());
      c_.assign(1, 1.0);
      v_.assign(1, trial_.data());
    }
    double out[2];
    space.propose(c_, v_, x_.data(), q, trial_.data(), p, out);
    square_ = out[1];
    history_.make_room();
    return out[0];
  }

  void forget() override { history_.clear(); }

  bool examine(double, const void* gradient, double& slope) override {
    learned_ = line_->trials == 0;
    if (learned_) {
      const Pointers left = pair(gradient);
      slope = history_.new_slope(out_, left.size());
      return std::isfinite(out_.back());
    }
    slope = space.dot(gradient, history_.s(history_.next));
    return std::isfinite(slope);
  }

  void learn(const void* gradient) override {
    double square = square_;
    if (!learned_) {
      void* const s = history_.s(history_.next);
      space.step(s, trial_.data(), -1, x_.data());
      square = space.dot(s, s);
      pair(gradient);
    }
    history_.take(out_, out_.size() / 2, square);
  }

  void place(double t) override { space.step(trial_.data(), x_.data(), t, history_.s(history_.next)); }

 private:
  // The inner products that the new pair brings; the last number is the largest of |gradient|.
  Pointers pair(const void* gradient) {
    const Pointers left = history_.to_learn(spare_.data());
    out_.assign(2 * left.size() + 1, 0.0);
    space.learn(gradient, g_.data(), nullptr, history_.y(history_.next), spare_.data(), left, out_.data());
    return left;
  }

  bool gram_, learned_ = false, moved_ = false;
  std::vector<double> c_;
  Pointers v_;
};

}  // namespace schuss
