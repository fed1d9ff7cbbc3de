// A kernel in words, for Python.
#pragma once
#include <pybind11/pybind11.h>

#include "schuss/kernel.hpp"

namespace schuss {

namespace py = pybind11;

inline py::list strings(const char* const* first, int n) {
  py::list all;
  for (int i = 0; i < n; ++i) all.append(first[i]);
  return all;
}

inline py::dict described(const Kernel& k) {
  py::dict d;
  d["name"] = k.name;
  d["variant"] = k.variant;
  d["group"] = k.group == 0 ? "none" : k.group == 1 ? "row" : "array";
  d["slots"] = strings(k.slot_names, k.slots);
  d["shared"] = strings(k.shared_names, k.shared);
  d["hyper"] = strings(k.hyper_names, k.hypers);
  d["linear"] = k.linear;
  return d;
}

}  // namespace schuss
