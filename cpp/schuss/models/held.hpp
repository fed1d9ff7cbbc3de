// Rows of an example taken out of their table and laid side by side: all weights, then all of each slot. So short rows
// cost one visit, and a rule meets them as neighbours.
#pragma once
#include "part.hpp"

namespace schuss {

// Whether a row's slot lies so near that both come in one register.
template <int dim>
constexpr bool paired = 2 * dim <= register_lanes<float>;

// Numbers of neighbouring rows [w | s], in two registers, as weights and slots; and back.
template <int dim, int n, std::size_t... i>
[[gnu::always_inline]] inline void part_pairs(typename Run<float, n>::Vector& a, typename Run<float, n>::Vector& b,
                                              std::index_sequence<i...>) {
  const auto w = __builtin_shufflevector(a, b, (int(i) / dim * 2 * dim + int(i) % dim)...);
  b = __builtin_shufflevector(a, b, (int(i) / dim * 2 * dim + dim + int(i) % dim)...);
  a = w;
}
template <int dim, int n, std::size_t... i>
[[gnu::always_inline]] inline void pair_up(typename Run<float, n>::Vector& a, typename Run<float, n>::Vector& b,
                                           std::index_sequence<i...>) {
  constexpr auto from = [](int at) { return at / (2 * dim) * dim + at % dim + (at / dim % 2 ? n : 0); };
  const auto low = __builtin_shufflevector(a, b, from(int(i))...);
  b = __builtin_shufflevector(a, b, from(n + int(i))...);
  a = low;
}

// Stores m numbers of a register, from `first` on.
template <int m, int first, int n, std::size_t... i>
[[gnu::always_inline]] inline void store_lanes(char* to, const typename Run<float, n>::Vector& a,
                                               std::index_sequence<i...>) {
  if constexpr (m == 2) {  // as one number of eight bytes, which an instruction stores from a register
    typename Run<double, n / 2>::Vector all;
    std::memcpy(&all, &a, sizeof all);
    const double own = all[first / 2];
    std::memcpy(to, &own, sizeof own);
  } else {
    const auto own = __builtin_shufflevector(a, a, (first + int(i))...);
    std::memcpy(to, &own, sizeof own);
  }
}

class Held {
 public:
  Held(const Part& part, const HeldRows& memory) : part_(part), memory_(memory) {}

  const float* weights() const { return memory_.numbers; }

  // Where the rows of some ids are, and one more of the id `last`; or the rows beside those of another part, on the
  // same lines. Behind them, to the end of the last register, the first one again.
  template <class Id>
  void find(const Id* ids, std::int64_t n, std::int64_t last = -1) {
    const auto stride = std::uint32_t(part_.width * std::int64_t(sizeof(float)));
    const char* const first = reinterpret_cast<const char*>(part_.rows);
    const char** const rows = rows_ = memory_.rows;
    for (std::int64_t i = 0; i < n; ++i) rows[i] = first + std::uint64_t(std::uint32_t(ids[i])) * stride;
    if (last >= 0) rows[n++] = first + last * stride;
    std::fill_n(rows + n, lanes<float>, n > 0 ? rows[0] : first);
    aside_ = 0;
  }
  void find(const Held& other) {
    rows_ = other.rows_;
    aside_ = reinterpret_cast<const char*>(part_.rows) - reinterpret_cast<const char*>(other.part_.rows);
  }

  // Takes the first n of them out, with their slots where the rule will step them here. Zeros lie behind the weights.
  void open(std::int64_t n, bool slots) {
    n_ = n;
    get(slots && here() ? part_.slots : 0);
    std::fill_n(component(-1) + n * part_.dim, lanes<float>, 0.0f);
  }

  // Calls begin(i) for rows that may never have been seen, then takes those out once more.
  template <class F>
  void start(F begin) {
    if (!zeros()) return;
    const float* weight = memory_.numbers;
    for (std::int64_t i = 0; i < n_; ++i, weight += part_.dim)
      if (*weight == 0) {
        begin(i);
        for (int k = -1; k < (here() ? part_.slots : 0); ++k)
          std::copy_n(reinterpret_cast<const float*>(rows_[i] + offset(k)), part_.dim, component(k) + i * part_.dim);
      }
  }

