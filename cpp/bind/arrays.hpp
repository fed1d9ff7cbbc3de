// The only code that reads a NumPy array. Every check names the argument, what it was and the remedy; nothing is
// converted and nothing is copied.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "bind.hpp"
#include "schuss/kernel.hpp"

namespace schuss {

namespace py = pybind11;

// What the checks need of an array, read once.
struct View {
  char* data;
  int dims;
  const Py_intptr_t* shape;
  std::int64_t size;
  char kind;  // 'f', 'i', 'u', ...
  int item;   // bytes of a number
  bool native, contiguous, aligned, writable;

  static bool is(PyObject* o) { return py::detail::npy_api::get().PyArray_Check_(o); }

  explicit View(PyObject* o) {
    const auto* a = py::detail::array_proxy(o);
    const auto descr = py::reinterpret_borrow<py::dtype>(a->descr);
    data = static_cast<char*>(static_cast<void*>(a->data));
    dims = a->nd;
    shape = a->dimensions;
    size = 1;
    for (int i = 0; i < dims; ++i) size *= shape[i];
    kind = descr.kind();
    item = int(descr.itemsize());
    native = descr.byteorder() != '>';
    contiguous = a->flags & py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
    aligned = a->flags & py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    writable = a->flags & py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  }

  std::int64_t bytes() const { return size * item; }
  bool real() const { return kind == 'f' && (item == 4 || item == 8); }
  Number number() const { return item == 4 ? f32 : f64; }
};

inline std::string type_name(py::handle o) { return py::str(py::type::handle_of(o).attr("__qualname__")); }
inline std::string dtype_name(py::handle array) { return py::str(array.attr("dtype")); }

inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}
inline std::string shape_text(const View& a) { return shape_text({a.shape, a.shape + a.dims}); }

inline const char* number_name(Number n) { return n == f32 ? "float32" : "float64"; }

inline const Kernel& kernel_of(const Hot& hot, const std::string& name, int variant) {
  const auto* const end = hot.kernel + hot.kernels;
  const auto* const found =
      std::find_if(hot.kernel, end, [&](const Kernel* k) { return name == k->name && variant == k->variant; });
  if (found != end) return **found;
  if (const Kernel* const added = added_kernel(name, variant)) return *added;
  throw py::value_error("rule: no kernel '" + name + "', variant " + std::to_string(variant));
}

// Layout of an array that is used where it lies.
inline void check_layout(const View& a, const std::string& what) {
  if (!a.native) throw py::type_error(what + ": expected native byte order; use .astype(dtype.newbyteorder('='))");
  if (!a.contiguous)
    throw py::value_error(what +
                          ": expected a C-contiguous array, got strides of another order; use np.ascontiguousarray");
  if (!a.aligned) throw py::value_error(what + ": expected an aligned array; use .copy()");
}

inline void check_number(const View& a, py::handle o, Number want, const std::string& what) {
  if (a.real() && a.number() == want) return;
  throw py::type_error(what + ": expected " + number_name(want) + ", got " + dtype_name(o) + "; use .astype(\"" +
                       number_name(want) + "\")");
}

inline void check_shape(const View& a, const std::vector<std::int64_t>& want, const std::string& what) {
  bool same = std::size_t(a.dims) == want.size();
  for (int i = 0; same && i < a.dims; ++i) same = a.shape[i] == want[std::size_t(i)];
  if (!same) throw py::value_error(what + ": expected shape " + shape_text(want) + ", got " + shape_text(a));
}

// An array that is changed in place: a parameter or a slot.
inline View writable(py::handle o, const std::string& what) {
  if (!View::is(o.ptr()))
    throw py::type_error(what + ": expected a NumPy array, got " + type_name(o) + "; use np.asarray(...)");
  const View a(o.ptr());
  if (!a.real())
    throw py::type_error(what + ": expected float32 or float64, got " + dtype_name(o) + "; use .astype(\"float32\")");
  check_layout(a, what);
  if (!a.writable)
    throw py::value_error(what + ": expected a writable array, got a read-only one; use .copy() and train the copy");
  return a;
}

// The numbers of an array that is only read, of this very type; null for None.
template <class T>
const T* readable(const py::object& o, const std::string& what) {
  if (o.is_none()) return nullptr;
  if (!View::is(o.ptr())) throw py::type_error(what + ": expected a NumPy array, got " + type_name(o));
  const View a(o.ptr());
  const auto want = py::dtype::of<T>();
  if (a.kind != want.kind() || a.item != int(sizeof(T)))
    throw py::type_error(what + ": expected " + std::string(py::str(want)) + ", got " + dtype_name(o));
  check_layout(a, what);
  return reinterpret_cast<const T*>(a.data);
}

// A quick yes for the common case: this very dtype and shape, in order and aligned.
inline bool plain(PyObject* o, const void* descr, const std::vector<std::int64_t>& shape) {
  const auto* a = py::detail::array_proxy(o);
  constexpr int layout = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return a->descr == descr && (a->flags & layout) == layout && std::size_t(a->nd) == shape.size() &&
         std::equal(shape.begin(), shape.end(), a->dimensions);
}
inline const void* descr_of(PyObject* o) { return py::detail::array_proxy(o)->descr; }
inline const char* data_of(PyObject* o) {
  return static_cast<const char*>(static_cast<void*>(py::detail::array_proxy(o)->data));
}

// The half-open bytes of an array, to find overlaps.
struct Bytes {
  const char *first, *last;
  std::size_t owner;

  bool operator<(const Bytes& other) const { return first < other.first; }
};

}  // namespace schuss
