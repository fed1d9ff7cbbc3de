// The solvers under the sanitizers: every machine on sizes around packs and tiles, both number types, several threads;
// stopped and resumed in the middle of its searches.
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include "check.hpp"
#include "schuss/list.hpp"
#include "schuss/solvers/bfgs.hpp"
#include "schuss/solvers/lbfgsb.hpp"
#include "schuss/solvers/newton.hpp"
#include "schuss/solvers/newton_cg.hpp"
#include "schuss/solvers/owlqn.hpp"

using namespace schuss;

namespace {

// sum of c (cosh(x - a) - 1) + coupling of neighbours: smooth, convex, minimum at a = 0.5 without the coupling.
struct Valley {
  double operator()(const Space& space, const void* x, void* g) const {
    double f = 0;
    for (std::int64_t i = 0; i < space.n; ++i) {
      const double c = 1 + 9 * double(i % 7) / 6, d = space.get(x, i) - 0.5;
      f += c * (std::cosh(d) - 1);
      double slope = c * std::sinh(d);
      if (i > 0) slope += 0.1 * (space.get(x, i) - space.get(x, i - 1));
      if (i + 1 < space.n) {
        const double gap = space.get(x, i) - space.get(x, i + 1);
        f += 0.05 * gap * gap;
        slope += 0.1 * gap;
      }
      space.set(g, i, slope);
    }
    return f;
  }
  // h = the Hessian's row i times v, or the Hessian
  double bend(const Space& space, const void* x, std::int64_t i, std::int64_t j) const {
    if (i != j) return std::abs(i - j) == 1 ? -0.1 : 0;
    const double c = 1 + 9 * double(i % 7) / 6;
    return c * std::cosh(space.get(x, i) - 0.5) + 0.1 * (int(i > 0) + int(i + 1 < space.n));
  }
};

using Make = std::function<std::unique_ptr<Solver>(const Space&, const Settings&)>;

void answer(Solver& solver, const Valley& f) {
  const Space& space = solver.space;
  if (solver.wants() == Want::hessian) {
    auto& newton = dynamic_cast<Newton&>(solver);
    auto* const h = static_cast<double*>(newton.hessian());
    for (std::int64_t i = 0; i < space.n; ++i)
      for (std::int64_t j = 0; j < space.n; ++j) h[i * space.n + j] = f.bend(space, solver.x().data(), i, j);
    newton.told_hessian();
  } else if (solver.wants() == Want::product) {
    auto& newton = dynamic_cast<NewtonCg&>(solver);
    const Vec product = space.make();
    for (std::int64_t i = 0; i < space.n; ++i) {
      double sum = 0;
      for (std::int64_t j = std::max<std::int64_t>(0, i - 1); j < std::min(space.n, i + 2); ++j)
        sum += f.bend(space, solver.x().data(), i, j) * space.get(newton.direction().data(), j);
      space.set(product.data(), i, sum);
    }
    CHECK(newton.told_product(product.data()), "a finite product");
  } else {
    const Vec g = space.make();
    const double value = f(space, solver.asked().data(), g.data());
    CHECK(solver.tell(value, g.data()), "a finite start");
  }
}

// The state goes through names and copies, as it does when it is saved.
std::unique_ptr<Solver> moved(const Make& make, Solver& from) {
  Fields fields;
  from.fields(fields);
  std::vector<Named> arrays;
  from.arrays(arrays);
  auto to = make(from.space, from.settings);
  to->begin(from.asked().data());
  to->space.threads = from.space.threads;
  fields.restoring = true;
  to->fields(fields);
  std::vector<Named> own;
  to->arrays(own);
  CHECK(own.size() == arrays.size(), "%zu arrays, not %zu", own.size(), arrays.size());
  for (std::size_t k = 0; k < own.size(); ++k) {
    CHECK(own[k].name == arrays[k].name, "%s is not %s", own[k].name.c_str(), arrays[k].name.c_str());
    std::memcpy(own[k].data, arrays[k].data, std::size_t(own[k].count * (own[k].number == f32 ? 4 : 8)));
  }
  to->restored();
  return to;
}

Vec solve(const char* name, const Make& make, const Space& space, int threads, int move_every) {
  Settings settings;
  settings.gtol = space.number == f32 ? 1e-3 : 1e-6;
  settings.noise = space.number == f32 ? 1e-5 : 1e-10;
  settings.maxiter = settings.maxfun = 2000;
  auto solver = make(space, settings);
  const Vec start = space.make();
  std::mt19937 random(3);
  for (std::int64_t i = 0; i < space.n; ++i) space.set(start.data(), i, double(random() % 1000) / 250 - 2);
  solver->begin(start.data());
  solver->space.threads = threads;
  const Valley f;
  for (int k = 1; solver->status == Status::running; ++k) {
    answer(*solver, f);
    if (move_every > 0 && k % move_every == 0) solver = moved(make, *solver);
    CHECK(k < 20000, "%s does not end", name);
  }
  CHECK(solver->status == Status::gradient, "%s, n = %lld: status %d, gradient %g", name, (long long)space.n,
        int(solver->status), solver->size);
  return solver->x();
}

void check(const char* name, const Hot& hot, const Make& make, std::int64_t most) {
  for (const Number number : {f32, f64})
    for (const std::int64_t n : {1, 2, 7, 8, 9, 65, 513, 8192 + 9, 3 * 8192 + 1}) {
      if (n > most) continue;
      const Space space(hot, number, n);
      const Vec alone = solve(name, make, space, 1, 0);
      for (const auto& [threads, every] : {std::pair{3, 0}, {1, 3}, {2, 5}}) {
        const Vec other = solve(name, make, space, threads, every);
        CHECK(std::memcmp(alone.data(), other.data(), std::size_t(alone.bytes())) == 0,
              "%s, n = %lld: %d threads, moved every %d: other bits", name, (long long)n, threads, every);
      }
    }
}

}  // namespace

