// Examples that grow: what a piece of text becomes, before it is cut into batches.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace schuss {

// A vector that does not clear what it will be filled with.
template <class T>
class Growing {
  static_assert(std::is_trivial_v<T>, "moved by realloc");

 public:
  Growing() = default;
  Growing(Growing&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  ~Growing() { std::free(data_); }

  // The place of the next n numbers; `grow` makes them part of the vector.
  T* room(std::int64_t n) {
    if (size_ + n > capacity_) enlarge(n);
    return data_ + size_;
  }
  void grow(std::int64_t n) { size_ += n; }
  void push(T x) {
    *room(1) = x;
    ++size_;
  }
  void fill(std::int64_t n, T x) {
    std::fill_n(room(n), n, x);
    size_ += n;
  }
  void shrink(std::int64_t size) { size_ = size; }

  std::int64_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::int64_t i) { return data_[i]; }
  const T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  void enlarge(std::int64_t n) {
    const std::int64_t most = std::max(size_ + n, 2 * capacity_ + 64);
    auto* const larger = static_cast<T*>(std::realloc(data_, std::size_t(most) * sizeof(T)));
    if (!larger) throw std::bad_alloc();
    data_ = larger;
    capacity_ = most;
  }

  T* data_ = nullptr;
  std::int64_t size_ = 0, capacity_ = 0;
};

// A line that is no example: its number, from 1 in its piece of text, and why.
struct Report {
  std::int64_t line;
  std::string reason;
};

struct Block {
  static constexpr std::size_t most_reports = 5;

  Growing<std::int64_t> ends;  // of each example's entries
  Growing<std::uint32_t> ids;
  Growing<float> values;  // empty while all are 1
  Growing<std::uint16_t> fields;
  Growing<float> labels, weights;  // weights: empty while all are 1
  Growing<std::uint8_t> repeats;
  bool valued = false, weighted = false;
  std::int64_t lines = 0, malformed = 0;
  std::vector<Report> reports;  // of the first malformed lines

  std::int64_t size() const { return ends.size(); }
  std::int64_t start(std::int64_t example) const { return example == 0 ? 0 : ends[example - 1]; }

  // Until a value differs from 1, none is kept.
  void value(std::int64_t entry, float x) {
    if (!valued) {
      if (x == 1) return;
      valued = true;
      values.fill(entry, 1);
    }
    values.push(x);
  }

  void weight(float x) {
    if (!weighted) {
      if (x == 1) return;
      weighted = true;
      weights.fill(size(), 1);
    }
    weights.push(x);
  }

  void cut_entries(std::int64_t entries) {
    ids.shrink(entries);
    values.shrink(std::min(entries, values.size()));
    fields.shrink(std::min(entries, fields.size()));
  }

  // Back to where `entries` was, without what an example that was refused has left.
  void cut(std::int64_t entries) {
    cut_entries(entries);
    labels.shrink(std::min(size(), labels.size()));
    weights.shrink(std::min(size(), weights.size()));
  }

  void clear() {
    ends.shrink(0);
    cut(0);
    repeats.shrink(0);
    valued = weighted = false;
    lines = malformed = 0;
    reports.clear();
  }
};

}  // namespace schuss
