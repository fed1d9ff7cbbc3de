// Text of any bytes, under the sanitizers: words, counts, pairs and numbers are those of a plain loop, whatever the
// chunks, pieces and threads. A case is a function of its number alone.
//
//   fuzz_words [seconds] [number of the first case]

#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>

#include "check.hpp"
#include "fuzz_text.hpp"
#include "schuss/data/bigrams.hpp"
#include "schuss/data/encode.hpp"
#include "schuss/data/vocabulary.hpp"

using namespace schuss;

extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1"; }

namespace {

std::uint64_t case_number;

void tell() { std::fprintf(stderr, "case %llu\n", static_cast<unsigned long long>(case_number)); }

using Line = std::vector<std::string>;  // an empty string: a word that is too long

std::string text(Random& random) {
  static const std::vector<std::string> parts{"a",
                                              "b",
                                              "to",
                                              "\xff",
                                              "\xe2\x82",
                                              "\xc3\xa9",
                                              "\xc3\x89",
                                              "\xf0",
                                              "\n",
                                              "\n",
                                              " ",
                                              " ",
                                              " ",
                                              "\t",
                                              "\r\n",
                                              "\v\f",
                                              "sixteen_letters_",
                                              "seventeen_letters",
                                              std::string("\0", 1)};
  std::string made;
  for (std::int64_t i = random.below(random.once_in(20) ? 3000 : 60); i > 0; --i) {
    if (random.once_in(50)) made += char(random());
    else if (random.once_in(200)) made.append(std::size_t(4000 + random.below(200)), 'y');
    else made += random.of(parts);
  }
  return made;
}

// Each byte in turn.
std::vector<Line> lines_of(const std::string& text, const Lower* lower, std::int64_t& invalid) {
  std::vector<Line> lines(1);
  std::string word;
  const auto end = [&] {
    if (word.empty()) return;
    std::vector<char> to(word.size() * 3 + 1);
    char* const last = std::int64_t(word.size()) > longest_word
                           ? to.data()
                           : normal(word.data(), word.data() + word.size(), lower, to.data(), invalid);
    lines.back().emplace_back(to.data(), last);
    word.clear();
  };
  for (const char c : text) {
    if (is_white(c)) end();
    else word += c;
    if (c == '\n') lines.emplace_back();
  }
  end();
  return lines;
}

// Each chunk lies in memory of its own, so that a look beyond it is seen.
template <class Text>
void feed(Text& to, const std::string& text, Random& random) {
  const std::int64_t most = random.of<std::int64_t>({1, 5, 100, 1 << 20});
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = std::min(text.size() - at, std::size_t(1 + random.below(most)));
    const std::unique_ptr<char[]> chunk(new char[n]);
    std::memcpy(chunk.get(), text.data() + at, n);
    to.feed(chunk.get(), std::int64_t(n), 1 + int(random.below(3)));
    at += n;
  }
  to.close();
}

Words table(const std::vector<std::string>& words) {
  Words all;
  for (const std::string& word : words) {
    std::vector<char> bytes(word.begin(), word.end());
    bytes.resize(bytes.size() + slack);
    all.add(prepared(bytes.data(), std::uint32_t(word.size())));
  }
  return all;
}

