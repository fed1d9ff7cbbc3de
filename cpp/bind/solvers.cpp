// Solvers for Python: ask for a point, be told about it. No function of Python's is ever called from here.
#include <pybind11/stl.h>

#include <cstring>
#include <map>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/solvers/bfgs.hpp"
#include "schuss/solvers/lbfgsb.hpp"
#include "schuss/solvers/newton.hpp"
#include "schuss/solvers/newton_cg.hpp"
#include "schuss/solvers/owlqn.hpp"

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
    asked_ = true;
    const Vec& v = solver_->asked();
    py::object& known = views_[v.data()];
    if (!known) known = view(v, solver_->space.n, solver_->space.number);
    return known;
  }
  bool asked() const { return asked_; }

  // `tell` without a look at anything but the usual: false, and nothing has happened, where Python must look first.
  bool offer(const py::object& f, const py::object& gradient, int threads) {
    if (!asked_ || wants() != 0 || !PyFloat_Check(f.ptr()) || !View::is(gradient.ptr())) return false;
    const View g(gradient.ptr());
    if (g.dims != 1 || g.size != solver_->space.n || !g.real() || g.number() != solver_->space.number || !g.native ||
        !g.contiguous || !g.aligned)
      return false;
    told(PyFloat_AS_DOUBLE(f.ptr()), g.data, threads);
    return true;
  }
  void tell(double f, const py::object& gradient, int threads) {
    told(f, readable(gradient, solver_->space.number, solver_->space.n, "g").data, threads);
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
  // Nothing has changed where it throws.
  void restore(const std::map<std::string, double>& numbers, const py::dict& given) {
    const auto before = this->numbers();
    try {
      set_numbers(numbers);
      std::vector<Named> all;
      solver_->arrays(all);
      std::vector<View> from;
      for (const Named& a : all) {
        if (!given.contains(a.name.c_str())) throw py::value_error("state: array '" + a.name + "' is missing");
        from.push_back(readable(given[a.name.c_str()], a.number, a.count, "state: array '" + a.name + "'"));
      }
      for (std::size_t i = 0; i < all.size(); ++i) std::memcpy(all[i].data, from[i].data, std::size_t(from[i].bytes()));
    } catch (...) {
      set_numbers(before);
      throw;
    }
    solver_->restored();
    asked_ = false;
  }

  // What is to be told next; 3: nothing.
  int wants() { return solver_->status == Status::running ? int(solver_->wants()) : 3; }
  py::object direction() { return view(as<NewtonCg>().direction(), solver_->space.n, solver_->space.number); }
  void tell_product(const py::object& product, int threads) {
    NewtonCg& newton = as<NewtonCg>();
    const View hv = readable(product, newton.space.number, newton.space.n, "product");
    newton.space.threads = threads;
    if (!newton.told_product(hv.data))
      throw py::value_error("product: expected finite numbers, got others; the Hessian must be finite where f is");
  }
  void tell_hessian(const py::object& hessian, int threads) {
    Newton& newton = as<Newton>();
    const std::int64_t n = newton.space.n;
    const View h(hessian.ptr());
    check_number(h, hessian, f64, "hessian");
    check_layout(h, "hessian");
    check_shape(h, {n, n}, "hessian");
    newton.space.threads = threads;
    Space all = newton.space;
    all.vectors += f64 - all.number;
    all.number = f64;
    all.n = n * n;
    if (!std::isfinite(all.largest(h.data)))
      throw py::value_error("hessian: expected finite numbers, got others; the Hessian must be finite where f is");
    all.copy(newton.hessian(), h.data);
    py::gil_scoped_release release;
    newton.told_hessian();
  }

 private:
  void told(double f, const void* g, int threads) {
    solver_->space.threads = threads;
    bool good;
    {
      py::gil_scoped_release release;
      good = solver_->tell(f, g);
    }
    if (good) {
      asked_ = false;
      return;
    }
    const std::string remedy = "; start where f and its gradient are finite";
    if (!std::isfinite(f))
      throw py::value_error("f: expected a finite number at the start, got " + std::to_string(f) + remedy);
    throw py::value_error("g: expected finite numbers at the start" + remedy);
  }

  void set_numbers(const std::map<std::string, double>& numbers) {
    Fields fields;
    fields.restoring = true;
    fields.all.assign(numbers.begin(), numbers.end());
    solver_->fields(fields);
  }

  std::unique_ptr<Solver> solver_;
  std::map<void*, py::object> views_;  // of the two points that take turns
  bool asked_ = false;
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

// `weights` is None where one l1 is for all.
std::unique_ptr<PySolver> owlqn(const py::capsule& table, const py::object& x0, const Given& given, int memory,
                                int form, double l1, const py::object& weights) {
  View at(x0.ptr());
  auto solver = std::make_unique<Owlqn>(space(table, x0, at), settings(given), memory, Form(form), l1);
  if (!weights.is_none()) solver->weigh(readable(weights, solver->space.number, solver->space.n, "l1").data);
  solver->begin(at.data);
  return std::make_unique<PySolver>(std::move(solver));
}

std::unique_ptr<PySolver> lbfgsb(const py::capsule& table, const py::object& x0, const py::object& low,
                                 const py::object& high, const Given& given, int memory) {
  View at(x0.ptr());
  auto solver = std::make_unique<Lbfgsb>(space(table, x0, at), settings(given), memory);
  const View l = readable(low, solver->space.number, solver->space.n, "lower bounds"),
             h = readable(high, solver->space.number, solver->space.n, "upper bounds");
  solver->bounds(l.data, h.data);
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
      .def("offer", &PySolver::offer)
      .def("tell", &PySolver::tell)
      .def("x", &PySolver::x)
      .def("g", &PySolver::g)
      .def("numbers", &PySolver::numbers)
      .def("arrays", &PySolver::arrays)
      .def("restore", &PySolver::restore)
      .def("advance", &advance)
      .def("product", &product)
      .def("direction", &PySolver::direction)
      .def("tell_product", &PySolver::tell_product)
      .def("tell_hessian", &PySolver::tell_hessian)
      .def_property_readonly("asked", &PySolver::asked)
      .def_property_readonly("done", [](PySolver& s) { return s.solver().status != Status::running; })
      .def_property_readonly("wants", &PySolver::wants)
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
  m.def("owlqn", &owlqn);
  m.def("bfgs", &make<Bfgs>);
  m.def("newton", &make<Newton>);
  m.def("newton_cg", &make<NewtonCg>);
  m.def("lbfgsb", &lbfgsb);
}

}  // namespace schuss
