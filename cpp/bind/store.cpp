#include "store.hpp"

#include <pybind11/stl.h>

#include <cmath>
#include <cstring>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/random.hpp"
#include "schuss/train/team.hpp"

namespace schuss {
namespace {

[[noreturn]] void complain(const std::system_error& error, const std::string& path) {
  if (path.empty()) throw std::bad_alloc();
  errno = error.code().value();
  PyErr_SetFromErrnoWithFilename(PyExc_OSError, path.c_str());
  throw py::error_already_set();
}

std::shared_ptr<Pages> open_pages(std::size_t bytes, const std::string& path) {
  int file = -1;
  if (!path.empty() && (file = open(path.c_str(), O_RDWR | O_CLOEXEC)) < 0) {
    PyErr_SetFromErrnoWithFilename(PyExc_OSError, path.c_str());
    throw py::error_already_set();
  }
  try {
    return std::make_shared<Pages>(bytes, file);
  } catch (const std::system_error& error) {
    complain(error, path);
  }
}

// A view of the pages; it keeps them.
py::array view(const Store& s, const std::string& dtype, const std::vector<std::int64_t>& shape,
               const std::vector<std::int64_t>& strides, std::int64_t offset) {
  const py::capsule owner(new std::shared_ptr<Pages>(s.pages),
                          [](void* p) { delete static_cast<std::shared_ptr<Pages>*>(p); });
  return py::array(py::dtype(dtype), shape, strides, s.pages->data() + offset, owner);
}

// ---- start values ------------------------------------------------------------------------------------------------

// Box & Muller 1958, one of the pair.
double normal(std::uint64_t seed, std::int64_t row, std::int64_t column) {
  const double u = unit(draw(seed, row, 2 * column)), v = unit(draw(seed, row, 2 * column + 1));
  return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
}

// kind 0: mean a, deviation b; kind 1: uniform in [a, b). Rows first, first + 1, ... of `out`.
void fill_rows(const py::array& out, int kind, double a, double b, std::uint64_t seed, std::int64_t first,
               int threads) {
  const View view = writable(out, "out");
  const std::int64_t rows = view.shape[0], dim = rows ? view.size / rows : 0, each = 256;
  py::gil_scoped_release release;
  Team::get().run((rows + each - 1) / each, threads, [&](std::int64_t task, int) {
    for (std::int64_t i = task * each; i < std::min(rows, (task + 1) * each); ++i)
      for (std::int64_t j = 0; j < dim; ++j) {
        const double x = kind == 0 ? a + b * normal(seed, first + i, j) : a + (b - a) * unit(draw(seed, first + i, j));
        if (view.number() == f32) reinterpret_cast<float*>(view.data)[i * dim + j] = float(x);
        else reinterpret_cast<double*>(view.data)[i * dim + j] = x;
      }
  });
}

// The benchmarks' limit: rows visited by id, nothing computed.
void visit(const py::capsule& table, const Store& s, const py::array& ids, const py::array& g, int threads) {
  const Tools& tools = table.get_pointer<Hot>()->tools[s.number];
  const View i(ids.ptr()), values(g.ptr());
  const auto* const all = reinterpret_cast<const std::int64_t*>(i.data);
  const std::int64_t each = std::max<std::int64_t>(1, 16384 / s.dim), item = s.number == f32 ? 4 : 8;
  py::gil_scoped_release release;
  Team::get().run((i.size + each - 1) / each, threads, [&](std::int64_t task, int) {
    const std::int64_t first = task * each;
    tools.visit(s.first(), s.stride, s.bytes, all + first, values.data + first * s.dim * item,
                std::min(each, i.size - first), s.dim);
  });
}

}  // namespace

void bind_store(py::module_& m) {
  py::class_<Store>(m, "Store", py::module_local())
      .def(py::init([](std::int64_t rows, std::int64_t dim, std::int64_t stride, std::int64_t bytes,
                       std::int64_t header, bool is_double, int weight, bool nearest, std::uint64_t seed,
                       const std::vector<std::int64_t>& slots, std::int64_t shared, const std::string& path) {
        return Store{open_pages(std::size_t(header + rows * stride), path),
                     rows,
                     dim,
                     stride,
                     bytes,
                     header,
                     is_double ? f64 : f32,
                     Weight(weight),
                     nearest,
                     seed,
                     slots,
                     shared};
      }))
      .def("view", &view)
      .def("grow",
           [](Store& s, std::int64_t rows, const std::string& path) {
             try {
               s.pages->grow(std::size_t(s.header + rows * s.stride));
             } catch (const std::system_error& error) {
               complain(error, path);
             }
             s.rows = rows;
           })
      .def("sync",
           [](const Store& s, const std::string& path) {
             try {
               py::gil_scoped_release release;
               s.pages->sync();
             } catch (const std::system_error& error) {
               py::gil_scoped_acquire acquire;
               complain(error, path);
             }
           })
      .def("write",
           [](const Store& s, const py::capsule& table, const py::array& values, std::int64_t first, bool nearest,
              std::uint64_t key) {
             const View a = writable(values, "values");
             const Narrow& narrow = table.get_pointer<Hot>()->tools[s.number].narrow[s.weight];
             const std::int64_t bytes = s.dim * a.item;
             for (std::int64_t i = 0; i < a.size / s.dim; ++i) {
               char* const to = s.first() + (first + i) * s.stride;
               if (s.weight == same) std::memcpy(to, a.data + i * bytes, std::size_t(bytes));
               else narrow.round(reinterpret_cast<float*>(a.data) + i * s.dim, to, s.dim, first + i, key, nearest);
             }
           })
      .def_property_readonly("rows", [](const Store& s) { return s.rows; });
  m.def("fill_rows", &fill_rows);
  m.def("visit", &visit);
}

}  // namespace schuss
