// Text of every format with mistakes in it, made of a number.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "schuss/data/schema.hpp"

namespace schuss {

struct Random {
  std::uint64_t seed, count = 0;

  std::uint64_t operator()() { return mixed(mixed(seed) + 0x9E3779B97F4A7C15ull * ++count); }
  std::int64_t below(std::int64_t n) { return std::int64_t((*this)() % std::uint64_t(n)); }
  bool once_in(std::int64_t n) { return below(n) == 0; }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[std::size_t(below(std::int64_t(all.size())))];
  }
};

inline const std::map<Kind, std::vector<std::string>> corpus{
    {Kind::criteo,
     {"0\t1\t1\t5\t0\t1382\t4\t15\t2\t181\t1\t2\t\t2\t68fd1e64\t80e26c9b\tfb936136\t7b4723c4\t25c83c98\t7e0ccccf\t"
      "de7995b8\t1f89b562\ta73ee510\ta8cd5504\tb2cb9c98\t37c9c164\t2824a5f6\t1adce6ef\t8ba8b39a\t891b62e7\te5ba7672\t"
      "f54016b9\t21ddcdc9\tb1252a9d\t07b5194c\t\t3a171ecb\tc5c50484\te8b83407\t9727dd16\n",
      "1\t-2\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\tlast one\n"}},
    {Kind::libsvm, {"1 3:1 10:0.25 3:-2e3 # comment\n", "-1 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1\n", "+1 \n"}},
    {Kind::libffm, {"1 0:0:0.3651 2:1163:0.3651 3:867:1 3:867:1 2:867:1\n", "0 1:1988:.5\t65535:400:1\n"}},
    {Kind::vw, {"1 2.5 'tag|a:0.5 x y:2 z |b x:1e-3 |a x\n", "-1 tag| 1:2 3:4 |c\n", "0 |b p q r s t u v w\n"}},
    {Kind::csv, {"1,2.5,abc,,\"quoted, \"\"cell\"\"\",7\n", "0,,\"\",0.5,x,-3e2\n", "-1,1e300,z,1,y,0\n"}}};

inline const std::vector<std::string> words{"\n",
                                            "\r\n",
                                            "\t",
                                            " ",
                                            ":",
                                            "|",
                                            ",",
                                            "\"",
                                            "#",
                                            "'",
                                            "-",
                                            "+",
                                            ".",
                                            "e",
                                            "nan",
                                            "inf",
                                            "-1",
                                            "0",
                                            "1",
                                            "18446744073709551616",
                                            "999999999999999999",
                                            "9999999999999999999",
                                            "1e308",
                                            "1e39",
                                            "1e-320",
                                            "1e999999999999",
                                            "0.000000000000000000000000000001",
                                            "12345678",
                                            "\0",
                                            "\xff",
                                            "\xef\xbb\xbf",
                                            "a long word of more than sixteen bytes"};

inline std::string text_of(Kind kind, Random& random) {
  std::string text;
  for (std::int64_t i = random.below(6); i >= 0; --i) text += random.of(corpus.at(kind));
  for (std::int64_t i = random.below(12); i > 0 && !text.empty(); --i) {
    const auto at = std::size_t(random.below(std::int64_t(text.size())));
    const auto some = std::size_t(random.below(random.once_in(4) ? 60 : 4));
    switch (random.below(6)) {
      case 0: text[at] = char(random()); break;
      case 1: text.erase(at, some); break;
      case 2: text.insert(at, random.of(words)); break;
      case 3: text.insert(at, text.substr(at, some)); break;
      case 4: text.replace(at, some, random.of(words)); break;
      default: text.insert(at, text.substr(std::size_t(random.below(std::int64_t(text.size()))), some)); break;
    }
  }
  return text;
}

}  // namespace schuss
