// Mutated text of every format, under the sanitizers: nothing crashes, what is read keeps its promises, and neither the
// cuts between chunks nor threads change it. A case is a function of its number alone.
//
//   fuzz_readers [seconds] [number of the first case]

#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <set>
#include <tuple>

#include "check.hpp"
#include "fuzz_text.hpp"
#include "schuss/data/gather.hpp"
#include "schuss/data/merge.hpp"
#include "schuss/data/stream.hpp"

using namespace schuss;

// Both sanitizers end by abort, whose signal tells the case.
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1"; }

namespace {

std::uint64_t case_number;

void tell() { std::fprintf(stderr, "case %llu\n", static_cast<unsigned long long>(case_number)); }

// ---- reading --------------------------------------------------------------------------------------------------------

struct Reading {
  std::vector<std::int64_t> indptr;
  std::vector<std::uint32_t> ids;
  std::vector<float> values, labels, weights;
  std::vector<std::uint16_t> fields;
  std::vector<std::uint8_t> repeats;
  std::int64_t lines, examples, malformed;
  std::vector<std::tuple<std::int64_t, std::int64_t, std::string>> reports;
};

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

Reading finish(Stream& stream) {
  const Stream::Extent all = stream.next(stream.waiting());
  const auto n = std::size_t(all.n), entries = std::size_t(all.entries);
  Reading r;
  r.indptr.resize(n + 1);
  r.ids.resize(entries);
  if (all.valued) r.values.resize(entries);
  if (stream.schema.with_fields()) r.fields.resize(entries);
  if (stream.schema.labelled) r.labels.resize(n);
  if (all.weighted) r.weights.resize(n);
  r.repeats.resize(n);
  const auto pointer = [](auto& a) { return a.empty() ? nullptr : a.data(); };
  stream.take(all, {r.indptr.data(), r.ids.data(), pointer(r.values), pointer(r.fields), pointer(r.labels),
                    pointer(r.weights), r.repeats.data()});
  CHECK(stream.waiting() == 0, "examples are left");
  r.lines = stream.lines, r.examples = stream.examples, r.malformed = stream.malformed;
  for (const auto& m : stream.reports) r.reports.emplace_back(m.file, m.line, m.reason);
  return r;
}

// Each chunk lies in memory of its own, so that a look beyond it is seen.
Reading read(const Schema& schema, const std::vector<Column>& columns, const std::string& text, std::int64_t most,
             Random random) {
  Stream stream(schema, 0);
  stream.open(columns, 0);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = std::min(text.size() - at, std::size_t(1 + random.below(most)));
    const std::unique_ptr<char[]> chunk(new char[n]);
    std::memcpy(chunk.get(), text.data() + at, n);
    stream.feed(chunk.get(), std::int64_t(n), 1 + int(random.below(3)));
    at += n;
  }
  stream.close(false);
  return finish(stream);
}

void keeps_promises(const Schema& schema, const Reading& r) {
  CHECK(std::int64_t(r.repeats.size()) == r.examples, "examples");
  CHECK(r.examples + r.malformed <= r.lines, "lines");
  CHECK(std::int64_t(r.reports.size()) == std::min<std::int64_t>(r.malformed, 5), "reports");
  const std::uint64_t ids = std::uint64_t(1) << schema.bits;
  for (std::size_t i = 0; i + 1 < r.indptr.size(); ++i) {
    std::set<std::uint32_t> seen;
    std::set<std::pair<std::uint32_t, int>> entries;
    CHECK(r.indptr[i] <= r.indptr[i + 1], "indptr");
    for (auto k = std::size_t(r.indptr[i]); k < std::size_t(r.indptr[i + 1]); ++k) {
      const int field = r.fields.empty() ? 0 : r.fields[k];
      CHECK(r.ids[k] < ids, "id %u", r.ids[k]);
      CHECK(r.values.empty() || std::isfinite(r.values[k]), "value");
      CHECK(entries.emplace(r.ids[k], field).second, "id %u is twice in field %d", r.ids[k], field);
      seen.insert(r.ids[k]);
    }
    CHECK(r.repeats[i] == (seen.size() < entries.size()), "repeats");
    if (schema.labelled) CHECK(std::isfinite(r.labels[i]), "label");
    if (schema.labelled && schema.binary) CHECK(r.labels[i] == 0 || r.labels[i] == 1, "label");
    CHECK(r.weights.empty() || (std::isfinite(r.weights[i]) && r.weights[i] >= 0), "weight");
  }
}

Schema schema_of(Kind kind, Random& random) {
  Schema s;
  s.kind = kind;
  s.bits = int(random.of<std::int64_t>({1, 4, 12, 20, 32}));
  s.seed = random();
  s.numeric = Numeric(random.below(3));
  s.hashed = random.once_in(2);
  s.binary = random.once_in(2);
  s.labelled = !random.once_in(4);
  s.strict = random.once_in(8);
  s.longest = random.once_in(4) ? 40 : 1 << 20;
  if (kind == Kind::vw && random.once_in(2)) s.namespaces = {"b", "a"};
  s.fields = kind == Kind::criteo ? 39 : kind == Kind::csv ? 4 : int(s.namespaces.size());
  if (s.fields > 0 && random.once_in(2)) s.crosses = {{0, 1}, {1, s.fields - 1}};
  if (!s.crosses.empty() && s.fields == 2) s.crosses.pop_back();
  s.prepare();
  return s;
}

