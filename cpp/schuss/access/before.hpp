// What happens to a gradient and its weight before the rule sees them, and to the weight after; see kernel.hpp. One
// text for every rule.
#pragma once
#include "../kernel.hpp"
#include "../rule.hpp"

namespace schuss {

template <class T>
struct Prepared {
  T unit, limit, scale, decay, keep;
  bool none;  // nothing happens: the common case, for which the loops leave it out

  Prepared() = default;
  explicit Prepared(const Before& b)
      : unit(T(b.unit)),
        limit(T(b.limit)),
        scale(T(b.scale)),
        decay(T(b.decay)),
        keep(T(b.keep)),
        none(b.unit == 1 && b.limit == infinity<double> && b.scale == 1 && b.decay == 0 && b.keep == 1) {}

  // Decay sees the weight before it is kept: the two forms of decay are never on together.
  template <class P>
  [[gnu::always_inline]] void operator()(P& w, P& g) const {
    g = scale * clip(unit * g, -limit, limit) + decay * w;
    w = keep * w;
  }
};

// The proximal step of an l1 term, then the projection onto a box.
template <class T>
struct Projected {
  T shrink, low, high;
  bool none;

  Projected() = default;
  explicit Projected(const After& a)
      : shrink(T(a.shrink)),
        low(T(a.low)),
        high(T(a.high)),
        none(a.shrink == 0 && a.low == -infinity<double> && a.high == infinity<double>) {}

  template <class P>
  [[gnu::always_inline]] void operator()(P& w) const {
    w = clip(sign(w) * larger(magnitude(w) - fill(shrink), fill(T(0))), low, high);
  }
};

// The step of a rule as `at` makes it: what comes before and after, and the rule's own scalars.
template <class R, class T>
struct Plan {
  Prepared<T> before;
  Projected<T> after;
  typename R::Step step;

  bool plain() const { return before.none && after.none; }
};

}  // namespace schuss