void one(Random& random) {
  Lower lower;
  if (random.once_in(2))
    for (std::uint32_t c = 0; c < 0x100; ++c)
      lower.push_back((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE) ? c + 32 : c);
  const std::int64_t piece = random.of<std::int64_t>({1, 7, 64, 1 << 18});
  const std::string all = text(random);
  std::int64_t invalid = 0, total = 0;
  std::map<std::string, std::int64_t> counts;
  const std::vector<Line> lines = lines_of(all, lower.empty() ? nullptr : &lower, invalid);
  for (const Line& line : lines)
    for (const std::string& word : line) {
      ++total;
      if (!word.empty()) ++counts[word];
    }

  WordCount count(lower, piece);
  feed(count, all, random);
  const Words& found = count.words();
  CHECK(count.total == total && count.invalid == invalid, "%lld words", static_cast<long long>(count.total));
  CHECK(found.size() == counts.size(), "%u different words", found.size());
  for (std::uint32_t id = 0; id < found.size(); ++id)
    CHECK(counts.at({found.bytes(id), found.length(id)}) == found.count(id), "count of word %u", id);

  std::vector<std::string> kept;  // every second word is known, the last one of these as a part of phrases alone
  for (const auto& [word, n] : counts)
    if (random.once_in(2)) kept.push_back(word);
  if (kept.size() < 3) return;
  std::map<std::string, std::uint32_t> ids;
  for (const std::string& word : kept) ids.emplace(word, std::uint32_t(ids.size()));
  const auto id_of = [&](const std::string& word) { return ids.count(word) ? ids.at(word) : Words::none; };
  std::map<std::uint64_t, std::int64_t> pairs;
  for (const Line& line : lines)
    for (std::size_t i = 0; i + 1 < line.size(); ++i)
      if (id_of(line[i]) != Words::none && id_of(line[i + 1]) != Words::none)
        ++pairs[Pairs::of(id_of(line[i]), id_of(line[i + 1]))];
  Bigrams bigrams(lower, piece, table(kept));
  feed(bigrams, all, random);
  CHECK(bigrams.pairs().size() == std::int64_t(pairs.size()), "pairs");
  for (const auto& [pair, n] : pairs) CHECK(bigrams.pairs().find(pair) == n, "count of a pair");

  const auto known = std::uint32_t(kept.size() - 1);
  Phrases phrases;
  const bool joins = random.once_in(2);
  for (const auto& [pair, n] : pairs) {
    if (!joins || random.once_in(2)) continue;
    phrases.numbers.at(pair) = std::int64_t(phrases.joined.size());
    phrases.joined.push_back(random.once_in(3) ? Words::none : std::uint32_t(random.below(known)));
  }
  const Phrases same = phrases;
  const std::int64_t longest = random.of<std::int64_t>({1, 2, 7, 10000});
  std::vector<std::uint32_t> want;
  std::vector<std::int64_t> ends;
  for (const Line& line : lines) {
    std::int64_t open = 0;
    const auto put = [&](std::uint32_t id) {
      if (id >= known) return;
      if (open++ % longest == 0 && open > 1) ends.push_back(std::int64_t(want.size()));
      want.push_back(id);
    };
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::int64_t phrase = i + 1 < line.size() ? same.find(id_of(line[i]), id_of(line[i + 1])) : -1;
      put(phrase < 0 ? id_of(line[i]) : same.joined[std::size_t(phrase)]);
      i += phrase >= 0;
    }
    if (open > 0) ends.push_back(std::int64_t(want.size()));
  }
  Encoder encoder(lower, piece, longest, table(kept), known, std::move(phrases));
  feed(encoder, all, random);
  CHECK(encoder.ids().size() == std::int64_t(want.size()), "numbers of words");
  for (std::size_t i = 0; i < want.size(); ++i) CHECK(encoder.ids()[std::int64_t(i)] == want[i], "number %zu", i);
  CHECK(encoder.ends().size() == std::int64_t(ends.size()), "sentences");
  for (std::size_t i = 0; i < ends.size(); ++i) CHECK(encoder.ends()[std::int64_t(i)] == ends[i], "sentence %zu", i);
}

}  // namespace

int main(int arguments, char** argument) {
  using Clock = std::chrono::steady_clock;
  const double seconds = arguments > 1 ? std::atof(argument[1]) : 3;
  case_number = arguments > 2 ? std::strtoull(argument[2], nullptr, 10) : 0;
  std::signal(SIGABRT, [](int) { tell(); });
  std::atexit(tell);
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    Random random{case_number};
    one(random);
    ++case_number;
  } while (Clock::now() < until);
}