  // One step of the rule with gradients g, each row once; then the rows go back.
  void step(const std::int64_t* ids, const float* g, const Step& step) {
    if (!here()) return step_rows(part_, ids, n_, g, step.bytes);
    Span a{};
    a.w = component(-1);
    for (int k = 0; k < part_.slots; ++k) a.slots[k] = component(k);
    a.g = g;
    a.n = (n_ * part_.dim + lanes<float> - 1) / lanes<float> * lanes<float>;  // what lies behind goes nowhere
    part_.rule->span(a, step.bytes);
    put(part_.slots);
  }

  // A rule that shares numbers in a row meets the rows where they are.
  bool here() const { return part_.shared == 0; }

 private:
  float* component(int slot) const { return memory_.numbers + (1 + slot) * memory_.stride; }
  std::int64_t offset(int slot) const { return aside_ + (1 + slot) * part_.pitch * std::int64_t(sizeof(float)); }

  bool zeros() const {
    const std::int64_t numbers = n_ * part_.dim;
    const float* const all = memory_.numbers;
    int some = 0;
    for (std::int64_t i = 0; i < numbers; ++i) some |= int(all[i] == 0);
    return some != 0;
  }

  // Pointers are held in variables: the compiler must take every store for one that changes members.
  void get(int slots) const {
    with_dim<float>(part_.dim, [&](auto dim) __attribute__((always_inline)) {
      constexpr int n = register_lanes<float>;
      const std::int64_t numbers = n_ * dim;
      const char* const* const rows = rows_;
      int k = -1;
      if constexpr (paired<dim>)
        if (slots > 0) {
          float *const weights = component(-1), *const first = component(0);
          const std::ptrdiff_t at = offset(-1);
          for (std::int64_t i = 0; i < numbers; i += n) {
            auto w = joined<float, n, 2 * dim>(rows + i / dim, at),
                 s = joined<float, n, 2 * dim>(rows + i / dim + n / dim / 2, at);
            part_pairs<dim, n>(w, s, std::make_index_sequence<n>{});
            std::memcpy(weights + i, &w, sizeof w);
            std::memcpy(first + i, &s, sizeof s);
          }
          k = 1;
        }
      for (; k < slots; ++k) {
        float* const to = component(k);
        const std::ptrdiff_t at = offset(k);
        for (std::int64_t i = 0; i < numbers; i += lanes<float>) get_rows<float, dim>(rows + i / dim, to + i, at);
      }
    });
  }

  void put(int slots) const {
    with_dim<float>(part_.dim, [&](auto dim) __attribute__((always_inline)) {
      constexpr int n = register_lanes<float>, each = n / dim;
      char* const* const rows = const_cast<char* const*>(rows_);
      const std::int64_t count = n_;
      int k = -1;
      if constexpr (paired<dim>)
        if (slots > 0) {
          const float *const weights = component(-1), *const first = component(0);
          const std::ptrdiff_t at = offset(-1);
          std::int64_t i = 0;
          for (; i + each <= count; i += each) {
            typename Run<float, n>::Vector w, s;
            std::memcpy(&w, weights + i * dim, sizeof w);
            std::memcpy(&s, first + i * dim, sizeof s);
            put_pairs<dim, n>(rows + i, at, w, s, std::make_index_sequence<each>{});
          }
          for (; i < count; ++i) {
            std::memcpy(rows[i] + at, weights + i * dim, dim * sizeof(float));
            std::memcpy(rows[i] + at + dim * sizeof(float), first + i * dim, dim * sizeof(float));
          }
          k = 1;
        }
      for (; k < slots; ++k) {
        const float* const from = component(k);
        const std::ptrdiff_t at = offset(k);
        for (std::int64_t i = 0; i < count; ++i) std::memcpy(rows[i] + at, from + i * dim, dim * sizeof(float));
      }
    });
  }

  template <int dim, int n, std::size_t... j>
  [[gnu::always_inline]] static void put_pairs(char* const* rows, std::ptrdiff_t at, typename Run<float, n>::Vector w,
                                               typename Run<float, n>::Vector s, std::index_sequence<j...>) {
    constexpr int m = 2 * dim;  // numbers of a row
    pair_up<dim, n>(w, s, std::make_index_sequence<n>{});
    (store_lanes<m, int(j) * m % n, n>(rows[j] + at, int(j) * m < n ? w : s, std::make_index_sequence<m>{}), ...);
  }

  const Part& part_;
  const HeldRows& memory_;
  const char** rows_ = nullptr;
  std::ptrdiff_t aside_ = 0;  // of this part's rows from those found
  std::int64_t n_ = 0;
};

}  // namespace schuss