void read_text(Random& random) {
  const Kind kind = Kind(random.below(5));
  const Schema schema = schema_of(kind, random);
  const std::vector<Column> columns{{Role::label, 0},  {Role::numeric, 0},     {Role::categorical, 1},
                                    {Role::weight, 0}, {Role::categorical, 2}, {Role::numeric, 3}};
  const std::string text = text_of(kind, random);
  const Reading whole = read(schema, columns, text, 1 << 20, random), cut = read(schema, columns, text, 20, random);
  keeps_promises(schema, whole);
  CHECK(whole.indptr == cut.indptr && whole.ids == cut.ids && whole.fields == cut.fields, "chunks show");
  CHECK(same(whole.values, cut.values) && same(whole.labels, cut.labels), "chunks show");
  CHECK(same(whole.weights, cut.weights) && whole.repeats == cut.repeats, "chunks show");
  CHECK(whole.lines == cut.lines && whole.malformed == cut.malformed && whole.reports == cut.reports, "chunks show");
}

void read_rows(Random& random) {
  Schema schema = schema_of(Kind::csv, random);
  const std::int64_t rows = random.below(20);
  std::vector<std::vector<std::uint8_t>> valid;
  std::vector<std::vector<double>> numbers;
  std::vector<std::int64_t> offsets{0};
  std::string bytes;
  for (int c = 0; c < 5; ++c) {
    valid.emplace_back();
    numbers.emplace_back();
    for (std::int64_t i = 0; i < rows; ++i) {
      valid.back().push_back(!random.once_in(10));
      numbers.back().push_back(random.of<double>({0, 1, -1, 1.5, 1e300, NAN, INFINITY, -1e300, 4095, 4096, 1e9}));
      if (c == 0) bytes += text_of(Kind::libsvm, random).substr(0, std::size_t(random.below(30)));
      if (c == 0) offsets.push_back(std::int64_t(bytes.size()));
    }
  }
  const std::vector<char> exact(bytes.begin(), bytes.end());
  std::vector<Cells> cells{{{Role::categorical, 0}, valid[0].data(), nullptr, offsets.data(), exact.data()}};
  const Role roles[] = {Role::label, Role::weight, Role::numeric, Role::numeric};
  for (int c = 1; c < 5; ++c)
    cells.push_back({{roles[c - 1], c < 3 ? 0 : c - 2},
                     random.once_in(3) ? nullptr : valid[std::size_t(c)].data(),
                     numbers[std::size_t(c)].data(),
                     nullptr,
                     nullptr});
  schema.crosses.clear();
  Stream stream(schema, random.below(3));
  const std::int64_t skipped = stream.waiting();
  stream.open({}, 0);
  stream.feed_rows(cells, rows, 2);
  stream.close(false);
  const std::int64_t left = stream.waiting();
  CHECK(skipped == 0 && left <= stream.examples, "skip");
  Reading r = finish(stream);
  r.examples = left;
  keeps_promises(schema, r);
}

void read_number(Random& random) {
  std::string text;
  for (std::int64_t i = random.below(30); i >= 0; --i) text += "0123456789.e-+0000111"[random.below(21)];
  const std::vector<char> exact(text.begin(), text.end());
  const char* p = exact.data();
  double x = 0;
  const Read read = number(p, p + exact.size(), x);
  if (read == Read::wrong || p != exact.data() + exact.size()) return;
  char* end;
  const double want = std::strtod(text.c_str(), &end);
  CHECK(*end == '\0', "%s is a number", text.c_str());
  CHECK(read == Read::infinite ? std::isinf(want) : x == want || (x == 0 && std::fabs(want) < 1e-300),
        "%s: %.17g, not %.17g", text.c_str(), x, want);
}

void merge_and_permute(Random& random) {
  const std::int64_t n = random.below(6);
  std::vector<std::int64_t> indptr{0}, order(std::size_t(n) + 1);
  for (std::int64_t i = 0; i < n; ++i) indptr.push_back(indptr.back() + random.below(random.once_in(9) ? 900 : 6));
  std::vector<std::uint32_t> ids;
  std::vector<float> values;
  std::vector<std::uint16_t> fields;
  double sum = 0, merged_sum = 0;
  for (std::int64_t k = 0; k < indptr.back(); ++k) {
    ids.push_back(std::uint32_t(random.below(random.once_in(2) ? 4 : 1 << 30)));
    values.push_back(float(random.below(5)));
    fields.push_back(std::uint16_t(random.below(3)));
    sum += values.back();
  }
  Block block;
  const bool with_fields = random.once_in(2);
  const std::int64_t wrong =
      merge_examples(n, indptr.data(), ids.data(), values.data(), with_fields ? fields.data() : nullptr, block);
  CHECK(wrong == -1 && block.size() == n, "example %d", int(wrong));
  for (std::int64_t k = 0; k < block.entries.size; ++k)
    merged_sum += block.entries.valued ? block.entries.values[k] : 1;
  CHECK(sum == merged_sum, "the sum of values is %g, not %g", merged_sum, sum);
  permute(n, random(), order.data());
  std::set<std::int64_t> places(order.begin(), order.begin() + n);
  CHECK(std::int64_t(places.size()) == n && (n == 0 || *places.rbegin() == n - 1), "no permutation");
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
    const std::int64_t kind = random.below(10);
    if (kind < 6) read_text(random);
    else if (kind < 7) read_rows(random);
    else if (kind < 9) read_number(random);
    else merge_and_permute(random);
    ++case_number;
  } while (Clock::now() < until);
}
