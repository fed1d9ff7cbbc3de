// What happens to a gradient and its weight before the rule sees them; see kernel.hpp. One text for every rule.
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

// The step of a rule as `at` makes it: what comes before, then the rule's own scalars.
template <class R, class T>
struct Plan {
  Prepared<T> before;
  typename R::Step step;
};

}  // namespace schuss
