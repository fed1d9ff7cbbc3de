// Vowpal Wabbit's text: `label importance 'tag|namespace:weight feature:value ... |namespace ...`.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "features.hpp"
#include "scan.hpp"

namespace schuss {

struct Vw {
  static bool line(const char* p, const char* last, Features& out) {
    const char* const bar = find(p, last, '|');
    if (bar == last) return out.refuse("expected a bar before the features, got none");
    if (!prefix(p, bar, out)) return false;
    for (p = bar; p < last;) {
      const char* const next = find(p + 1, last, '|');
      if (!space(p + 1, next, out)) return false;
      p = next;
    }
    return true;
  }

 private:
  // Label, importance and tag; a tag starts with ' or touches the bar.
  static bool prefix(const char* p, const char* bar, Features& out) {
    std::string_view tokens[3];
    int n = 0;
    for (p = skip_spaces(p, bar); p < bar; p = skip_spaces(p, bar)) {
      const char* const end = token_end(p, bar);
      if (end < bar && *p != '\'') {
        if (n == 3) break;
        tokens[n++] = {p, std::size_t(end - p)};
      } else if (skip_spaces(end, bar) != bar) {
        return out.refuse("tag: expected it last before the bar, got " + quoted({p, std::size_t(end - p)}));
      }
      p = end;
    }
    if (!out.schema.labelled) return true;
    if (n == 0) return out.refuse("label: expected one before the bar and a space, got none");
    if (n == 3) return out.refuse("initial prediction: not supported, got " + quoted(tokens[2]) + "; leave it out");
    if (!out.label(tokens[0].begin(), tokens[0].end())) return false;
    return n == 1 || out.weight(tokens[1].begin(), tokens[1].end());
  }

  static bool space(const char* p, const char* last, Features& out) {
    const char* end = p;
    while (end < last && !is_space(*end) && *end != ':') ++end;
    const std::string_view name(p, std::size_t(end - p));
    double weight = 1;
    p = end;
    if (p < last && *p == ':' && !value(++p, last, weight, name, out)) return false;
    int field = 0;
    const auto& names = out.schema.namespaces;
    if (!names.empty()) {
      field = int(std::find(names.begin(), names.end(), name) - names.begin());
      if (field == int(names.size())) return true;  // left out
    }
    // The namespace's hash takes the place of a field's number: ids do not depend on which namespaces are read.
    const std::uint64_t start =
        field_start(out.schema.seed, hash_bytes(out.schema.starts[0], name.data(), name.size()));
    for (p = skip_spaces(p, last); p < last; p = skip_spaces(p, last)) {
      end = p;
      while (end < last && !is_space(*end) && *end != ':') ++end;
      const std::string_view feature(p, std::size_t(end - p));
      if (feature.empty()) return out.refuse("feature: expected a name before the colon");
      double x = 1;
      p = end;
      if (p < last && *p == ':' && !value(++p, last, x, feature, out)) return false;
      x *= weight;
      if (!std::isfinite(float(x)))
        return out.refuse("feature " + quoted(feature) + ": its value times the namespace's weight is not finite");
      const std::uint64_t hash = hash_bytes(start, feature.data(), feature.size());
      out.hashed(hash, float(x), field);
    }
    return true;
  }

  // A number up to the next space.
  static bool value(const char*& p, const char* last, double& x, std::string_view of, Features& out) {
    const char* const first = p;
    const Read read = number(p, last, x);
    if (read == Read::fine && (p == last || is_space(*p)) && std::isfinite(float(x))) return true;
    const bool wrong = read == Read::wrong || (read == Read::fine && p < last && !is_space(*p));
    return out.refuse(wrong ? Read::wrong : Read::infinite, "value of " + quoted(of),
                      {first, std::size_t(token_end(first, last) - first)});
  }
};

}  // namespace schuss
