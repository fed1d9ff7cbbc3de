// What all line searches share: a machine that is told f and its derivative along the direction at the step it asked
// for. Steps are finite, walls (where f is not finite) are backed away from, and rounding in f is seen through.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "fields.hpp"

namespace schuss {

enum class Verdict { again, accept, fail };

struct Trial {
  double t = 0, f = 0, d = 0;
};

class LineSearch {
 public:
  double c1 = 1e-4, c2 = 0.9;  // sufficient decrease; what remains of the slope
  double step = 1;             // to be tried
  int trials = 0;

  virtual ~LineSearch() = default;

  // `noise` is how far f may be off by rounding.
  void begin(double f, double d, double first, double most, double noise) {
    start_ = {0, f, d};
    longest_ = most;
    slack_ = noise;
    step = std::min(first, most);
    trials = 0;
    wall_ = std::numeric_limits<double>::infinity();
    reset();
  }

  Verdict tell(double f, double d) {
    const double before = step;
    ++trials;
    if (std::isfinite(f) && std::isfinite(d)) {
      // Where f changes by no more than its rounding, the derivatives tell more. With the trapezoid, sufficient
      // decrease becomes (2 c1 - 1) d0 >= d: the approximate Wolfe condition of Hager & Zhang 2005.
      if (std::abs(f - start_.f) <= slack_) f = start_.f + step * (start_.d + d) / 2;
      const Verdict verdict = judge({step, f, d});
      if (verdict != Verdict::again) return verdict;
      if (step >= wall_) step = low() + (wall_ - low()) / 2;
    } else {
      wall_ = step;
      step = low() + (wall_ - low()) / 10;
    }
    return trials < most_trials && step > 0 && step != before ? Verdict::again : Verdict::fail;
  }

  void fields(Fields& all) {
    all("line.c1", c1);
    all("line.c2", c2);
    all("line.step", step);
    all("line.trials", trials);
    all("line.longest", longest_);
    all("line.wall", wall_);
    all("line.slack", slack_);
    trial(all, start_, "line.start.t", "line.start.f", "line.start.d");
    own_fields(all);
  }

 protected:
  static constexpr int most_trials = 40;
  Trial start_;
  double longest_ = 1, wall_ = 0, slack_ = 0;

  virtual void reset() = 0;
  virtual Verdict judge(const Trial& now) = 0;  // sets `step` where it says again
  virtual double low() const = 0;               // the end of the interval that holds the best step
  virtual void own_fields(Fields& all) = 0;

  bool decreases(const Trial& now) const { return now.f <= start_.f + c1 * now.t * start_.d; }
  bool flat(const Trial& now) const { return std::abs(now.d) <= -c2 * start_.d; }

  static void trial(Fields& all, Trial& one, const char* t, const char* f, const char* d) {
    all(t, one.t);
    all(f, one.f);
    all(d, one.d);
  }
};

// The minimizer of the cubic through both trials and their slopes (Nocedal & Wright 2006, eq. 3.59); NaN if none.
inline double cubic_step(const Trial& a, const Trial& b) {
  const double u = a.d + b.d - 3 * (a.f - b.f) / (a.t - b.t);
  const double v = std::copysign(std::sqrt(u * u - a.d * b.d), b.t - a.t);
  return b.t - (b.t - a.t) * (b.d + v - u) / (b.d - a.d + 2 * v);
}

}  // namespace schuss
