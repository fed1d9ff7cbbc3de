// What the solvers with a line search share: ask for a point, be told f and its gradient there, never call anybody.
//
// A search goes along p from x, where f and g are known; its first trial is x + p. Only points that a line search
// accepts are adopted; where it fails, the best point it saw, if that is lower.
#pragma once
#include <limits>
#include <memory>

#include "armijo.hpp"
#include "hager_zhang.hpp"
#include "more_thuente.hpp"
#include "space.hpp"
#include "strong_wolfe.hpp"

namespace schuss {

enum class Status { running = -1, gradient, value, iterations, evaluations, search, unbounded, stopped };
enum class Want { value, hessian, product };
enum class Line { more_thuente, strong_wolfe, hager_zhang, armijo };

struct Settings {
  double gtol = 1e-5, ftol = 0, noise = 1e-10;
  std::int64_t maxiter = 1, maxfun = 1;
  int line = 0;
  double c1 = 1e-4, c2 = 0.9;
};

inline std::unique_ptr<LineSearch> make_line(Line line) {
  switch (line) {
    case Line::strong_wolfe: return std::make_unique<StrongWolfe>();
    case Line::hager_zhang: return std::make_unique<HagerZhang>();
    case Line::armijo: return std::make_unique<Armijo>();
    default: return std::make_unique<MoreThuente>();
  }
}

class Solver {
 public:
  Space space;
  Settings settings;
  Status status = Status::running;
  std::int64_t iterations = 0, evaluations = 0, restarts = 0;
  double f = std::numeric_limits<double>::quiet_NaN(), size = std::numeric_limits<double>::infinity();

  Solver(const Space& where, const Settings& how) : space(where), settings(how), line_(make_line(Line(how.line))) {
    line_->c1 = how.c1;
    line_->c2 = how.c2;
    for (Vec* v : {&x_, &trial_, &g_, &spare_}) *v = space.make();
  }
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;
  virtual ~Solver() = default;

  // Before anything is told; `from` is the start.
  virtual void begin(const void* from) {
    space.copy(trial_.data(), from);
    space.copy(x_.data(), from);
  }

  virtual Want wants() const { return Want::value; }
  bool started() const { return started_; }
  const Vec& asked() const { return status == Status::running ? trial_ : x_; }
  // The best point seen, with its f and g.
  const Vec& x() const { return has_best_ ? best_x_ : x_; }
  const Vec& g() const { return has_best_ ? best_g_ : g_; }
  double value() const { return has_best_ ? best_f_ : f; }

  // False, and nothing has changed, where the start is not finite.
  bool tell(double told, const void* gradient) {
    if (!started_) return start(told, gradient);
    ++evaluations;
    double slope = std::numeric_limits<double>::quiet_NaN();
    const bool finite = examine(told, gradient, slope) && std::isfinite(told);
    const Verdict verdict = judge(finite ? told : std::numeric_limits<double>::infinity(), slope);
    if (verdict == Verdict::accept) {
      accept(told, gradient);
      return true;
    }
    if (finite) keep_best(told, gradient);
    if (verdict == Verdict::fail) recover();
    else if (evaluations >= settings.maxfun) status = Status::evaluations;
    else place(line_->step);
    return true;
  }

  virtual void fields(Fields& all) {
    int now = int(status);
    all("status", now);
    status = Status(now);
    all("iterations", iterations);
    all("evaluations", evaluations);
    all("restarts", restarts);
    all("f", f);
    all("size", size);
    all("started", started_);
    all("has_best", has_best_);
    all("best_f", best_f_);
    all("fresh", fresh_);
    line_->fields(all);
    if (all.restoring && has_best_) make_best();
  }
  virtual void arrays(std::vector<Named>& all) {
    all.push_back({"x", x_.data(), space.n, space.number});
    all.push_back({"trial", trial_.data(), space.n, space.number});
    all.push_back({"g", g_.data(), space.n, space.number});
    if (has_best_) {
      all.push_back({"best_x", best_x_.data(), space.n, space.number});
      all.push_back({"best_g", best_g_.data(), space.n, space.number});
    }
  }
  // After fields and arrays were written from outside.
  virtual void restored() {}

