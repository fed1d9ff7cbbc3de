// The strong Wolfe conditions by bracketing and zooming: Nocedal & Wright 2006, Algorithms 3.5 and 3.6, cubic steps.
#pragma once
#include "line_search.hpp"

namespace schuss {

class StrongWolfe : public LineSearch {
 protected:
  void reset() override {
    zooming_ = false;
    low_ = start_;
  }
  double low() const override { return low_.t; }

  Verdict judge(const Trial& now) override {
    if (!zooming_) return bracket(now);
    if (!decreases(now) || now.f >= low_.f) {
      high_ = now;
    } else {
      if (flat(now)) return Verdict::accept;
      if (now.d * (high_.t - low_.t) >= 0) high_ = low_;
      low_ = now;
    }
    return zoom();
  }

  void own_fields(Fields& all) override {
    all("line.zooming", zooming_);
    trial(all, low_, "line.low.t", "line.low.f", "line.low.d");
    trial(all, high_, "line.high.t", "line.high.f", "line.high.d");
  }

 private:
  Verdict bracket(const Trial& now) {
    if (!decreases(now) || (low_.t > 0 && now.f >= low_.f)) {
      high_ = now;
      return zoom();
    }
    if (flat(now)) return Verdict::accept;
    if (now.d >= 0) {
      high_ = low_;
      low_ = now;
      return zoom();
    }
    if (now.t >= longest_) return Verdict::accept;
    const double reach = cubic_step(low_, now);
    step = std::min(longest_, reach > now.t ? std::clamp(reach, 2 * now.t, 10 * now.t) : 4 * now.t);
    low_ = now;
    return Verdict::again;
  }

  Verdict zoom() {
    zooming_ = true;
    const double left = std::min(low_.t, high_.t), width = std::abs(high_.t - low_.t);
    const double between = cubic_step(low_, high_);
    step = between >= left + 0.1 * width && between <= left + 0.9 * width ? between : left + width / 2;
    return width > 1e-16 * left ? Verdict::again : Verdict::fail;
  }

  bool zooming_ = false;
  Trial low_, high_;
};

}  // namespace schuss