int main() {
  Hot hot{};
  hot.vectors = vectors();
  for (const Line line : {Line::more_thuente, Line::strong_wolfe, Line::hager_zhang, Line::armijo})
    check(
        "lbfgs", hot,
        [line](const Space& s, Settings how) {
          how.line = int(line);
          return std::make_unique<Lbfgs>(s, how, 4, Form::gram);
        },
        1 << 20);
  check(
      "loop", hot, [](const Space& s, const Settings& how) { return std::make_unique<Lbfgs>(s, how, 4, Form::loop); },
      1 << 20);
  check(
      "owlqn", hot,
      [](const Space& s, const Settings& how) {
        auto solver = std::make_unique<Owlqn>(s, how, 4, Form::gram, 0.3);
        const Vec weights = s.make();
        for (std::int64_t i = 0; i < s.n; ++i) s.set(weights.data(), i, double(i % 3));
        solver->weigh(weights.data());
        return solver;
      },
      1 << 20);
  check(
      "lbfgsb", hot,
      [](const Space& s, const Settings& how) {
        auto solver = std::make_unique<Lbfgsb>(s, how, 4);
        const Vec low = s.make(), high = s.make();
        for (std::int64_t i = 0; i < s.n; ++i) {
          s.set(low.data(), i, i % 2 ? -3 : -std::numeric_limits<double>::infinity());
          s.set(high.data(), i, i % 5 ? 0.25 : 4);
        }
        solver->bounds(low.data(), high.data());
        return solver;
      },
      1 << 20);
  check("bfgs", hot, [](const Space& s, const Settings& how) { return std::make_unique<Bfgs>(s, how); }, 513);
  check("newton", hot, [](const Space& s, const Settings& how) { return std::make_unique<Newton>(s, how); }, 513);
  check("newton-cg", hot, [](const Space& s, const Settings& how) { return std::make_unique<NewtonCg>(s, how); }, 9000);
  std::puts("ok");
}
