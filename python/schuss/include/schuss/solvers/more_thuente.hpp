// The strong Wolfe conditions with guaranteed convergence: Moré & Thuente, TOMS 20, 1994, as in MINPACK-2's dcsrch.
#pragma once
#include "line_search.hpp"

namespace schuss {

class MoreThuente : public LineSearch {
 protected:
  void reset() override {
    bracketed_ = false;
    first_stage_ = true;
    best_ = other_ = start_;
    width_ = longest_;
    width_before_ = 2 * width_;
    least_ = 0;
    most_ = 5 * step;
  }
  double low() const override { return best_.t; }

  Verdict judge(const Trial& now) override {
    const double test = c1 * start_.d;
    if (first_stage_ && decreases(now) && now.d >= 0) first_stage_ = false;
    if (decreases(now) && flat(now)) return Verdict::accept;
    if (now.t >= longest_ && decreases(now) && now.d <= test) return Verdict::accept;
    if (first_stage_ && now.f <= best_.f && !decreases(now)) {
      // The auxiliary function psi(t) = f(t) - f(0) - c1 t f'(0) until a step with psi <= 0 and f' >= 0 is found.
      Trial best = lowered(best_, test), other = lowered(other_, test);
      step = next(best, other, lowered(now, test));
      best_ = lowered(best, -test);
      other_ = lowered(other, -test);
    } else {
      step = next(best_, other_, now);
    }
    if (bracketed_) {
      const double width = std::abs(other_.t - best_.t);
      if (width >= 0.66 * width_before_) step = best_.t + 0.5 * (other_.t - best_.t);
      width_before_ = width_;
      width_ = width;
      least_ = std::min(best_.t, other_.t);
      most_ = std::max(best_.t, other_.t);
    } else {
      least_ = step + 1.1 * (step - best_.t);
      most_ = step + 4 * (step - best_.t);
    }
    step = std::clamp(step, 0.0, longest_);
    return bracketed_ && (step <= least_ || step >= most_) ? Verdict::fail : Verdict::again;
  }

  void own_fields(Fields& all) override {
    all("line.bracketed", bracketed_);
    all("line.first_stage", first_stage_);
    all("line.width", width_);
    all("line.width_before", width_before_);
    all("line.least", least_);
    all("line.most", most_);
    trial(all, best_, "line.best.t", "line.best.f", "line.best.d");
    trial(all, other_, "line.other.t", "line.other.f", "line.other.d");
  }

 private:
  static Trial lowered(const Trial& a, double slope) { return {a.t, a.f - a.t * slope, a.d - slope}; }

  // The next step within the interval that best and other span, which is made smaller (dcstep).
  double next(Trial& best, Trial& other, const Trial& now) {
    const double theta = 3 * (best.f - now.f) / (now.t - best.t) + best.d + now.d;
    const double scale = std::max({std::abs(theta), std::abs(best.d), std::abs(now.d)});
    const double root =
        scale * std::sqrt(std::max(0.0, theta / scale * (theta / scale) - best.d / scale * (now.d / scale)));
    const double secant = now.t + now.d / (now.d - best.d) * (best.t - now.t);
    const bool turned = now.d * std::copysign(1.0, best.d)<0, forward = now.t> best.t;
    double to;
    if (now.f > best.f) {  // higher: a minimum lies between
      const double gamma = forward ? root : -root;
      const double r = ((gamma - best.d) + theta) / (((gamma - best.d) + gamma) + now.d);
      const double cubic = best.t + r * (now.t - best.t);
      const double parabola = best.t + best.d / ((best.f - now.f) / (now.t - best.t) + best.d) / 2 * (now.t - best.t);
      to = std::abs(cubic - best.t) < std::abs(parabola - best.t) ? cubic : cubic + (parabola - cubic) / 2;
      bracketed_ = true;
    } else if (turned) {  // lower, slopes of opposite signs: between, too
      const double gamma = forward ? -root : root;
      const double r = ((gamma - now.d) + theta) / (((gamma - now.d) + gamma) + best.d);
      const double cubic = now.t + r * (best.t - now.t);
      to = std::abs(cubic - now.t) > std::abs(secant - now.t) ? cubic : secant;
      bracketed_ = true;
    } else if (std::abs(now.d) < std::abs(best.d)) {  // lower, and flatter: the cubic may have its minimum beyond
      const double gamma = forward ? -root : root;
      const double r = ((gamma - now.d) + theta) / ((gamma + (best.d - now.d)) + gamma);
      const double cubic = r < 0 && gamma != 0 ? now.t + r * (best.t - now.t) : forward ? most_ : least_;
      const bool nearer = std::abs(cubic - now.t) < std::abs(secant - now.t);
      if (bracketed_) {
        to = nearer ? cubic : secant;
        const double limit = now.t + 0.66 * (other.t - now.t);
        to = forward ? std::min(limit, to) : std::max(limit, to);
      } else {
        to = std::clamp(nearer ? secant : cubic, std::min(least_, most_), std::max(least_, most_));
      }
    } else {  // lower, and no flatter
      to = bracketed_ ? cubic_step(now, other) : forward ? most_ : least_;
      if (!(to >= std::min(now.t, other.t) && to <= std::max(now.t, other.t)) && bracketed_) to = (now.t + other.t) / 2;
    }
    if (now.f > best.f) {
      other = now;
    } else {
      if (turned) other = best;
      best = now;
    }
    return to;
  }

  bool bracketed_ = false, first_stage_ = true;
  Trial best_, other_;
  double width_ = 0, width_before_ = 0, least_ = 0, most_ = 0;
};

}  // namespace schuss
