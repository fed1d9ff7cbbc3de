// Every kernel on heap blocks of exactly the right size, so that the sanitizers see each byte beyond an end. The three
// accesses of an elementwise rule must agree to the bit; rows of a row rule must agree with a span of that row.
#include <cstring>
#include <memory>
#include <vector>

#include "check.hpp"
#include "schuss/access/coalesce.hpp"
#include "schuss/access/rows.hpp"
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
  typed.at(hyper, before, 3, &step);

  State<T> dense(rows, dim), sparse(rows, dim), scattered(rows, dim);
  if (kernel.group == 2) return;  // one scale for the array: compared in Python with the oracle
  for (std::int64_t row = 0; row < rows; ++row) one_group(kernel, typed, dense, row, step);

  Block<std::int64_t> ids(new std::int64_t[std::size_t(rows)]), start(new std::int64_t[std::size_t(rows + 1)]);
  for (std::int64_t i = 0; i < rows; ++i) ids[i] = start[i] = i;
  start[rows] = rows;
  const Block<T> buffer(new T[std::size_t(dim)]);
  Rows r{sparse.w.get(), {},  sparse.shared.get(), sparse.g.get(), ids.get(), start.get(), ids.get(), 0,
         rows,           dim, buffer.get()};
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

void coalescing_keeps_order() {
  Coalescer coalesce;
  for (const std::int64_t n : {0, 1, 5, 63, 64, 1000}) {
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < n; ++i) ids.push_back(std::int32_t(i * 7919 % 97 * 40000));
    Merged m;
    coalesce(ids.data(), n, 97 * 40000, m);
    CHECK(std::int64_t(m.start.size()) == m.size() + 1 && m.start.back() == n, "%d ids", int(n));
    for (std::size_t i = 0; i < m.ids.size(); ++i) {
      CHECK(i == 0 || m.ids[i - 1] < m.ids[i], "ids ascend");
      for (auto k = m.start[i]; k < m.start[i + 1]; ++k) {
        CHECK(ids[std::size_t(m.from[std::size_t(k)])] == m.ids[i], "position %d", int(k));
        CHECK(k == m.start[i] || m.from[std::size_t(k) - 1] < m.from[std::size_t(k)], "order given");
      }
    }
  }
  ++passed;
}

}  // namespace

int main() {
  Before neutral;
  neutral.limit = infinity<double>;
  Before busy{-0.5, 0.25, 0.5, 0.125, 1};
  for (const Family& family : {descent(), adagrad(), rmsprop(), adam(), exponentiated(), egdd(), ftrl()})
    for (int i = 0; i < family.size; ++i)
      for (const auto& [rows, dim] : {std::pair{1, 1}, {1, 7}, {3, 8}, {2, 15}, {5, 16}, {3, 17}, {11, 53}})
        for (const Before& before : {neutral, busy}) {
          accesses_agree<float>(*family.kernel[i], f32, rows, dim, before);
          accesses_agree<double>(*family.kernel[i], f64, rows, dim, before);
        }
  coalescing_keeps_order();
  std::printf("%d passed, 0 failed\n", passed);
}
