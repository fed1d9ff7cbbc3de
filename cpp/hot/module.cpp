// One of these modules per level: its table of kernels, behind one capsule. SCHUSS_HOT and SCHUSS_LEVEL come from
// CMake.
#include "schuss/module.hpp"

#include <Python.h>

#include <string>
#include <vector>

#include "../../bench/limits.hpp"
#include "schuss/access/coords.hpp"
#include "schuss/access/rows.hpp"
#include "schuss/access/table.hpp"
#include "schuss/exponential.hpp"
#include "schuss/list.hpp"

namespace schuss {
namespace {

template <class T>
void lane(int which, const void* in, void* out, std::int64_t n, double p) {
  for_packs<T>(n, [&](std::int64_t i, auto count) {
    const Pack<T> x = load(static_cast<const T*>(in) + i, count);
    store(static_cast<T*>(out) + i, which == 0 ? exp(x) : power(x, p), count);
  });
}

template <class T>
constexpr Tools make_tools() {
  Tools t{};
  t.not_finite = [](const void* a, std::int64_t n) { return not_finite(static_cast<const T*>(a), n); };
  t.squares = [](const void* g, std::int64_t n, double unit, double limit) {
    return squares(static_cast<const T*>(g), n, T(unit), T(limit));
  };
  t.squares_rows = squares_rows<T>;
  t.squares_coords = squares_coords<T>;
  t.add = [](void* to, const void* a, std::int64_t n) { add(static_cast<T*>(to), static_cast<const T*>(a), n); };
  t.average = [](void* mean, const void* w, std::int64_t n, double decay) {
    average(static_cast<T*>(mean), static_cast<const T*>(w), n, T(1 - decay));
  };
  t.lane = lane<T>;
  t.stream = stream<T>;
  t.visit = visit<T>;
  t.lookup[same] = lookup<T, T>;
  t.bags[same] = bags<T, T>;
  if constexpr (sizeof(T) == sizeof(float)) {
    t.lookup[bfloat16] = lookup<T, BFloat16>;
    t.lookup[float16] = lookup<T, Float16>;
    t.bags[bfloat16] = bags<T, BFloat16>;
    t.bags[float16] = bags<T, Float16>;
    t.narrow[bfloat16] = narrow<BFloat16>();
    t.narrow[float16] = narrow<Float16>();
  }
  return t;
}

const Hot& hot() {
  static const std::vector<const Kernel*> kernels = [] {
    std::vector<const Kernel*> all;
    for (const Family& f : {descent(), adagrad(), rmsprop(), adam(), exponentiated(), egdd(), ftrl()})
      all.insert(all.end(), f.kernel, f.kernel + f.size);
    return all;
  }();
  static const std::string eigen = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
                                   "." + std::to_string(EIGEN_MINOR_VERSION);
  static const Trainer models = trainer();
  static const Hot table{SCHUSS_LEVEL,
                         eigen.c_str(),
                         int(kernels.size()),
                         kernels.data(),
                         {make_tools<float>(), make_tools<double>()},
                         &models,
                         vectors(),
                         losses(),
                         words()};
  return table;
}

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "schuss kernels of one level", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace schuss

PyMODINIT_FUNC SCHUSS_INIT(SCHUSS_HOT)() {
  PyObject* module = PyModule_Create(&schuss::definition);
  if (!module) return nullptr;
  PyObject* const table = PyCapsule_New(const_cast<schuss::Hot*>(&schuss::hot()), "schuss.hot", nullptr);
  if (PyModule_AddObjectRef(module, "table", table) < 0) Py_CLEAR(module);
  Py_XDECREF(table);
  return module;
}
