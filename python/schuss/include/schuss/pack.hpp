// Pack<T>: 64 bytes of numbers on every level, whatever registers the level has.
//
// A pack is one, two or four of Eigen's packets (AVX-512, AVX2, SSE). We use Eigen's packet functions and not
// Eigen::Array, because Array falls back to scalar code for roots (AVX-512 without fast-math) and for every select. All
// functions here are IEEE and none is fused, so a formula written on packs gives the same bits on every level.
#pragma once
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

namespace schuss {

template <class T>
struct Pack {
  using Part = typename Eigen::internal::packet_traits<T>::type;
  using Lane = T;
  static constexpr int width = 64 / sizeof(T);
  static constexpr int parts = 64 / sizeof(Part);
  Part part[parts];
};

template <class T>
constexpr int lanes = Pack<T>::width;

// ---- one function on every part ----------------------------------------------------------------------------------

template <class T, class F, std::size_t... i, class... Packs>
[[gnu::always_inline]] inline Pack<T> each(F f, std::index_sequence<i...>, const Packs&... packs) {
  const auto at = [&](auto k) __attribute__((always_inline)) { return f(packs.part[k]...); };
  return {{at(std::integral_constant<std::size_t, i>{})...}};
}

template <class T, class F, class... Packs>
[[gnu::always_inline]] inline Pack<T> each(F f, const Pack<T>& first, const Packs&... rest) {
  return each<T>(f, std::make_index_sequence<Pack<T>::parts>{}, first, rest...);
}

template <class T>
[[gnu::always_inline]] inline Pack<T> fill(T x) {
  const auto part = Eigen::internal::pset1<typename Pack<T>::Part>(x);
  return each<T>([part](const auto&) { return part; }, Pack<T>{});
}

// ---- memory ------------------------------------------------------------------------------------------------------

template <class T, std::size_t... i>
[[gnu::always_inline]] inline Pack<T> load(const T* from, std::index_sequence<i...>) {
  using Part = typename Pack<T>::Part;
  return {{Eigen::internal::ploadu<Part>(from + i * (sizeof(Part) / sizeof(T)))...}};
}

template <class T>
[[gnu::always_inline]] inline Pack<T> load(const T* from) {
  return load(from, std::make_index_sequence<Pack<T>::parts>{});
}

template <class T, std::size_t... i>
[[gnu::always_inline]] inline void store(T* to, const Pack<T>& a, std::index_sequence<i...>) {
  using Part = typename Pack<T>::Part;
  (Eigen::internal::pstoreu(to + i * (sizeof(Part) / sizeof(T)), a.part[i]), ...);
}

template <class T>
[[gnu::always_inline]] inline void store(T* to, const Pack<T>& a) {
  store(to, a, std::make_index_sequence<Pack<T>::parts>{});
}

// Copies count < 2 * half numbers in blocks of constant size; a loop or a call of memcpy costs more than the work.
template <int half, class T>
[[gnu::always_inline]] inline void copy_some(T* to, const T* from, int count) {
  if constexpr (half > 0) {
    if (count & half) {
      std::memcpy(to, from, half * sizeof(T));
      to += half;
      from += half;
    }
    copy_some<half / 2>(to, from, count);
  }
}

// Whether one instruction loads or stores some lanes of a part.
template <class T>
constexpr bool masked = Eigen::internal::unpacket_traits<typename Pack<T>::Part>::masked_load_available;

// Some of the first `count` > 0 numbers of a part; the other lanes are zero. No byte beyond the narrowest register that
// holds them is touched: a masked load of a whole line's width waits for the next line even where no lane of it is
// wanted.
template <class Part, class T>
[[gnu::always_inline]] inline Part load_part(const T* from, int count) {
  constexpr int width = int(sizeof(Part) / sizeof(T));
  if constexpr (sizeof(Part) == 16) {
    static_assert(width == 4, "four floats");
    if (count >= width) return Eigen::internal::ploadu<Part>(from);
    return Part{from[0], count > 1 ? from[1] : T(0), count > 2 ? from[2] : T(0), T(0)};
  } else {
    using Half = typename Eigen::internal::unpacket_traits<Part>::half;
    if (count <= width / 2) {
      Part part = Eigen::internal::pset1<Part>(T(0));
      const Half half = load_part<Half>(from, count);
      std::memcpy(&part, &half, sizeof half);
      return part;
    }
    return Eigen::internal::ploadu<Part>(
        from, typename Eigen::internal::unpacket_traits<Part>::mask_t((1u << std::min(count, width)) - 1u));
  }
}
template <class Part, class T>
[[gnu::always_inline]] inline void store_part(T* to, const Part& part, int count) {
  constexpr int width = int(sizeof(Part) / sizeof(T));
  if constexpr (sizeof(Part) == 16) {
    if (count >= width) return Eigen::internal::pstoreu(to, part);
    to[0] = part[0];
    if (count > 1) to[1] = part[1];
    if (count > 2) to[2] = part[2];
  } else {
    using Half = typename Eigen::internal::unpacket_traits<Part>::half;
    if (count <= width / 2) {
      Half half;
      std::memcpy(&half, &part, sizeof half);
      return store_part(to, half, count);
    }
    Eigen::internal::pstoreu(
        to, part, typename Eigen::internal::unpacket_traits<Part>::mask_t((1u << std::min(count, width)) - 1u));
  }
}

// The first 0 < count < width numbers; the other lanes are zero.
template <class T>
[[gnu::always_inline]] inline Pack<T> load(const T* from, int count) {
  if constexpr (masked<T>) {
    using Part = typename Pack<T>::Part;
    constexpr int width = sizeof(Part) / sizeof(T);
    Pack<T> a;
    for (int i = 0; i < Pack<T>::parts; ++i)
      a.part[i] =
          count > i * width ? load_part<Part>(from + i * width, count - i * width) : Eigen::internal::pset1<Part>(T(0));
    return a;
  } else {
    alignas(64) T all[lanes<T>] = {};
    copy_some<lanes<T> / 2>(all, from, count);
    return load(all);
  }
}

template <class T>
[[gnu::always_inline]] inline void store(T* to, const Pack<T>& a, int count) {
  if constexpr (masked<T>) {
    constexpr int width = sizeof(typename Pack<T>::Part) / sizeof(T);
    for (int i = 0; i < Pack<T>::parts; ++i)
      if (count > i * width) store_part(to + i * width, a.part[i], count - i * width);
  } else {
    alignas(64) T all[lanes<T>];
    store(all, a);
    copy_some<lanes<T> / 2>(to, all, count);
  }
}

// ---- arithmetic --------------------------------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline Pack<T> operator+(const Pack<T>& a, const Pack<T>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::padd(x, y); }, a, b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> operator-(const Pack<T>& a, const Pack<T>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::psub(x, y); }, a, b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> operator*(const Pack<T>& a, const Pack<T>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::pmul(x, y); }, a, b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> operator/(const Pack<T>& a, const Pack<T>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::pdiv(x, y); }, a, b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> operator-(const Pack<T>& a) {
  return each([](const auto& x) { return Eigen::internal::pnegate(x); }, a);
}

