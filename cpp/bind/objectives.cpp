// Losses over sparse batches, for Python. Kinds, ranges and shapes are checked there; here types and layout.
#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/objectives/batch.hpp"

namespace schuss {
namespace {

View of(const py::object& o, Number number, std::int64_t n, const std::string& what) {
  const View a(o.ptr());
  check_number(a, o, number, what);
  check_layout(a, what);
  check_shape(a, {n}, what);
  return a;
}

std::unique_ptr<Batch> make(const py::capsule& table, int loss, const py::array_t<std::int64_t>& start,
                            const py::array_t<std::int64_t>& ids, const py::object& values, const py::object& labels,
                            const py::object& weights, std::int64_t columns, std::int64_t classes, bool intercept,
                            double l2) {
  const std::int64_t rows = start.size() - 1;
  const View label = of(labels, f64, rows, "labels");
  const void* value = nullptr;
  Number type = f32;
  if (!values.is_none()) {
    type = View(values.ptr()).number();
    value = of(values, type, ids.size(), "values").data;
  }
  const double* weight =
      weights.is_none() ? nullptr : reinterpret_cast<double*>(of(weights, f64, rows, "weights").data);
  const std::int64_t* const first = start.data();
  const std::int64_t* const id = ids.data();
  py::gil_scoped_release release;
  return std::make_unique<Batch>(table.get_pointer<Hot>()->losses, Loss(loss), rows, columns, classes, intercept, l2,
                                 first, id, value, type, reinterpret_cast<double*>(label.data), weight);
}

// f at x; the gradient is written to g, which keeps its numbers in columns that no row has.
double evaluate(Batch& self, const py::object& x, const py::object& g, int threads) {
  const Number type = View(x.ptr()).number();
  const View at = of(x, type, self.size(), "x"), to = writable(g, "g");
  check_number(to, g, type, "g");
  check_shape(to, {self.size()}, "g");
  self.threads = threads;
  py::gil_scoped_release release;
  if (type == f32) return self(reinterpret_cast<float*>(at.data), reinterpret_cast<float*>(to.data));
  return self(reinterpret_cast<double*>(at.data), reinterpret_cast<double*>(to.data));
}

}  // namespace

void bind_objectives(py::module_& m) {
  py::class_<Batch>(m, "Batch", py::module_local())
      .def(py::init(&make))
      .def("evaluate", &evaluate)
      .def_property_readonly("size", &Batch::size)
      .def_property_readonly("seen", &Batch::seen);
}

}  // namespace schuss
