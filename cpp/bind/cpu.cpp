// Which psABI levels this CPU and its operating system run. The compiler's own test asks both.
#include "bind.hpp"

namespace schuss {
namespace {

namespace py = pybind11;

bool runs(const std::string& level) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (level == "v2") return __builtin_cpu_supports("x86-64-v2");
  if (level == "v3") return __builtin_cpu_supports("x86-64-v3");
  if (level == "v4") return __builtin_cpu_supports("x86-64-v4");
  return false;
#else
  return level == "plain";
#endif
}

}  // namespace

void bind_cpu(py::module_& m) { m.def("runs", &runs, py::arg("level")); }

}  // namespace schuss
