// A JSON text as a tree: what the header of a model file needs, and strict enough to refuse a damaged one.
#pragma once
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace schuss {

class Json {
 public:
  enum class Kind { null, boolean, number, text, list, object };

  // Throws std::invalid_argument if the text is not one JSON value.
  static Json parse(std::string_view text) {
    Parser parser{text.data(), text.data() + text.size()};
    Json value = parser.value(0);
    parser.space();
    if (parser.p != parser.last) parser.fail("one value");
    return value;
  }

  bool null() const { return kind_ == Kind::null; }

  // A member of an object, or null if there is no such member.
  const Json* find(std::string_view key) const {
    expect(Kind::object, "an object");
    for (std::size_t i = 0; i < keys_.size(); ++i)
      if (keys_[i] == key) return &values_[i];
    return nullptr;
  }

  const Json& at(std::string_view key) const {
    const Json* const found = find(key);
    if (!found) throw std::invalid_argument("'" + std::string(key) + "' is missing");
    return *found;
  }

  const std::vector<Json>& list() const {
    expect(Kind::list, "a list");
    return values_;
  }

  const std::string& text() const {
    expect(Kind::text, "a text");
    return text_;
  }

  bool is_text() const { return kind_ == Kind::text; }

  bool boolean() const {
    expect(Kind::boolean, "true or false");
    return text_ == "true";
  }

  // A whole number from least to most.
  template <class T>
  T whole(T least, T most) const {
    expect(Kind::number, "a number");
    T x{};
    const auto read = std::from_chars(text_.data(), text_.data() + text_.size(), x);
    if (read.ec != std::errc() || read.ptr != text_.data() + text_.size() || x < least || x > most)
      throw std::invalid_argument(named() + "expected " + std::to_string(least) + " to " + std::to_string(most) +
                                  ", got " + text_);
    return x;
  }

 private:
  struct Parser {
    static constexpr int deepest = 64;

    const char* p;
    const char* last;

    [[noreturn]] void fail(const std::string& expected) const {
      throw std::invalid_argument("expected " + expected +
                                  (p < last ? ", got '" + std::string(p, last - p < 8 ? last : p + 8) + "'" : ""));
    }

    void space() {
      while (p < last && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) ++p;
    }

    bool take(char c) {
      space();
      if (p == last || *p != c) return false;
      ++p;
      return true;
    }

    Json value(int depth) {
      if (depth > deepest) fail("fewer levels");
      Json made;
      if (take('{')) {
        made.kind_ = Kind::object;
        members('}', [&] {
          if (!take('"')) fail("a key");
          made.keys_.push_back(quoted());
          if (!take(':')) fail("a colon");
          made.values_.push_back(value(depth + 1));
          made.values_.back().name_ = made.keys_.back();
        });
      } else if (take('[')) {
        made.kind_ = Kind::list;
        members(']', [&] { made.values_.push_back(value(depth + 1)); });
      } else if (take('"')) {
        made.kind_ = Kind::text;
        made.text_ = quoted();
      } else {
        made.text_ = word();
        const bool number =
            !made.text_.empty() && (made.text_[0] == '-' || (made.text_[0] >= '0' && made.text_[0] <= '9'));
        const bool flag = made.text_ == "true" || made.text_ == "false";
        // Python writes numbers that are not finite as words.
        const bool other = made.text_ == "NaN" || made.text_ == "Infinity";
        if (!number && !flag && !other && made.text_ != "null") fail("a value");
        made.kind_ = number || other ? Kind::number : flag ? Kind::boolean : Kind::null;
      }
      return made;
    }

    template <class Member>
    void members(char end, Member member) {
      if (take(end)) return;
      do member();
      while (take(','));
      if (!take(end)) fail(std::string(1, end));
    }

    std::string word() {
      const char* const first = p;
      const auto part = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' ||
               c == '.';
      };
      while (p < last && part(*p)) ++p;
      return {first, p};
    }

    // The text up to the closing quote, in UTF-8.
    std::string quoted() {
      std::string out;
      for (; p < last && *p != '"'; ++p) {
        if (*p != '\\') {
          out += *p;
          continue;
        }
        if (++p == last) break;
        constexpr std::string_view codes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        const std::size_t code = codes.find(*p);
        if (code != codes.npos) out += meanings[code];
        else if (*p == 'u') unicode(out);
        else fail("an escape");
      }
      if (p == last) fail("a closing quote");
      ++p;
      return out;
    }

    std::uint32_t unit() {
      std::uint32_t x = 0;
      if (last - p < 5 || std::from_chars(p + 1, p + 5, x, 16).ptr != p + 5) fail("four hexadecimal digits");
      p += 4;
      return x;
    }

    void unicode(std::string& out) {
      std::uint32_t c = unit();
      if (c >= 0xD800 && c < 0xDC00 && last - p > 2 && p[1] == '\\' && p[2] == 'u') {
        p += 2;
        c = 0x10000 + ((c - 0xD800) << 10) + ((unit() - 0xDC00) & 0x3FF);
      }
      const auto byte = [&](std::uint32_t x) { out += char(x); };
      if (c < 0x80) byte(c);
      else if (c < 0x800) byte(0xC0 | c >> 6), byte(0x80 | (c & 63));
      else if (c < 0x10000) byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
      else byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
    }
  };

  void expect(Kind kind, const char* what) const {
    if (kind_ != kind) throw std::invalid_argument(named() + "expected " + what);
  }

  std::string named() const { return name_.empty() ? "" : name_ + ": "; }

  Kind kind_ = Kind::null;
  std::string name_;  // of a member
  std::string text_;  // of a text; a number or word as it is written
  std::vector<std::string> keys_;
  std::vector<Json> values_;
};

}  // namespace schuss
