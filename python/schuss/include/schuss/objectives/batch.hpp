// A loss over a sparse batch with an l2 term: value and gradient, on the team's threads, in a fixed order.
//
// The batch is kept twice, by rows for the scores and by columns for the gradient, so that every number is the sum of
// its own terms in one order, whoever computes it. Columns that no row has are in neither and are never touched.
#pragma once
#include <memory>
#include <numeric>
#include <vector>

#include "../losses.hpp"
#include "../solvers/space.hpp"

namespace schuss {

class Batch {
 public:
  std::int64_t rows, columns, width;
  bool intercept;
  int threads = 1;

  // `values` is null where all are 1. Ids are below `columns`, checked.
  Batch(const Losses* losses, Loss loss, std::int64_t row_count, std::int64_t column_count, std::int64_t classes,
        bool with_intercept, double l2, const std::int64_t* start, const std::int64_t* ids, const void* values,
        Number value_type, const double* labels, const double* weights)
      : rows(row_count),
        columns(column_count),
        width(classes),
        intercept(with_intercept),
        losses_(losses),
        loss_(loss),
        type_(value_type),
        l2_(l2),
        start_(start, start + row_count + 1),
        labels_(labels, labels + row_count) {
    if (weights) weights_.assign(weights, weights + rows);
    const std::int64_t count = start_.back(), item = type_ == f32 ? 4 : 8;
    ids_.resize(std::size_t(count));
    for (std::int64_t k = 0; k < count; ++k) ids_[std::size_t(k)] = std::int32_t(ids[k]);
    if (values) values_.assign(static_cast<const char*>(values), static_cast<const char*>(values) + count * item);
    turn(count, item);
    scores_.resize(std::size_t(rows * width));
    slopes_.resize(seen_.size() * std::size_t(width));
    sums_.resize(std::size_t(std::max((rows + tile - 1) / tile, (std::int64_t(seen_.size()) + tile - 1) / tile) *
                             std::max<std::int64_t>(width, 1)));
  }

  std::int64_t size() const { return (columns + (intercept ? 1 : 0)) * width; }
  std::int64_t seen() const { return std::int64_t(seen_.size()); }

  // f at x; g, of the same type, gets the gradient of the columns seen.
  template <class T>
  double operator()(const T* x, T* g) {
    const Number type = sizeof(T) == 4 ? f32 : f64;
    const Sparse by_rows{start_.data(), ids_.data(), values_.empty() ? nullptr : values_.data(), width};
    const Sparse by_columns{turned_start_.data(), turned_ids_.data(), values_.empty() ? nullptr : turned_values_.data(),
                            width};
    const T* const bias = x + columns * width;
    const double loss = over(rows, [&](std::int64_t first, std::int64_t last) {
      losses_->product[type_][type](by_rows, x, first, last, scores_.data());
      double* const scores = scores_.data() + first * width;
      if (intercept)
        for (std::int64_t i = 0; i < (last - first) * width; ++i) scores[i] += double(bias[i % width]);
      return losses_->derive[int(loss_)](scores, labels_.data() + first,
                                         weights_.empty() ? nullptr : weights_.data() + first, last - first, width);
    });
    const double squares = over(seen(), [&](std::int64_t first, std::int64_t last) {
      losses_->product[type_][f64](by_columns, scores_.data(), first, last, slopes_.data());
      double sum = 0;
      for (std::int64_t k = first; k < last; ++k)
        for (std::int64_t c = 0; c < width; ++c) {
          const std::int64_t at = std::int64_t(seen_[std::size_t(k)]) * width + c;
          const double own = double(x[at]);
          g[at] = T(slopes_[std::size_t(k * width + c)] + l2_ * own);
          sum += own * own;
        }
      return sum;
    });
    for (std::int64_t c = 0; intercept && c < width; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < rows; ++i) sum += scores_[std::size_t(i * width + c)];
      g[columns * width + c] = T(sum);
    }
    return l2_ > 0 ? loss + l2_ / 2 * squares : loss;
  }

 private:
  static constexpr std::int64_t tile = 2048;

  // The sum of part(first, last) over tiles with fixed borders.
  template <class F>
  double over(std::int64_t n, const F& part) {
    const std::int64_t tasks = (n + tile - 1) / tile;
    Team::get().run(tasks, threads, [&](std::int64_t task, int) {
      sums_[std::size_t(task)] = part(task * tile, std::min(n, (task + 1) * tile));
    });
    return std::accumulate(sums_.begin(), sums_.begin() + tasks, 0.0);
  }

  // The batch by columns, those that are there; rows ascending within each.
  void turn(std::int64_t count, std::int64_t item) {
    std::vector<std::int64_t> sizes(std::size_t(columns), 0);
    for (const auto id : ids_) ++sizes[std::size_t(id)];
    std::vector<std::int64_t> next(std::size_t(columns), 0);
    turned_start_.push_back(0);
    for (std::int64_t j = 0; j < columns; ++j) {
      next[std::size_t(j)] = turned_start_.back();
      if (sizes[std::size_t(j)] == 0) continue;
      seen_.push_back(std::int32_t(j));
      turned_start_.push_back(turned_start_.back() + sizes[std::size_t(j)]);
    }
    turned_ids_.resize(std::size_t(count));
    turned_values_.resize(values_.size());
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t k = start_[std::size_t(i)]; k < start_[std::size_t(i) + 1]; ++k) {
        const std::int64_t at = next[std::size_t(ids_[std::size_t(k)])]++;
        turned_ids_[std::size_t(at)] = std::int32_t(i);
        if (!values_.empty())
          std::memcpy(&turned_values_[std::size_t(at * item)], &values_[std::size_t(k * item)], std::size_t(item));
      }
  }

  const Losses* losses_;
  Loss loss_;
  Number type_;
  double l2_;
  std::vector<std::int64_t> start_, turned_start_;
  std::vector<std::int32_t> ids_, turned_ids_, seen_;
  std::vector<char> values_, turned_values_;
  std::vector<double> labels_, weights_, scores_, slopes_, sums_;
};

}  // namespace schuss
