// The last pairs s = change of x, y = change of g, and the product of their inverse BFGS matrix with a gradient.
//
// Two forms of the same recursion (Nocedal 1980). The loop form walks the vectors: an inner product and an update for
// each pair, twice. The Gram form (Chen, Wang & Zhou 2014) keeps the inner products of all vectors and runs the
// recursion on coefficients; the direction is then one sum of vectors, and each vector is read once there and once when
// a pair is learned. Inner products are always of the vectors themselves and never updated by differences, so none of
// them drifts.
#pragma once
#include <cmath>

#include "fields.hpp"
#include "space.hpp"

namespace schuss {

class History {
 public:
  static constexpr int most_memory = 100;

  int memory;
  int count = 0;  // pairs in use
  int next = 0;   // the slot of the pair to come; where all are in use, that of the oldest

  History(const Space& space, int pairs)
      : memory(pairs),
        s_(space.make(pairs)),
        y_(space.make(pairs)),
        sy_(std::size_t(pairs * pairs)),
        yy_(std::size_t(pairs * pairs)),
        sq_(std::size_t(pairs)),
        yq_(std::size_t(pairs)) {}

  void* s(int slot) const { return s_.row(slot); }
  void* y(int slot) const { return y_.row(slot); }
  // The k-th pair, oldest first.
  int slot(int k) const {
    const int at = next - count + k;
    return at < 0 ? at + memory : at;
  }
  void clear() { count = 0; }
  double curvature(int slot) const { return sy_[at(slot, slot)]; }

  // Where all slots are in use the oldest pair leaves its one to the pair to come.
  void make_room() { count = std::min(count, memory - 1); }

  // What `learn` needs inner products of: the old pairs, the new pair, the gradient.
  Pointers to_learn(const void* q) const {
    Pointers left;
    for (int k = 0; k < count; ++k) {
      left.push_back(s(slot(k)));
      left.push_back(y(slot(k)));
    }
    left.insert(left.end(), {s(next), y(next), q});
    return left;
  }
  // (q, y) with each of them
  double new_slope(const std::vector<double>& out, std::size_t left) const { return out[2 * (left - 3)]; }

  // Takes the new pair, with the inner products of `to_learn`; `square` is s . s. A pair along which the gradient
  // hardly turned says nothing about curvature and is left out, as is one of negative curvature.
  bool take(const std::vector<double>& out, std::size_t left, double square) {
    const double* const own = out.data() + 2 * (left - 3);
    const double sy = own[1], yy = own[3];
    std::size_t k2 = 0;
    for (int k = 0; k < count; ++k, k2 += 4) {
      const int i = slot(k);
      sq_[std::size_t(i)] = out[k2];
      yq_[std::size_t(i)] = out[k2 + 2];
    }
    const bool good = sy > 1e-12 * std::sqrt(square * yy) && std::isfinite(yy);
    if (good) {
      k2 = 0;
      for (int k = 0; k < count; ++k, k2 += 4) {
        const int i = slot(k);
        sy_[at(i, next)] = out[k2 + 1];
        yy_[at(i, next)] = yy_[at(next, i)] = out[k2 + 3];
      }
      sy_[at(next, next)] = sy;
      yy_[at(next, next)] = yy;
      sq_[std::size_t(next)] = own[0];
      yq_[std::size_t(next)] = own[2];
    }
    if (good) {
      ++count;
      next = (next + 1) % memory;
    }
    return good;
  }

  // Inner products with another q.
  void with(Space& space, const void* q) {
    Pointers left;
    for (int k = 0; k < count; ++k) left.insert(left.end(), {s(slot(k)), y(slot(k))});
    std::vector<double> out(left.size());
    space.dots(left, &q, 1, out.data());
    for (int k = 0; k < count; ++k) {
      sq_[std::size_t(slot(k))] = out[std::size_t(2 * k)];
      yq_[std::size_t(slot(k))] = out[std::size_t(2 * k + 1)];
    }
  }

