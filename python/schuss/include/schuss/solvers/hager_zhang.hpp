// Hager & Zhang, TOMS 32, 2006 (CG_DESCENT): secant steps from both ends of an interval whose slopes have opposite
// signs.
#pragma once
#include "line_search.hpp"

namespace schuss {

class HagerZhang : public LineSearch {
 protected:
  void reset() override {
    phase_ = Phase::expand;
    a_ = b_ = start_;
  }
  double low() const override { return a_.t; }

  Verdict judge(const Trial& now) override {
    if (decreases(now) && now.d >= c2 * start_.d) return Verdict::accept;
    if (now.t >= longest_ && decreases(now) && now.d < 0) return Verdict::accept;
    switch (phase_) {
      case Phase::expand:
        if (now.d < 0 && now.f <= start_.f + slack_) {
          a_ = now;
          step = std::min(longest_, 5 * now.t);
          return Verdict::again;
        }
        b_ = now;
        before_a_ = a_;
        before_b_ = b_;
        return now.d >= 0 ? secant() : halve(Phase::secant);
      case Phase::halve:
        if (now.d >= 0) {
          b_ = now;
          return after();
        }
        (now.f <= start_.f + slack_ ? a_ : b_) = now;
        return halve(then_);
      case Phase::secant: {
        if (now.t <= a_.t || now.t >= b_.t) return middle();
        const Trial a = a_, b = b_;
        if (!narrow(now)) return halve(Phase::middle);
        return second(a, b);
      }
      case Phase::again:
        if (now.t > a_.t && now.t < b_.t && !narrow(now)) return halve(Phase::middle);
        return middle();
      case Phase::middle:
        if (!narrow(now)) return halve(Phase::secant);
        return secant();
    }
    return Verdict::fail;
  }

  void own_fields(Fields& all) override {
    int phase = int(phase_), then = int(then_);
    all("line.phase", phase);
    all("line.then", then);
    phase_ = Phase(phase);
    then_ = Phase(then);
    trial(all, a_, "line.a.t", "line.a.f", "line.a.d");
    trial(all, b_, "line.b.t", "line.b.f", "line.b.d");
    trial(all, before_a_, "line.before_a.t", "line.before_a.f", "line.before_a.d");
    trial(all, before_b_, "line.before_b.t", "line.before_b.f", "line.before_b.d");
  }

 private:
  // `again` is the second secant step of a round, `middle` the bisection that keeps intervals shrinking.
  enum class Phase { expand, halve, secant, again, middle };

  static double root(const Trial& a, const Trial& b) { return (a.t * b.d - b.t * a.d) / (b.d - a.d); }

  // U1, U2; false where only halving can go on: f is high although it still falls.
  bool narrow(const Trial& now) {
    if (now.d >= 0) b_ = now;
    else if (now.f <= start_.f + slack_) a_ = now;
    else {
      b_ = now;
      return false;
    }
    return true;
  }

  Verdict go(double t, Phase phase) {
    phase_ = phase;
    step = t;
    return b_.t - a_.t > 1e-16 * b_.t ? Verdict::again : Verdict::fail;
  }
  Verdict halve(Phase then) {
    then_ = then;
    return go(a_.t + (b_.t - a_.t) / 2, Phase::halve);
  }
  Verdict secant() {
    before_a_ = a_;
    before_b_ = b_;
    const double t = root(a_, b_);
    return t > a_.t && t < b_.t ? go(t, Phase::secant) : go(a_.t + (b_.t - a_.t) / 2, Phase::middle);
  }
  // S2 to S4: from the end that moved, through its former place.
  Verdict second(const Trial& a, const Trial& b) {
    const double t = b_.t != b.t ? root(b, b_) : root(a, a_);
    return t > a_.t && t < b_.t ? go(t, Phase::again) : middle();
  }
  Verdict middle() {
    if (b_.t - a_.t > 0.66 * (before_b_.t - before_a_.t)) return go(a_.t + (b_.t - a_.t) / 2, Phase::middle);
    return secant();
  }
  Verdict after() { return then_ == Phase::secant ? secant() : middle(); }

  Phase phase_ = Phase::expand, then_ = Phase::secant;
  Trial a_, b_, before_a_, before_b_;
};

}  // namespace schuss
