// Solvers for Python: ask for a point, be told about it. No function of Python's is ever called from here.
#include <pybind11/stl.h>

#include <cstring>
#include <map>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/solvers/lbfgs.hpp"

namespace schuss {
namespace {

// How the arrays of a state and of the answers are handed out: where they lie, not to be written.
py::array view(const Vec& v, std::int64_t n, Number number) {
  const py::capsule owner(new std::shared_ptr<Block>(v.owner()),
                          [](void* p) { delete static_cast<std::shared_ptr<Block>*>(p); });
  py::array a(py::dtype(number_name(number)), {n}, {}, v.data(), owner);
  py::detail::array_proxy(a.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return a;
}

// An array that is read where it lies.
View readable(py::handle o, Number number, std::int64_t n, const std::string& what) {
  if (!View::is(o.ptr()))
    throw py::type_error(what + ": expected a NumPy array, got " + type_name(o) + "; use np.asarray(...)");
  const View a(o.ptr());
  check_number(a, o, number, what);
  check_layout(a, what);
  check_shape(a, {n}, what);
  return a;
}

class PySolver {
 public:
  explicit PySolver(std::unique_ptr<Solver> solver) : solver_(std::move(solver)) {}

  Solver& solver() { return *solver_; }
  template <class S>
  S& as() {
    return dynamic_cast<S&>(*solver_);
  }

  py::object ask() {
    const Vec& v = solver_->asked();
    py::object& known = views_[v.data()];
    if (!known) known = view(v, solver_->space.n, solver_->space.number);
    return known;
  }

  void tell(double f, const py::object& gradient, int threads) {
    Space& space = solver_->space;
    const View g = readable(gradient, space.number, space.n, "g");
    space.threads = threads;
    bool good;
    {
      py::gil_scoped_release release;
      good = solver_->tell(f, g.data);
    }
    if (good) return;
    const std::string remedy = "; start where f and its gradient are finite";
    if (!std::isfinite(f)) throw py::value_error("f: expected a finite number at the start, got " + std::to_string(f) + remedy);
    throw py::value_error("g: expected finite numbers at the start" + remedy);
  }

  py::array x() { return view(solver_->x(), solver_->space.n, solver_->space.number); }
  py::array g() { return view(solver_->g(), solver_->space.n, solver_->space.number); }

  std::map<std::string, double> numbers() {
    Fields fields;
    solver_->fields(fields);
    return {fields.all.begin(), fields.all.end()};
  }
  py::dict arrays() {
    std::vector<Named> all;
    solver_->arrays(all);
    py::dict d;
    for (const Named& a : all) {
      py::array copy = empty({a.count}, a.number, 0);
      std::memcpy(copy.mutable_data(), a.data, std::size_t(a.count * (a.number == f32 ? 4 : 8)));
      d[py::str(a.name)] = copy;
    }
    return d;
  }
  void restore(const std::map<std::string, double>& numbers, const py::dict& given) {
    Fields fields;
    fields.restoring = true;
    fields.all.assign(numbers.begin(), numbers.end());
    solver_->fields(fields);
    std::vector<Named> all;
    solver_->arrays(all);
    for (const Named& a : all)
      if (!given.contains(a.name.c_str())) throw py::value_error("state: array '" + a.name + "' is missing");
    for (const Named& a : all) {
      const View from = readable(given[a.name.c_str()], a.number, a.count, "state: array '" + a.name + "'");
      std::memcpy(a.data, from.data, std::size_t(a.count * (a.number == f32 ? 4 : 8)));
    }
  }

 private:
  std::unique_ptr<Solver> solver_;
  std::map<void*, py::object> views_;  // of the two points that take turns
};

// gtol, ftol, noise, maxiter, maxfun, line search, c1, c2: checked in Python.
using Given = std::tuple<double, double, double, std::int64_t, std::int64_t, int, double, double>;

Settings settings(const Given& given) {
  Settings s;
  std::tie(s.gtol, s.ftol, s.noise, s.maxiter, s.maxfun, s.line, s.c1, s.c2) = given;
  return s;
}

Space space(const py::capsule& table, const py::object& x0, View& at) {
  at = writable(x0, "x0");
  return {*table.get_pointer<Hot>(), at.number(), at.size};
}

template <class S, class... Rest>
std::unique_ptr<PySolver> make(const py::capsule& table, const py::object& x0, const Given& given, Rest... rest) {
  View at(x0.ptr());
  auto solver = std::make_unique<S>(space(table, x0, at), settings(given), rest...);
  solver->begin(at.data);
  return std::make_unique<PySolver>(std::move(solver));
}

void advance(PySolver& self, const py::object& gradient, const py::object& before, const py::object& now, double rate,
             int threads) {
  Lbfgs& lbfgs = self.as<Lbfgs>();
  const std::int64_t n = lbfgs.space.n;
  const Number number = lbfgs.space.number;
  const View g = readable(gradient, number, n, "g"), a = readable(before, number, n, "common_before"),
             b = readable(now, number, n, "common_now");
  lbfgs.space.threads = threads;
  py::gil_scoped_release release;
  lbfgs.advance(g.data, a.data, b.data, rate);
}

py::array product(PySolver& self, const py::object& vector, int form) {
  Lbfgs& lbfgs = self.as<Lbfgs>();
  const View q = readable(vector, lbfgs.space.number, lbfgs.space.n, "vector");
  const Vec d = lbfgs.space.make();
  lbfgs.product(q.data, d.data(), Form(form));
  lbfgs.space.combine(d.data(), {-1}, {d.data()});
  return view(d, lbfgs.space.n, lbfgs.space.number);
}

}  // namespace

void bind_solvers(py::module_& m) {
  py::class_<PySolver>(m, "Solver", py::module_local())
      .def("ask", &PySolver::ask)
      .def("tell", &PySolver::tell)
      .def("x", &PySolver::x)
      .def("g", &PySolver::g)
      .def("numbers", &PySolver::numbers)
      .def("arrays", &PySolver::arrays)
      .def("restore", &PySolver::restore)
      .def("advance", &advance)
      .def("product", &product)
      .def_property_readonly("f", [](PySolver& s) { return s.solver().value(); })
      .def_property_readonly("size", [](PySolver& s) { return s.solver().size; })
      .def_property_readonly("started", [](PySolver& s) { return s.solver().started(); })
      .def_property_readonly("status", [](PySolver& s) { return int(s.solver().status); })
      .def_property_readonly("iterations", [](PySolver& s) { return s.solver().iterations; })
      .def_property_readonly("evaluations", [](PySolver& s) { return s.solver().evaluations; })
      .def_property_readonly("restarts", [](PySolver& s) { return s.solver().restarts; });
  m.def("lbfgs", [](const py::capsule& table, const py::object& x0, const Given& given, int memory, int form) {
    return make<Lbfgs>(table, x0, given, memory, Form(form));
  });
}

}  // namespace schuss
