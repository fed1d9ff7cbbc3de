// Every kernel on heap blocks of exactly the right size, so that the sanitizers see each byte beyond an end. The three
// accesses of an elementwise rule must agree to the bit; rows of a row rule must agree with a span of that row.
#include <cstring>
#include <memory>
#include <vector>

#include "check.hpp"
#include "schuss/access/coalesce.hpp"
#include "schuss/access/rows.hpp"
#include "schuss/access/table.hpp"
#include "schuss/list.hpp"
#include "schuss/work.hpp"

using namespace schuss;

namespace {

int passed = 0;

template <class T>
using Block = std::unique_ptr<T[]>;

template <class T>
Block<T> numbers(std::int64_t n, T first, T step) {
  Block<T> block(new T[std::size_t(n)]);
  for (std::int64_t i = 0; i < n; ++i) block[i] = first + step * T(i % 13);
  return block;
}

// An array of `rows` x `dim` with its slots and gradient.
template <class T>
struct State {
  std::int64_t rows, dim;
  Block<T> w, g, shared, slot[most_slots];

  State(std::int64_t r, std::int64_t d)
      : rows(r),
        dim(d),
        w(numbers<T>(r * d, T(0.5), T(0.125))),
        g(numbers<T>(r * d, T(-0.75), T(0.125))),
        shared(numbers<T>(r, T(1), T(0))) {
    for (auto& s : slot) s = numbers<T>(r * d, T(0.25), T(0.0625));
  }

  Span span(std::int64_t row, std::int64_t count) {
    Span a{w.get() + row * dim, {}, g.get() + row * dim, count};
    for (int k = 0; k < most_slots; ++k) a.slots[k] = slot[k].get() + row * dim;
    return a;
  }

