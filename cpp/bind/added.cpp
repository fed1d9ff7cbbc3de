// Kernels of modules that users have built against the installed headers (schuss/module.hpp).
#include <pybind11/stl.h>

#include <algorithm>
#include <deque>

#include "bind.hpp"
#include "describe.hpp"
#include "schuss/module.hpp"

namespace schuss {
namespace {

std::deque<const Kernel*>& added() {
  static std::deque<const Kernel*> all;
  return all;
}

// Adds all kernels of a module, or none; returns their descriptions. What was added before by that name is replaced.
py::list add_kernels(const py::capsule& capsule, const std::vector<std::string>& taken) {
  if (std::string(capsule.name()) != kernels_capsule)
    throw py::type_error("module: its `kernels` is no table of rules");
  const auto& table = *capsule.get_pointer<Kernels>();
  if (table.abi != kernels_abi)
    throw py::import_error("module: built against headers of another schuss (layout " + std::to_string(table.abi) +
                           ", this one has " + std::to_string(kernels_abi) + "); build it again");
  for (int i = 0; i < table.size; ++i)
    if (std::find(taken.begin(), taken.end(), table.kernel[i]->name) != taken.end())
      throw py::value_error("module: its rule '" + std::string(table.kernel[i]->name) +
                            "' has the name of one of schuss; rename it");
  py::list found;
  for (int i = 0; i < table.size; ++i) found.append(described(*table.kernel[i]));
  for (int i = 0; i < table.size; ++i) added().push_front(table.kernel[i]);
  return found;
}

}  // namespace

const Kernel* added_kernel(const std::string& name, int variant) {
  for (const Kernel* k : added())
    if (name == k->name && variant == k->variant) return k;
  return nullptr;
}

void bind_added(py::module_& m) { m.def("add_kernels", &add_kernels); }

}  // namespace schuss
