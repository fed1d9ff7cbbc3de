// Losses of a margin m and a label y, with their derivatives by m, and their sum.
#pragma once
#include <cmath>

#include "../exponential.hpp"
#include "model.hpp"

namespace schuss {

inline float exp_clipped(float x) { return exp_lane(x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x); }

class Judge {
 public:
  explicit Judge(MarginLoss loss) : loss_(loss) {}

  // Adds weight * loss to the sum; gives d loss / d m.
  [[gnu::always_inline]] float operator()(float m, float y, float weight) {
    switch (loss_) {
      // log(1 + e^m) - y m, from e^-|m| in (0, 1]. One logarithm of a product serves many examples of weight 1.
      case MarginLoss::logistic: {
        const float e = exp_clipped(m < 0 ? m : -m);
        const double line = (m > 0 ? double(m) : 0.0) - double(y) * double(m), factor = 1.0 + double(e);
        if (weight == 1) {
          sum_ += line;
          product_ *= factor;
          if (++factors_ == 512) fold();
        } else {
          sum_ += double(weight) * (line + std::log(factor));
        }
        return (m < 0 ? e : 1.0f) / (1.0f + e) - y;
      }
      case MarginLoss::squared:  // (m - y)^2 / 2
        sum_ += double(weight) * 0.5 * double(m - y) * double(m - y);
        return m - y;
      case MarginLoss::hinge: {  // max(0, 1 - s m) with s = 2 y - 1
        const float side = y > 0 ? 1.0f : -1.0f;
        sum_ += double(weight) * std::fmax(0.0, 1 - double(side * m));
        return side * m < 1 ? -side : 0.0f;
      }
      case MarginLoss::poisson: {  // e^m - y m
        const float rate = exp_clipped(m);
        sum_ += double(weight) * (double(rate) - double(y) * double(m));
        return rate - y;
      }
    }
    return 0;
  }

  double sum() {
    fold();
    return sum_;
  }

 private:
  void fold() {
    sum_ += std::log(product_);
    product_ = 1;
    factors_ = 0;
  }

  MarginLoss loss_;
  double sum_ = 0, product_ = 1;
  int factors_ = 0;
};

}  // namespace schuss
