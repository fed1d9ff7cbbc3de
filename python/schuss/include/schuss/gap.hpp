// A gap: k steps of a row without a gradient, composed into a few numbers that all its coordinates share.
//
// With g = 0 every rule that is here does one of two things to the weight w, its slots and its average:
//   linear:  (w, c) <- A (w, c), where c is the slot that moves w (momentum); the other slots fade by a factor
//   drift:   w <- keep w - rate b m / (shrink r + floor), m <- b m, r <- shrink r    (Adam: r = root(v), b = beta1)
// Matrices compose by products. A drift over k steps is m sum_j c_j / (r + x_j) with x_j = floor_j / shrink^j and
// weights c_j that fade like (b / shrink)^j, so the x_j lie close together and a few moments sum_j c_j x_j^n give the
// sum for every r at the price of one division; moments compose too. `Rest` has them about their centre, with the
// radius within which the series is exact to rounding; r outside it is stepped one step at a time.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "kernel.hpp"

namespace schuss {

struct Gap {
  double ww = 1, wc = 0, cw = 0, cc = 1;  // (w, c) <- ((ww, wc), (cw, cc)) (w, c)
  double mw = 0, mc = 0, mm = 1;          // average <- mw w + mc c + mm average, of the old w and c
  double fade[most_slots] = {1, 1, 1, 1};
  double ratio[most_moments];  // (b / shrink^(n + 1))^k
  double drift[most_moments] = {}, mean_drift[most_moments] = {};
  double shrink = 1, least = 0;  // of r; r never falls below `least`
  bool odd = false;              // a negative `keep`: the moments' weights have no common sign
  bool drifts = false;

  Gap() { std::fill_n(ratio, most_moments, 1.0); }

  // One step of a drift rule.
  void drift_by(double keep, double rate, double b, double shrink_by, double floor) {
    ww = keep;
    shrink = shrink_by;
    drifts = true;
    odd = keep < 0;
    double x = 1;
    for (int n = 0; n < most_moments; ++n) {
      drift[n] = rate * b / shrink * x;
      ratio[n] = b / std::pow(shrink, n + 1);
      x *= floor / shrink;
    }
  }

