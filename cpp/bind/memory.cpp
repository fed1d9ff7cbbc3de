// Memory of slots: aligned like the parameter they belong to, on huge pages where the system gives them.
#include <pybind11/stl.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "arrays.hpp"
#include "bind.hpp"

namespace schuss {
namespace {

constexpr std::size_t huge = std::size_t(1) << 21, line = 64;

struct Block {
  void* base;
  std::size_t bytes;
  bool mapped;

  explicit Block(std::size_t size) : base(nullptr), bytes(size), mapped(size >= huge) {
    if (!mapped) {
      bytes = (size + line - 1) / line * line;
      base = std::aligned_alloc(line, bytes);
      if (base) std::memset(base, 0, bytes);
    } else {
      // More than needed is asked for, and what is left and right of a huge page's border is given back.
      bytes = (size + huge - 1) / huge * huge;
      char* const all =
          static_cast<char*>(mmap(nullptr, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      if (all != MAP_FAILED) {
        const std::size_t skip = (huge - reinterpret_cast<std::uintptr_t>(all) % huge) % huge;
        if (skip > 0) munmap(all, skip);
        if (huge > skip) munmap(all + skip + bytes, huge - skip);
        base = all + skip;
        madvise(base, bytes, MADV_HUGEPAGE);
      }
    }
    if (!base) throw std::bad_alloc();
  }

  static void release(void* p) {
    auto* const block = static_cast<Block*>(p);
    if (block->mapped) munmap(block->base, block->bytes);
    else std::free(block->base);
    delete block;
  }
};

}  // namespace

py::array empty(const std::vector<std::int64_t>& shape, Number number, std::int64_t offset) {
  std::size_t size = number == f32 ? 4 : 8;
  for (const auto extent : shape) size *= std::size_t(extent);
  auto* const block = new Block(size + std::size_t(offset) + line);
  const py::capsule owner(block, &Block::release);
  return py::array(py::dtype(number_name(number)), shape, static_cast<char*>(block->base) + offset, owner);
}

void bind_memory(py::module_& m) {
  // float32 zeros from a cache line on.
  m.def("zeros", [](const std::vector<std::int64_t>& shape) { return empty(shape, f32, 0); });
  // Zeros of the same shape and dtype, at the same place within a cache line.
  m.def("zeros_like", [](const py::array& a) {
    const View view = writable(a, "array");
    const auto offset = std::int64_t(reinterpret_cast<std::uintptr_t>(view.data) % line);
    return empty({view.shape, view.shape + view.dims}, view.number(), offset);
  });
}

}  // namespace schuss
