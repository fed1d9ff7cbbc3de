// The features of one line after the other, on their way into a block: hashing, bins, crosses, duplicates.
#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "block.hpp"
#include "keys.hpp"
#include "numbers.hpp"
#include "schema.hpp"

namespace schuss {

// Text of a user's file for a message: short, printable, in quotes.
inline std::string quoted(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string out = "'";
  for (const char c : text.substr(0, most))
    if (c >= ' ' && c <= '~') out += c;
    else {
      constexpr char hex[] = "0123456789abcdef";
      out += {'\\', 'x', hex[std::uint8_t(c) >> 4], hex[std::uint8_t(c) & 15]};
    }
  return out + (text.size() > most ? "'..." : "'");
}

class Features {
 public:
  static constexpr std::int64_t most_crossed = 1 << 20;  // entries of one example that crosses may add

  const Schema& schema;
  Block& block;
  std::string reason;  // why the line is refused, once a function has returned false

  Features(const Schema& s, Block& b) : schema(s), block(b), seen_(s.crosses.empty() ? 0 : std::size_t(s.fields)) {}

  void begin() {
    first_ = block.entries.size;
    for (auto& some : seen_) some.clear();
  }

  bool refuse(std::string why) {
    reason = std::move(why);
    return false;
  }

  bool refuse(Read read, const std::string& what, std::string_view text) {
    return refuse(what + (read == Read::infinite ? ": expected a finite number, got " : ": expected a number, got ") +
                  quoted(text));
  }

  // ---- parts of an example --------------------------------------------------------------------------------------

  // A text that is a number as a whole goes to `take`, which may still refuse it.
  template <class Take>
  bool whole(const char* p, const char* last, const char* what, Take take) {
    double x;
    const std::string_view text(p, std::size_t(last - p));
    const Read read = number(p, last, x);
    if (read != Read::infinite && p != last) return refuse(Read::wrong, what, text);
    return read == Read::fine ? take(x, text) : refuse(read, what, text);
  }

  bool label(const char* p, const char* last) {
    return !schema.labelled || whole(p, last, "label", [&](double x, std::string_view text) { return label(x, text); });
  }

  bool label(double x, std::string_view text) {
    if (!schema.labelled) return true;
    if (schema.binary && x != 0 && x != 1 && x != -1)
      return refuse("label: expected 0, 1 or -1, got " + quoted(text) + "; use labels='regression' for numbers");
    if (!std::isfinite(float(x))) return refuse(Read::infinite, "label", text);
    block.labels.push(schema.binary ? float(x == 1) : float(x));
    return true;
  }

  bool weight(const char* p, const char* last) {
    return whole(p, last, "weight", [&](double x, std::string_view text) { return weight(x, text); });
  }

  bool weight(double x, std::string_view text) {
    if (!(x >= 0 && std::isfinite(float(x))))
      return refuse("weight: expected a finite number of at least 0, got " + quoted(text));
    block.weight(float(x));
    return true;
  }

  void add(std::uint32_t id, float value, int field) { block.entries.add(id, value, std::uint16_t(field)); }

  // A feature by its hash; `field` below schema.fields.
  void hashed(std::uint64_t hash, float value, int field) {
    add(schema.id(hash), value, field);
    if (!seen_.empty() && schema.crossed[std::size_t(field)]) seen_[std::size_t(field)].push_back({hash, value});
  }

  // A feature of value 1 in each of the fields 0 .. n - 1.
  void hashed(const std::uint64_t* hashes, int n) {
    Entries& to = block.entries;
    to.reserve(n);
    std::uint32_t* const ids = to.ids.data() + to.size;
    std::uint16_t* const fields = to.fields.data() + to.size;
    const int shift = 64 - schema.bits;
    for (int f = 0; f < n; ++f) ids[f] = std::uint32_t(hashes[f] >> shift);
    for (int f = 0; f < n; ++f) fields[f] = std::uint16_t(f);
    if (to.valued) std::fill_n(to.values.data() + to.size, n, 1.0f);
    to.size += n;
    for (int f = 0; f < n && !seen_.empty(); ++f)
      if (schema.crossed[std::size_t(f)]) seen_[std::size_t(f)].push_back({hashes[f], 1});
  }

