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

class Held {
 public:
  Held(const Part& part, const HeldRows& memory) : part_(part), memory_(memory) {}

  const float* weights() const { return memory_.numbers; }

  // Takes n rows out, with their slots where the rule will step them here. Zeros lie behind the weights.
  template <class Id>
  void open(const Id* ids, std::int64_t n, bool slots) {
    find(ids, n);
    get(slots && here() ? part_.slots : 0);
    std::fill_n(component(-1) + n * part_.dim, lanes<float>, 0.0f);
  }

  // Whether a row may never have been seen.
  bool fresh() const {
    int zeros = 0;
    for (std::int64_t i = 0; i < n_ * part_.dim; ++i) zeros |= int(memory_.numbers[i] == 0);
    return zeros != 0;
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

 private:
  // A rule that shares numbers in a row meets the rows where they are.
  bool here() const { return part_.shared == 0; }

  float* component(int slot) const { return memory_.numbers + (1 + slot) * memory_.stride; }
  std::int64_t offset(int slot) const { return (1 + slot) * part_.pitch * std::int64_t(sizeof(float)); }

  // Behind the rows, to the end of the last register, the first one again.
  template <class Id>
  void find(const Id* ids, std::int64_t n) {
    const std::int64_t stride = part_.width * std::int64_t(sizeof(float));
    const char* const first = reinterpret_cast<const char*>(part_.rows);
    const char** const rows = memory_.rows;
    for (std::int64_t i = 0; i < n; ++i) rows[i] = first + std::int64_t(ids[i]) * stride;
    std::fill_n(rows + n, lanes<float>, first + (n > 0 ? std::int64_t(ids[0]) * stride : 0));
    n_ = n;
  }

  // Pointers are held in variables: the compiler must take every store for one that changes members.
  void get(int slots) const {
    with_dim<float>(part_.dim, [&](auto dim) __attribute__((always_inline)) {
      constexpr int n = register_lanes<float>;
      const std::int64_t numbers = n_ * dim;
      const char* const* const rows = memory_.rows;
      int k = -1;
      if constexpr (paired<dim>)
        if (slots > 0) {
          float *const weights = component(-1), *const first = component(0);
          for (std::int64_t i = 0; i < numbers; i += n) {
            auto w = joined<float, n, 2 * dim>(rows + i / dim, 0),
                 s = joined<float, n, 2 * dim>(rows + i / dim + n / dim / 2, 0);
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
      char* const* const rows = const_cast<char* const*>(memory_.rows);
      const std::int64_t count = n_;
      int k = -1;
      if constexpr (paired<dim>)
        if (slots > 0) {
          float both[2 * n];
          const float *const weights = component(-1), *const first = component(0);
          for (std::int64_t i = 0; i < count; i += each) {
            typename Run<float, n>::Vector w, s;
            std::memcpy(&w, weights + i * dim, sizeof w);
            std::memcpy(&s, first + i * dim, sizeof s);
            pair_up<dim, n>(w, s, std::make_index_sequence<n>{});
            std::memcpy(both, &w, sizeof w);
            std::memcpy(both + n, &s, sizeof s);
            const auto some = [&](int most) __attribute__((always_inline)) {
              for (int j = 0; j < most; ++j) std::memcpy(rows[i + j], both + j * 2 * dim, 2 * dim * sizeof(float));
            };
            if (count - i >= each) some(each);
            else some(int(count - i));
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

  const Part& part_;
  const HeldRows& memory_;
  std::int64_t n_ = 0;
};

}  // namespace schuss