template <class T>
[[gnu::always_inline]] inline Pack<T> operator+(const Pack<T>& a, T b) {
  return a + fill(b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> operator*(T a, const Pack<T>& b) {
  return fill(a) * b;
}
template <class T>
[[gnu::always_inline]] inline Pack<T> operator/(const Pack<T>& a, T b) {
  return a / fill(b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T>& operator+=(Pack<T>& a, const Pack<T>& b) {
  return a = a + b;
}
template <class T>
[[gnu::always_inline]] inline Pack<T>& operator-=(Pack<T>& a, const Pack<T>& b) {
  return a = a - b;
}

// IEEE root on every level (with EIGEN_FAST_MATH=0 Eigen's packet roots are the instruction, not the approximation).
template <class T>
[[gnu::always_inline]] inline Pack<T> root(const Pack<T>& a) {
  return each([](const auto& x) { return Eigen::internal::psqrt(x); }, a);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> magnitude(const Pack<T>& a) {
  return each([](const auto& x) { return Eigen::internal::pabs(x); }, a);
}

// ---- choice ------------------------------------------------------------------------------------------------------

// All bits set where a < b; never where either is NaN.
template <class T>
[[gnu::always_inline]] inline Pack<T> less(const Pack<T>& a, const Pack<T>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::pcmp_lt(x, y); }, a, b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> where(const Pack<T>& mask, const Pack<T>& yes, const Pack<T>& no) {
  return each([](const auto& m, const auto& x, const auto& y) { return Eigen::internal::pselect(m, x, y); }, mask, yes,
              no);
}
// One instruction each; a NaN in the first argument is kept.
template <class T>
[[gnu::always_inline]] inline Pack<T> larger(const Pack<T>& a, const Pack<T>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::pmax(x, y); }, a, b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> smaller(const Pack<T>& a, const Pack<T>& b) {
  return each([](const auto& x, const auto& y) { return Eigen::internal::pmin(x, y); }, a, b);
}
template <class T>
[[gnu::always_inline]] inline Pack<T> clip(const Pack<T>& a, T low, T high) {
  return smaller(larger(a, fill(low)), fill(high));
}
// -1, 0 or 1; 0 for NaN.
template <class T>
[[gnu::always_inline]] inline Pack<T> sign(const Pack<T>& a) {
  const auto zero = fill(T(0)), one = fill(T(1));
  return where(less(zero, a), one, where(less(a, zero), -one, zero));
}

// ---- functions of one lane, written once in scalar code for the compiler to widen ---------------------------------

template <class T, class F>
[[gnu::always_inline]] inline Pack<T> map(F f, const Pack<T>& a) {
  alignas(64) T in[lanes<T>], out[lanes<T>];
  store(in, a);
  for (int i = 0; i < lanes<T>; ++i) out[i] = f(in[i]);
  return load(out);
}

}  // namespace schuss
