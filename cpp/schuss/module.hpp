// A Python module of rules that are compiled outside the package:
//
//   SCHUSS_RULES(my_rules, schuss::kernel<MyRule>, ...)
//
// defines the module `my_rules`; in Python `schuss.load_rules(my_rules)` makes its kernels known.
#pragma once
#include <cstdint>

#include "kernel.hpp"

#define SCHUSS_JOIN(a, b) a##b
#define SCHUSS_INIT(module) SCHUSS_JOIN(PyInit_, module)

namespace schuss {

struct Kernels {
  std::int64_t abi;
  int size;
  const Kernel* const* kernel;
};

constexpr const char* kernels_capsule = "schuss.kernels";

// Changes with the layout of what crosses the border.
constexpr std::int64_t kernels_abi =
    (((1 * 1009 + std::int64_t(sizeof(Kernel))) * 1009 + std::int64_t(sizeof(Rows))) * 1009 +
     std::int64_t(sizeof(Span) + sizeof(Coords))) *
        1009 +
    std::int64_t(sizeof(Rest) + sizeof(Past) + sizeof(Before));

}  // namespace schuss

#define SCHUSS_RULES(module, ...)                                                                                    \
  namespace schuss {                                                                                                 \
  template class RowPack<float>;                                                                                     \
  template class RowPack<double>;                                                                                    \
  }                                                                                                                  \
  PyMODINIT_FUNC SCHUSS_INIT(module)() {                                                                             \
    static constexpr const schuss::Kernel* all[] = {__VA_ARGS__};                                                    \
    static const schuss::Kernels table{schuss::kernels_abi, int(std::size(all)), all};                               \
    static PyModuleDef definition = {                                                                                \
        PyModuleDef_HEAD_INIT, #module, "rules for schuss", -1, nullptr, nullptr, nullptr, nullptr, nullptr};        \
    PyObject* made = PyModule_Create(&definition);                                                                   \
    if (!made) return nullptr;                                                                                       \
    PyObject* const capsule = PyCapsule_New(const_cast<schuss::Kernels*>(&table), schuss::kernels_capsule, nullptr); \
    if (PyModule_AddObjectRef(made, "kernels", capsule) < 0) Py_CLEAR(made);                                         \
    Py_XDECREF(capsule);                                                                                             \
    return made;                                                                                                     \
  }                                                                                                                  \
  static_assert(true, "a semicolon follows")
