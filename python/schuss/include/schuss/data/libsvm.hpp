// LIBSVM text, `label id:value id:value ... # comment`, and libffm's, `label field:id:value ...`.
#pragma once
#include <cstdint>
#include <string>

#include "features.hpp"
#include "scan.hpp"

namespace schuss {

template <bool with_fields>
struct Libsvm {
  static bool line(const char* p, const char* last, Features& out) {
    p = skip_spaces(p, last);
    const char* end = token_end(p, last);
    // A file without labels starts with a feature.
    if (out.schema.labelled || find(p, end, ':') == end) {
      if (!out.label(p, end)) return false;
      p = end;
    }
    for (;;) {
      p = skip_spaces(p, last);
      if (p == last || *p == '#') return true;
      const char* const feature = p;
      int field = 0;
      if (with_fields) {
        std::int64_t x;
        if (!whole_until(p, last, ':', x)) return refuse(feature, last, out);
        if (x < 0 || x > 65535)
          return out.refuse("field: expected 0 to 65535, got " + std::to_string(x) + "; number the fields from 0");
        field = int(x);
        ++p;
      }
      std::uint32_t id;
      if (!(out.schema.hashed ? hashed(p, last, id, out) : as_is(p, last, id, out)))
        return out.reason.empty() ? refuse(feature, last, out) : false;
      double x = 1;
      const char* const value = ++p;
      const Read read =
          p < last && *p == '1' && (p + 1 == last || is_space(p[1])) ? (++p, Read::fine) : number(p, last, x);
      if (read == Read::wrong || (read == Read::fine && p < last && !is_space(*p))) return refuse(feature, last, out);
      if (read == Read::infinite || !std::isfinite(float(x)))
        return out.refuse(Read::infinite, "value of feature " + std::to_string(id),
                          {value, std::size_t(token_end(value, last) - value)});
      out.add(id, float(x), field);
    }
  }

 private:
  // Both read an id and stop at its colon; false without a reason: the feature is no feature.
  static bool as_is(const char*& p, const char* last, std::uint32_t& id, Features& out) {
    std::int64_t x;
    if (!whole_until(p, last, ':', x)) return false;
    if (x < 0 || x >= std::int64_t(1) << out.schema.bits)
      return out.refuse("id: expected 0 to 2**bits - 1 = " + std::to_string((std::int64_t(1) << out.schema.bits) - 1) +
                        ", got " + std::to_string(x) + "; use more bits or hash='all'");
    id = std::uint32_t(x);
    return true;
  }

  static bool hashed(const char*& p, const char* last, std::uint32_t& id, Features& out) {
    const char* const first = p;
    while (p < last && *p != ':' && !is_space(*p)) ++p;
    if (p == last || *p != ':' || p == first) return false;
    id = out.schema.id(hash_bytes(out.schema.starts[0], first, std::size_t(p - first)));
    return true;
  }

  static bool refuse(const char* feature, const char* last, Features& out) {
    return out.refuse(std::string("feature: expected ") + (with_fields ? "field:id:value" : "id:value") + ", got " +
                      quoted({feature, std::size_t(token_end(feature, last) - feature)}));
  }
};

}  // namespace schuss
