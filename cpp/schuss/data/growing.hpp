// Arrays that grow and do not clear what they will be filled with.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace schuss {

// Memory of a number of T that its owner knows.
template <class T>
class Raw {
  static_assert(std::is_trivial_v<T>, "realloc moves bytes, not objects");

 public:
  Raw() = default;
  Raw(Raw&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw() { std::free(data_); }

  void enlarge(std::int64_t n) {
    void* const larger = std::realloc(data_, std::size_t(n) * sizeof(T));
    if (!larger) throw std::bad_alloc();
    data_ = static_cast<T*>(larger);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::int64_t i) { return data_[i]; }
  const T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
};

inline std::int64_t grown(std::int64_t capacity, std::int64_t needed) { return std::max(needed, 2 * capacity + 64); }

template <class T>
class Growing {
 public:
  void push(T x) {
    if (size_ == capacity_) memory_.enlarge(capacity_ = grown(capacity_, size_ + 1));
    memory_[size_++] = x;
  }
  void append(const T* first, std::int64_t n) {
    if (n == 0) return;
    if (size_ + n > capacity_) memory_.enlarge(capacity_ = grown(capacity_, size_ + n));
    std::memcpy(memory_.data() + size_, first, std::size_t(n) * sizeof(T));
    size_ += n;
  }
  void shrink(std::int64_t size) { size_ = std::min(size, size_); }

  std::int64_t size() const { return size_; }
  T* data() { return memory_.data(); }
  const T* data() const { return memory_.data(); }
  const T& operator[](std::int64_t i) const { return memory_[i]; }

 private:
  Raw<T> memory_;
  std::int64_t size_ = 0, capacity_ = 0;
};

}  // namespace schuss
