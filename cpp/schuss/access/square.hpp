// Squares of pieces: packs of 16 / piece rows, mirrored at their diagonal in registers.
#pragma once
#include <cstring>
#include <utility>

#include "../vec.hpp"

namespace schuss {

// A register of `n` numbers holds n / piece pieces.
template <int n>
using Register = typename Run<float, n>::Vector;

// Exchanges pieces of a and b: two rows of a square become two rows of its mirror image, `step` pieces apart.
template <int n, int piece, int step, std::size_t... i>
[[gnu::always_inline]] inline void cross(Register<n>& a, Register<n>& b, std::index_sequence<i...>) {
  const Register<n> low =
      __builtin_shufflevector(a, b, (int(i) / piece & step ? n + int(i) - step * piece : int(i))...);
  b = __builtin_shufflevector(a, b, (int(i) / piece & step ? n + int(i) : int(i) + step * piece)...);
  a = low;
}

// Mirrors a square of n / piece rows in as many registers.
template <int n, int piece, int step = 1>
[[gnu::always_inline]] inline void mirror(Register<n>* row) {
  constexpr int side = n / piece;
  if constexpr (step < side) {
#pragma GCC unroll 16
    for (int i = 0; i < side; ++i)
      if (!(i & step)) cross<n, piece, step>(row[i], row[i + step], std::make_index_sequence<n>{});
    mirror<n, piece, 2 * step>(row);
  }
}

template <int piece>
constexpr int square_side = lanes<float> / piece;

// The same of packs, which are squares of registers where a register is shorter; a piece may fill several.
template <int piece>
struct Square {
  static constexpr int side = square_side<piece>, n = register_lanes<float>, parts = Pack<float>::parts;
  Pack<float> row[side];

  // Rows first ... of a pack each, at the same column.
  [[gnu::always_inline]] Square(float* const* rows, std::int64_t column) {
#pragma GCC unroll 16
    for (int k = 0; k < side; ++k) row[k] = load(rows[k] + column);
  }

  [[gnu::always_inline]] explicit Square(const Pack<float>* rows) {
#pragma GCC unroll 16
    for (int k = 0; k < side; ++k) row[k] = rows[k];
  }

  [[gnu::always_inline]] Pack<float> sum() const {
    Pack<float> all = row[0];
#pragma GCC unroll 16
    for (int k = 1; k < side; ++k) all += row[k];
    return all;
  }

  [[gnu::always_inline]] Square mirrored() const {
    Square all = *this;
    if constexpr (piece >= n) {
      constexpr int each = piece / n;
#pragma GCC unroll 16
      for (int i = 0; i < side; ++i)
#pragma GCC unroll 16
        for (int j = i + 1; j < side; ++j)
#pragma GCC unroll 16
          for (int q = 0; q < each; ++q) std::swap(all.row[i].part[j * each + q], all.row[j].part[i * each + q]);
    } else {
      constexpr int small = n / piece;
#pragma GCC unroll 16
      for (int a = 0; a < parts; ++a)
#pragma GCC unroll 16
        for (int b = 0; b < parts; ++b) {
          Register<n> some[small];
#pragma GCC unroll 16
          for (int k = 0; k < small; ++k) std::memcpy(&some[k], &row[a * small + k].part[b], sizeof some[k]);
          mirror<n, piece>(some);
#pragma GCC unroll 16
          for (int k = 0; k < small; ++k) std::memcpy(&all.row[b * small + k].part[a], &some[k], sizeof some[k]);
        }
    }
    return all;
  }
};

}  // namespace schuss
