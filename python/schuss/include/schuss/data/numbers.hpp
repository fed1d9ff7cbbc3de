// Numbers in text. Each function moves p behind what it has read; the caller checks what follows.
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "scan.hpp"

namespace schuss {

inline bool is_digit(char c) { return unsigned(c) - unsigned('0') < 10; }

// A sign, if any, and 1 to 18 digits.
inline bool whole(const char*& p, const char* last, std::int64_t& x) {
  const bool negative = p < last && *p == '-';
  if (p < last && (*p == '-' || *p == '+')) ++p;
  const char* const first = p;
  x = 0;
  while (p < last && p - first < 18 && is_digit(*p)) x = x * 10 + (*p++ - '0');
  if (negative) x = -x;
  return p > first && (p == last || !is_digit(*p));
}

// 1 to 8 digits, the lowest bytes of a word, all at once: neighbours are added in pairs, then fours, then eights.
inline bool short_whole(std::uint64_t word, int digits, std::int64_t& x) {
  std::uint64_t w = (word ^ 0x3030303030303030ull) << (64 - 8 * digits);
  if (((w + 0x7676767676767676ull) | w) & 0x8080808080808080ull) return false;
  w = w * 10 + (w >> 8);
  w = ((w & 0x000000FF000000FFull) * 0x000F424000000064ull +
       ((w >> 16) & 0x000000FF000000FFull) * 0x0000271000000001ull);
  x = std::int64_t(w >> 32);
  return true;
}

// A whole number and behind it this byte, at which p is left.
inline bool whole_until(const char*& p, const char* last, char end, std::int64_t& x) {
  if (last - p >= 8) {
    const auto word = load<std::uint64_t>(p);
    const int digits = find(word, end);
    if (digits > 0 && digits < 8 && short_whole(word, digits, x)) {
      p += digits;
      return true;
    }
  }
  return whole(p, last, x) && p < last && *p == end;
}

enum class Read { fine, wrong, infinite };

// What the fast way below leaves: many digits or a large exponent; [first, last) is a decimal number without '+'.
inline Read long_number(const char* first, const char* last, int exponent, double& x) {
  const auto result = std::from_chars(first, last, x);
  if (result.ec != std::errc::result_out_of_range) return std::isfinite(x) ? Read::fine : Read::infinite;
  // Too large or too small: told apart by the power of ten of the first digit that is not zero.
  std::int64_t digits = 0;
  for (; first < last && (*first | 32) != 'e'; ++first)
    if (digits > 0 || (*first >= '1' && *first <= '9')) digits += is_digit(*first);
  if (digits + exponent > 0) return Read::infinite;
  x = 0;
  return Read::fine;
}

// A decimal number, with exponent or without: exact to the last bit of a double. 'nan' and 'inf' are `infinite`.
inline Read number(const char*& p, const char* last, double& x) {
  static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char* first = p;
  const bool negative = p < last && *p == '-';
  if (p < last && (*p == '-' || *p == '+')) ++p;
  if (!negative) first = p;
  const char* const digits = p;
  std::uint64_t m = 0;
  while (p < last && is_digit(*p)) m = m * 10 + std::uint64_t(*p++ - '0');
  std::int64_t count = p - digits, exponent = 0;
  if (p < last && *p == '.') {
    const char* const point = ++p;
    while (p < last && is_digit(*p)) m = m * 10 + std::uint64_t(*p++ - '0');
    exponent = point - p;
    count += p - point;
  }
  if (count == 0) {
    const auto letter = [&](int i) { return last - digits > i ? char(digits[i] | 32) : ' '; };
    const bool nan = letter(0) == 'n' && letter(1) == 'a' && letter(2) == 'n';
    return nan || (letter(0) == 'i' && letter(1) == 'n' && letter(2) == 'f') ? Read::infinite : Read::wrong;
  }
  if (p < last && (*p | 32) == 'e') {
    ++p;
    const bool down = p < last && *p == '-';
    if (p < last && (*p == '-' || *p == '+')) ++p;
    if (p == last || !is_digit(*p)) return Read::wrong;
    std::int64_t e = 0;
    for (; p < last && is_digit(*p); ++p) e = std::min<std::int64_t>(e * 10 + (*p - '0'), 1 << 30);
    exponent += down ? -e : e;
  }
  // Both the digits and the power of ten are doubles, so one rounding is all (Clinger 1990).
  if (count <= 19 && m <= std::uint64_t(1) << 53 && exponent >= -22 && exponent <= 22) {
    x = exponent < 0 ? double(m) / powers[-exponent] : double(m) * powers[exponent];
    if (negative) x = -x;
    return Read::fine;
  }
  exponent = std::clamp<std::int64_t>(exponent, -(1 << 30), 1 << 30);
  return long_number(first, p, int(exponent), x);
}

// The bin of a quantity: itself up to 2, from there on the square of its logarithm, both rounded down.
inline std::int64_t exact_log_bin(double x) {
  if (x <= 2) return std::int64_t(std::floor(std::max(x, -0x1p53)));
  const double l = std::log(x);
  return std::int64_t(l * l);
}

// The same, for small whole numbers from a table.
inline std::int64_t log_bin(std::int64_t x) {
  static const auto table = [] {
    std::array<std::uint8_t, 4096> bins{};
    for (std::size_t i = 0; i < bins.size(); ++i) bins[i] = std::uint8_t(exact_log_bin(double(i)));
    return bins;
  }();
  return std::uint64_t(x) < table.size() ? table[std::size_t(x)] : exact_log_bin(double(x));
}
inline std::int64_t log_bin(double x) {
  const auto i = std::int64_t(std::clamp(x, -1.0, 4096.0));
  return double(i) == x ? log_bin(i) : exact_log_bin(x);
}

}  // namespace schuss