  // A category; an empty one is the field's missing value.
  void category(int field, std::string_view text) {
    hashed(hash_bytes(schema.starts[std::size_t(field)], text.data(), text.size()), 1, field);
  }

  bool quantity(int field, double x) {
    const bool log = schema.numeric == Numeric::log;
    const float value = log ? 1 : quantity(x);
    if (!std::isfinite(value)) return false;
    hashed(log ? bin(field, log_bin(x)) : quantity_hash(schema.starts[std::size_t(field)]), value, field);
    return true;
  }

  // The value of a number that is not binned.
  float quantity(double x) const {
    return float(schema.numeric == Numeric::plain ? x : std::copysign(std::log1p(std::fabs(x)), x));
  }

  std::uint64_t bin(int field, std::int64_t bin) const {
    if (bin < Schema::least_bin || bin > Schema::most_bin)
      return Schema::bin_hash(schema.starts[std::size_t(field)], bin);
    return schema.bins[std::size_t(field)][std::size_t(bin - Schema::least_bin)];
  }

  // ---- the end of an example --------------------------------------------------------------------------------------

  bool end() {
    if (schema.labelled && block.labels.size() != block.size() + 1) return refuse("label: there is none");
    if (!cross()) return false;
    bool repeated = false;
    if (glance_.repeated(block.entries.ids.data() + first_, block.entries.size - first_)) {
      if (!merge()) return false;
      repeated = has_repeats();
    }
    block.repeats.push(repeated);
    block.ends.push(block.entries.size);
    if (block.weighted && block.weights.size() < block.size()) block.weights.push(1);
    return true;
  }

  void drop() { block.cut(first_); }

 private:
  struct Seen {
    std::uint64_t hash;
    float value;
  };

  // Each pair of the two fields' features is a feature of one more field.
  bool cross() {
    std::int64_t added = 0;
    for (std::size_t k = 0; k < schema.crosses.size(); ++k) {
      const auto [a, b] = schema.crosses[k];
      const std::uint64_t start = schema.starts[std::size_t(schema.fields) + k];
      const auto &left = seen_[std::size_t(a)], &right = seen_[std::size_t(b)];
      added += std::int64_t(left.size()) * std::int64_t(right.size());
      if (added > most_crossed)
        return refuse("crosses: expected at most " + std::to_string(most_crossed) + " features of an example");
      for (const Seen& l : left)
        for (const Seen& r : right) {
          const float value = l.value * r.value;
          if (!std::isfinite(value)) return refuse("crosses: the product of two values is not finite");
          add(schema.id(hash_pair(start, l.hash, r.hash)), value, schema.fields + int(k));
        }
    }
    return true;
  }

  // Sums the values of equal (id, field) in the first one's place.
  bool merge() {
    Entries& all = block.entries;
    std::int64_t kept = first_;
    keys_.start(all.size - first_);
    for (std::int64_t i = first_; i < all.size; ++i) {
      const std::uint64_t key = all.ids[i] | std::uint64_t(all.fields[i]) << 32;
      const std::int64_t at = first_ + keys_.first(key, std::uint32_t(kept - first_));
      if (at == kept) {
        all.ids[kept] = all.ids[i];
        all.fields[kept] = all.fields[i];
        if (all.valued) all.values[kept] = all.values[i];
        ++kept;
        continue;
      }
      if (!all.valued) all.start_values();
      all.values[at] += all.values[i];
      if (!std::isfinite(all.values[at]))
        return refuse("feature " + std::to_string(all.ids[i]) + ": the sum of its values is not finite");
    }
    all.size = kept;
    return true;
  }

  // Whether an id is there twice, in different fields.
  bool has_repeats() {
    if (!schema.with_fields()) return false;
    const std::int64_t n = block.entries.size - first_;
    const std::uint32_t* const ids = block.entries.ids.data() + first_;
    keys_.start(n);
    for (std::int64_t i = 0; i < n; ++i)
      if (keys_.first(ids[i], std::uint32_t(i)) != std::uint32_t(i)) return true;
    return false;
  }

  std::int64_t first_ = 0;
  Glance glance_;
  Keys keys_;
  std::vector<std::vector<Seen>> seen_;  // of each field that is crossed; empty where none is
};

}  // namespace schuss