  // The average follows the new weight.
  void average_by(double fresh) {
    mw = fresh * ww;
    mc = fresh * wc;
    mm = 1 - fresh;
    for (int n = 0; n < most_moments; ++n) mean_drift[n] = fresh * drift[n];
  }
};

// First a, then b.
inline Gap then(const Gap& a, const Gap& b) {
  Gap c;
  c.ww = b.ww * a.ww + b.wc * a.cw;
  c.wc = b.ww * a.wc + b.wc * a.cc;
  c.cw = b.cw * a.ww + b.cc * a.cw;
  c.cc = b.cw * a.wc + b.cc * a.cc;
  c.mw = b.mw * a.ww + b.mc * a.cw + b.mm * a.mw;
  c.mc = b.mw * a.wc + b.mc * a.cc + b.mm * a.mc;
  c.mm = b.mm * a.mm;
  for (int k = 0; k < most_slots; ++k) c.fade[k] = a.fade[k] * b.fade[k];
  c.drifts = a.drifts || b.drifts;
  if (!c.drifts) return c;
  for (int n = 0; n < most_moments; ++n) {
    c.drift[n] = b.ww * a.drift[n] + a.ratio[n] * b.drift[n];
    c.mean_drift[n] = b.mw * a.drift[n] + b.mm * a.mean_drift[n] + a.ratio[n] * b.mean_drift[n];
    c.ratio[n] = a.ratio[n] * b.ratio[n];
  }
  c.shrink = a.shrink * b.shrink;
  c.least = std::max(a.least, b.least);
  c.odd = a.odd || b.odd;
  return c;
}

// The moments of `raw` about x, in units of x^n: sum_j c_j (x_j / x - 1)^n.
inline void centre(const double* raw, double x, int terms, double* out) {
  double scaled[most_moments], power = 1;
  for (int n = 0; n < terms; ++n, power *= x) scaled[n] = power > 0 ? raw[n] / power : 0;
  for (int n = 0; n < terms; ++n) {
    double sum = 0, choose = 1;
    for (int i = 0; i <= n; ++i) {
      sum += ((n - i) % 2 ? -choose : choose) * scaled[i];
      choose = choose * (n - i) / (i + 1);
    }
    out[n] = sum;
  }
}

// A gap ready for use. With y = 1 / (r + x) and z = -x y the drift is m y sum_n drift[n] z^n, wherever r + x >= reach.
// After an even number N of terms the rest is at most 2 drift[N] z^N for |z| <= 1/2: all c_j and x_j are positive.
inline Rest rest(const Gap& g, Number number) {
  Rest out{};
  out.ww = g.ww, out.wc = g.wc, out.cw = g.cw, out.cc = g.cc;
  out.mw = g.mw, out.mc = g.mc, out.mm = g.mm;
  std::copy_n(g.fade, most_slots, out.fade);
  out.least = g.least;
  out.x = 1;
  if (!g.drifts || g.drift[0] == 0) return out;
  const int terms = number == f32 ? float_terms : double_terms;
  const double tolerance = number == f32 ? 0x1p-25 : 0x1p-46;
  out.x = std::max(g.drift[1] / g.drift[0], std::numeric_limits<double>::min());
  centre(g.drift, out.x, terms + 1, out.drift);
  centre(g.mean_drift, out.x, terms + 1, out.mean_drift);
  bool finite = !g.odd && std::isfinite(out.x);
  for (int n = 0; n <= terms; ++n) finite = finite && std::isfinite(out.drift[n]) && std::isfinite(out.mean_drift[n]);
  double beyond = std::fabs(out.drift[terms] / out.drift[0]);
  if (out.mean_drift[0] != 0) beyond = std::max(beyond, std::fabs(out.mean_drift[terms] / out.mean_drift[0]));
  const double most = std::pow(tolerance / (2 * beyond), 1.0 / terms);  // of |z|
  out.reach = !finite ? std::numeric_limits<double>::infinity() : most >= 1 ? 0 : out.x / std::min(most, 0.5);
  if (g.least > 0) out.reach = std::max(out.reach, g.least / g.shrink + out.x);
  return out;
}

// The steps that rows may have missed, so that a gap from any of them to now is one composition away: suffixes within
// blocks of steps, and from the end of each block to now. A step costs at most two blocks of compositions.
class History {
 public:
  static constexpr std::int64_t block = 64, most = 4096;

  std::int64_t size() const { return std::int64_t(within_.size()); }
  bool full() const { return size() >= most; }

  void append(const Gap& one, const void* step) {
    if (size() % block == 0) beyond_.emplace_back();
    const std::int64_t open = size() / block * block;
    for (std::int64_t i = open; i < size(); ++i) within_[std::size_t(i)] = then(within_[std::size_t(i)], one);
    for (std::size_t b = 0; b + 1 < beyond_.size(); ++b) beyond_[b] = then(beyond_[b], one);
    within_.push_back(one);
    steps_.resize(steps_.size() + step_bytes);
    std::memcpy(steps_.data() + steps_.size() - step_bytes, step, step_bytes);
  }

  // The gap of all steps from number `first` on.
  Gap since(std::int64_t first) const {
    const Gap& near = within_[std::size_t(first)];
    const auto b = std::size_t(first / block);
    return b + 1 == beyond_.size() ? near : then(near, beyond_[b]);
  }

  const void* step(std::int64_t i) const { return steps_.data() + std::size_t(i) * step_bytes; }

  void clear() {
    within_.clear();
    beyond_.clear();
    steps_.clear();
  }

 private:
  std::vector<Gap> within_, beyond_;
  std::vector<std::byte> steps_;  // each step's scalars, as `at` made them
};

}  // namespace schuss
