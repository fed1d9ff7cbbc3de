// Backtracking to sufficient decrease: Armijo 1966; the next step minimizes a parabola (Dennis & Schnabel 1983,
// A6.3.1).
#pragma once
#include "line_search.hpp"

namespace schuss {

class Armijo : public LineSearch {
 protected:
  void reset() override {}
  double low() const override { return 0; }
  void own_fields(Fields&) override {}

  Verdict judge(const Trial& now) override {
    if (decreases(now)) return Verdict::accept;
    const double bend = 2 * (now.f - start_.f - now.t * start_.d);
    const double least = bend > 0 ? -start_.d * now.t * now.t / bend : now.t / 2;
    step = std::clamp(least, now.t / 10, now.t / 2);
    return Verdict::again;
  }
};

}  // namespace schuss