  // The coefficients of -H q in the Gram form: -gamma q, then y and s of each pair, oldest first. `q` as in `take`.
  void coefficients(std::vector<double>& c) const {
    double alpha[most_memory], beta[most_memory];
    std::size_t order[most_memory];
    for (int k = 0; k < count; ++k) order[k] = std::size_t(slot(k));
    const std::size_t m = std::size_t(memory);
    for (int k = count - 1; k >= 0; --k) {
      const std::size_t i = order[k];
      double sum = sq_[i];
      for (int j = k + 1; j < count; ++j) sum -= alpha[j] * sy_[i * m + order[j]];
      alpha[k] = sum / sy_[i * m + i];
    }
    const double gamma = scale();
    c.assign(std::size_t(2 * count + 1), 0.0);
    c[0] = -gamma;
    for (int k = 0; k < count; ++k) {
      const std::size_t i = order[k];
      double sum = yq_[i];
      for (int j = 0; j < count; ++j) sum -= alpha[j] * yy_[i * m + order[j]];
      sum *= gamma;
      for (int j = 0; j < k; ++j) sum -= beta[j] * sy_[order[j] * m + i];
      beta[k] = sum / sy_[i * m + i] - alpha[k];
      c[std::size_t(2 * k + 1)] = gamma * alpha[k];
      c[std::size_t(2 * k + 2)] = beta[k];
    }
  }
  // The vectors they belong to.
  void terms(const void* q, Pointers& v) const {
    v.assign(1, q);
    for (int k = 0; k < count; ++k) {
      v.push_back(y(slot(k)));
      v.push_back(s(slot(k)));
    }
  }

  // d = -H q by the two loops. Update and next inner product are one pass.
  void loop(Space& space, const void* q, void* d) const {
    std::vector<double>& alpha = alpha_;
    alpha.assign(std::size_t(count), 0.0);
    const void* from = q;
    double product = space.dot(s(slot(count - 1)), q);
    for (int k = count - 1; k >= 0; --k) {
      const int i = slot(k);
      alpha[std::size_t(k)] = product / sy_[at(i, i)];
      product = space.step(d, from, -alpha[std::size_t(k)], y(i), k > 0 ? s(slot(k - 1)) : y(i));
      from = d;
    }
    // d = -gamma d, left to the first update: beta = gamma y . d / s . y
    const double gamma = scale();
    space.combine(d, {-gamma}, {d});
    product *= -gamma;
    for (int k = 0; k < count; ++k) {
      const int i = slot(k);
      const double beta = product / sy_[at(i, i)];
      product = space.step(d, d, -alpha[std::size_t(k)] - beta, s(i), y(slot(std::min(k + 1, count - 1))));
    }
  }

  void fields(Fields& all) {
    all("history.count", count);
    all("history.next", next);
  }
  void arrays(std::vector<Named>& all, const Space& space) {
    for (int k = 0; k < memory; ++k) {
      all.push_back({"history.s." + std::to_string(k), s(k), space.n, space.number});
      all.push_back({"history.y." + std::to_string(k), y(k), space.n, space.number});
    }
    all.push_back({"history.sy", sy_.data(), std::int64_t(sy_.size()), f64});
    all.push_back({"history.yy", yy_.data(), std::int64_t(yy_.size()), f64});
    all.push_back({"history.sq", sq_.data(), std::int64_t(sq_.size()), f64});
    all.push_back({"history.yq", yq_.data(), std::int64_t(yq_.size()), f64});
  }

 private:
  std::size_t at(int i, int j) const { return std::size_t(i * memory + j); }
  // The start matrix: gamma = s . y / y . y of the newest pair.
  double scale() const {
    const int i = slot(count - 1);
    return sy_[at(i, i)] / yy_[at(i, i)];
  }

  Vec s_, y_;
  std::vector<double> sy_;  // s_i . y_j for i no newer than j
  std::vector<double> yy_;
  std::vector<double> sq_, yq_;  // with the gradient q
  mutable std::vector<double> alpha_;
};

}  // namespace schuss