  bool operator==(const State& other) const {
    const auto bytes = std::size_t(rows * dim) * sizeof(T);
    bool same = std::memcmp(w.get(), other.w.get(), bytes) == 0;
    for (int k = 0; k < most_slots; ++k) same = same && std::memcmp(slot[k].get(), other.slot[k].get(), bytes) == 0;
    return same && std::memcmp(shared.get(), other.shared.get(), std::size_t(rows) * sizeof(T)) == 0;
  }
};

// All hyper-parameters at once: small, positive, in the range of each rule.
constexpr double hyper[] = {0.01, 0.5, 0.25, 0.125, 0.5, 0.25, 0.5, 2.0, 0.5, 2.0, 1.0};

template <class T>
void one_group(const Kernel& kernel, const Typed& typed, State<T>& state, std::int64_t row, const Step& step) {
  Step own = step;
  const Span span = state.span(row, state.dim);
  for (int k = 0; k < kernel.looks; ++k) {
    double folded[most_folds];
    std::fill_n(folded, most_folds, kernel.folds_max[k] ? -infinity<double> : 0.0);
    typed.look(k, span, &own, folded);
    typed.settle(k, folded, state.dim, state.shared.get() + row, &own);
  }
  typed.span(span, &own);
}

template <class T>
void accesses_agree(const Kernel& kernel, Number number, std::int64_t rows, std::int64_t dim, const Before& before) {
  const Typed& typed = kernel.number[number];
  Step step;
  typed.at(hyper, before, After{}, 3, &step);

  State<T> dense(rows, dim), sparse(rows, dim), scattered(rows, dim);
  if (kernel.group == 2) return;  // one scale for the array: compared in Python with the oracle
  for (std::int64_t row = 0; row < rows; ++row) one_group(kernel, typed, dense, row, step);

  Block<std::int64_t> ids(new std::int64_t[std::size_t(rows)]), start(new std::int64_t[std::size_t(rows + 1)]);
  for (std::int64_t i = 0; i < rows; ++i) ids[i] = start[i] = i;
  start[rows] = rows;
  const Block<T> buffer(new T[std::size_t(dim)]);
  Rows r{};
  r.w = sparse.w.get();
  r.shared = sparse.shared.get();
  r.g = sparse.g.get();
  r.ids = r.from = ids.get();
  r.start = start.get();
  r.last = rows;
  r.dim = dim;
  r.buffer = buffer.get();
  r.stride = dim * std::int64_t(sizeof(T));
  r.shared_stride = sizeof(T);
  for (int k = 0; k < most_slots; ++k) r.slots[k] = sparse.slot[k].get();
  typed.rows(r, &step);
  CHECK(dense == sparse, "%s %d: rows differ from span at %d x %d", kernel.name, kernel.variant, int(rows), int(dim));

  if (typed.coords) {
    const std::int64_t n = rows * dim;
    Block<std::int64_t> all(new std::int64_t[std::size_t(n)]), first(new std::int64_t[std::size_t(n + 1)]);
    for (std::int64_t i = 0; i < n; ++i) all[i] = first[i] = i;
    first[n] = n;
    Coords c{scattered.w.get(), {}, scattered.g.get(), all.get(), first.get(), all.get(), 0, n};
    for (int k = 0; k < most_slots; ++k) c.slots[k] = scattered.slot[k].get();
    typed.coords(c, &step);
    CHECK(dense == scattered, "%s %d: coords differ from span at %d", kernel.name, kernel.variant, int(n));
  }
  ++passed;
}

// Rows of 16-bit weights with their slots between them, exactly as large as they are, stepped and woken.
void narrow_rows_stay_within(const Kernel& kernel, Weight weight, std::int64_t dim) {
  if (kernel.group == 2 || !kernel.number[f32].idle) return;
  constexpr std::int64_t rows = 3;
  const std::int64_t w_bytes = (2 * dim + 3) / 4 * 4, stride = w_bytes + (kernel.slots * dim + 1) * 4;
  const Block<char> table(new char[std::size_t(rows * stride)]);
  std::memset(table.get(), 0, std::size_t(rows * stride));
  const auto g = numbers<float>(rows * dim, 0.5f, 0.25f);
  const std::int64_t ids[] = {2, 0, 1}, start[] = {0, 1, 2, 3}, from[] = {0, 1, 2};
  const Block<float> buffer(new float[std::size_t(dim)]), wide(new float[std::size_t(dim)]);
  const Narrow conversion = weight == bfloat16 ? narrow<BFloat16>() : narrow<Float16>();
  Step step;
  Before neutral;
  neutral.limit = infinity<double>;
  kernel.number[f32].at(hyper, neutral, After{}, 3, &step);
  Exact exact(rows, f32);
  Gap one;
  kernel.number[f32].idle(&step, 0, &one);
  Rows r{};
  r.w = table.get();
  for (int k = 0; k < kernel.slots; ++k) r.slots[k] = table.get() + w_bytes + k * dim * 4;
  r.shared = table.get() + stride - 4;
  r.g = g.get();
  r.ids = ids;
  r.start = start;
  r.from = from;
  r.last = 2;
  r.dim = dim;
  r.buffer = buffer.get();
  r.narrow = &conversion;
  r.wide = wide.get();
  r.stride = r.shared_stride = r.together = stride;
  for (int t = 0; t < 3; ++t) {
    const Past past = exact.past(0);
    r.past = &past;
    r.last = t < 2 ? 1 : 3;
    kernel.number[f32].rows(r, &step);
    exact.passed(one, &step, 0.5);
  }
  const Past past = exact.past(0);
  r.past = &past;
  kernel.number[f32].wake(r);
  ++passed;
}

void coalescing_keeps_order() {
  Coalescer coalesce;
  for (const std::int64_t n : {0, 1, 5, 63, 64, 1000, 9000})
    for (const int threads : {1, 2, 7}) {
      std::vector<std::int32_t> ids;
      for (std::int64_t i = 0; i < n; ++i) ids.push_back(std::int32_t(i * 7919 % 97 * 40000));
      Merged m;
      CHECK(coalesce(ids.data(), n, 97 * 40000, threads, m) == Coalescer::done, "%d ids", int(n));
      CHECK(std::int64_t(m.start.size()) == m.size() + 1 && m.start.back() == n, "%d ids", int(n));
      for (std::size_t i = 0; i < m.ids.size(); ++i) {
        const auto first = m.from[std::size_t(m.start[i])];
        CHECK(i == 0 || m.from[std::size_t(m.start[i - 1])] < first, "rows in the order of appearance");
        for (auto k = m.start[i]; k < m.start[i + 1]; ++k) {
          CHECK(ids[std::size_t(m.from[std::size_t(k)])] == m.ids[i], "position %d", int(k));
          CHECK(k == m.start[i] || m.from[std::size_t(k) - 1] < m.from[std::size_t(k)], "order given");
        }
      }
    }
  const std::int64_t wrong[] = {3, 9, -1, 12};
  Merged m;
  CHECK(coalesce(wrong, 4, 10, 1, m) == 2, "the first id out of range");
  ++passed;
}

}  // namespace

int main() {
  Before neutral;
  neutral.limit = infinity<double>;
  Before busy{-0.5, 0.25, 0.5, 0.125, 1};
  for (const Family& family : families())
    for (int i = 0; i < family.size; ++i)
      for (const auto& [rows, dim] :
           {std::pair{1, 1}, {1, 7}, {3, 8}, {2, 15}, {5, 16}, {3, 17}, {11, 53}, {37, 1}, {9, 2}, {7, 4}})
        for (const Before& before : {neutral, busy}) {
          accesses_agree<float>(*family.kernel[i], f32, rows, dim, before);
          accesses_agree<double>(*family.kernel[i], f64, rows, dim, before);
        }
  for (const Family& family : families())
    for (int i = 0; i < family.size; ++i)
      for (const std::int64_t dim : {1, 3, 8, 16, 21})
        for (const Weight weight : {bfloat16, float16}) narrow_rows_stay_within(*family.kernel[i], weight, dim);
  coalescing_keeps_order();
  std::printf("%d passed, 0 failed\n", passed);
}