 protected:
  Vec x_, trial_, g_, spare_;  // `spare_` is where the gradient at the trial is kept
  std::unique_ptr<LineSearch> line_;
  bool started_ = false, fresh_ = true;  // fresh: no curvature is known since the last failure

  // Sets p and the first trial from x and g, and returns g . p.
  virtual double direct() = 0;
  // Forgets curvature.
  virtual void forget() = 0;
  // The derivative along p at the trial; false where the gradient is not finite.
  virtual bool examine(double told, const void* gradient, double& slope) = 0;
  // The trial is adopted next: learns from it, and leaves its gradient in `spare_`.
  virtual void learn(const void* gradient) = 0;
  // trial = x + t p
  virtual void place(double t) = 0;
  // How far x is from stationary.
  virtual double measure() { return space.largest(g_.data()); }
  virtual Verdict judge(double told, double slope) { return line_->tell(told, slope); }
  virtual double longest() const { return 1e10; }
  // f with what is added to it (an l1 term), at the trial.
  virtual double total(double told) { return told; }

  virtual bool stationary() { return size <= settings.gtol; }

  double noise() const { return settings.noise * std::abs(f); }

  virtual void next_search() {
    double slope = direct();
    if (!(slope < 0) || !std::isfinite(slope)) {
      forget();
      fresh_ = true;
      ++restarts;
      slope = direct();
    }
    if (slope < 0 && std::isfinite(slope)) line_->begin(f, slope, 1, longest(), noise());
    else status = Status::search;
  }

 private:
  bool start(double told, const void* gradient) {
    if (!std::isfinite(told) || !std::isfinite(space.largest(gradient))) return false;
    ++evaluations;
    started_ = true;
    space.copy(g_.data(), gradient);
    f = total(told);
    size = measure();
    if (!finished(f)) next_search();
    return true;
  }

  void accept(double told, const void* gradient) {
    const double before = f;
    f = total(told);
    learn(gradient);
    std::swap(x_, trial_);
    std::swap(g_, spare_);
    has_best_ = false;
    fresh_ = false;
    ++iterations;
    go_on(before);
  }

  void go_on(double before) {
    size = measure();
    if (!finished(before)) next_search();
  }

  bool finished(double before) {
    if (stationary()) status = Status::gradient;
    else if (iterations > 0 && settings.ftol > 0 &&
             before - f <= settings.ftol * std::max({std::abs(before), std::abs(f), 1.0}))
      status = Status::value;
    else if (f < -1e300) status = Status::unbounded;
    else if (iterations >= settings.maxiter) status = Status::iterations;
    else if (evaluations >= settings.maxfun) status = Status::evaluations;
    return status != Status::running;
  }

  void keep_best(double told, const void* gradient) {
    const double value = total(told);
    if (!(value < (has_best_ ? best_f_ : f - noise()))) return;
    make_best();
    has_best_ = true;
    best_f_ = value;
    space.copy(best_x_.data(), trial_.data());
    space.copy(best_g_.data(), gradient);
  }

  void make_best() {
    if (best_x_) return;
    best_x_ = space.make();
    best_g_ = space.make();
  }

  // A failed search: from the best point it saw, if that is lower; else once more without curvature; else the end.
  void recover() {
    const bool lower = has_best_;
    const double before = f;
    if (!lower && fresh_) {
      status = Status::search;
      return;
    }
    if (lower) {
      std::swap(x_, best_x_);
      std::swap(g_, best_g_);
      f = best_f_;
      has_best_ = false;
      ++iterations;
    }
    forget();
    fresh_ = true;
    ++restarts;
    go_on(lower ? before : std::numeric_limits<double>::infinity());
  }

  bool has_best_ = false;
  double best_f_ = 0;
  Vec best_x_, best_g_;
};

}  // namespace schuss
