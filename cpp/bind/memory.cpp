// Memory of slots: aligned like the parameter they belong to, on huge pages where the system gives them.
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/block.hpp"

namespace schuss {

py::array empty(const std::vector<std::int64_t>& shape, Number number, std::int64_t offset) {
  std::size_t size = number == f32 ? 4 : 8;
  for (const auto extent : shape) size *= std::size_t(extent);
  auto* const block = new Block(size + std::size_t(offset) + Block::line);
  const py::capsule owner(block, [](void* p) { delete static_cast<Block*>(p); });
  return py::array(py::dtype(number_name(number)), shape, static_cast<char*>(block->base) + offset, owner);
}

void bind_memory(py::module_& m) {
  // float32 zeros from a cache line on.
  m.def("zeros", [](const std::vector<std::int64_t>& shape) { return empty(shape, f32, 0); });
  // Zeros of the same shape and dtype, at the same place within a cache line.
  m.def("zeros_like", [](const py::array& a) {
    const View view = writable(a, "array");
    const auto offset = std::int64_t(reinterpret_cast<std::uintptr_t>(view.data) % Block::line);
    return empty({view.shape, view.shape + view.dims}, view.number(), offset);
  });
}

}  // namespace schuss
