// What a hot module holds, for Python: its rules by name, and single tools for tests and benchmarks.
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "bind.hpp"
#include "describe.hpp"
#include "schuss/train/team.hpp"

namespace schuss {
namespace {

const Hot& hot(const py::capsule& table) { return *table.get_pointer<Hot>(); }

py::list kernels(const py::capsule& table) {
  py::list all;
  for (int i = 0; i < hot(table).kernels; ++i) all.append(described(*hot(table).kernel[i]));
  return all;
}

// Lane functions, whole range under test: which 0 is exp, 1 is power.
py::array lane(const py::capsule& table, int which, const py::array& in, double p) {
  const View a = writable(in, "in");
  py::array out = empty({a.shape, a.shape + a.dims}, a.number(), 0);
  hot(table).tools[a.number()].lane(which, a.data, View(out.ptr()).data, a.size, p);
  return out;
}

// The limit loop of the benchmarks over arrays of equal size; the written ones come first. Returns the bytes moved.
double stream(const py::capsule& table, const std::vector<py::array>& arrays, int written, int threads) {
  if (arrays.size() > 32) throw py::value_error("arrays: expected at most 32, got " + std::to_string(arrays.size()));
  std::vector<char*> base;
  std::int64_t n = 0;
  Number number = f32;
  for (const auto& o : arrays) {
    const View a = writable(o, "array");
    base.push_back(a.data);
    n = a.size;
    number = a.number();
  }
  const Tools& tools = hot(table).tools[number];
  const int read = int(base.size()) - written;
  if (written != 0 && !(read == 1 && written >= 1 && written <= 5) &&
      !(read == 2 && (written == 1 || written == 2 || written == 4)))
    throw py::value_error("written: the limit loop has no form that reads " + std::to_string(read) + " and writes " +
                          std::to_string(written) + " arrays; add it to bench/limits.hpp");
  constexpr std::int64_t tile = 16384;
  const std::int64_t tasks = (n + tile - 1) / tile, item = number == f32 ? 4 : 8;
  py::gil_scoped_release release;
  Team::get().run(tasks, threads, [&](std::int64_t task, int) {
    void* here[32];
    for (std::size_t k = 0; k < base.size(); ++k) here[k] = base[k] + task * tile * item;
    tools.stream(read, written, here, std::min(tile, n - task * tile));
  });
  return double(read + 2 * written) * double(n) * double(item);
}

}  // namespace

void bind_table(py::module_& m) {
  m.def("level", [](const py::capsule& t) { return hot(t).level; });
  m.def("eigen", [](const py::capsule& t) { return hot(t).eigen; });
  m.def("kernels", &kernels);
  m.def("lane", &lane);
  m.def("stream", &stream);
}

}  // namespace schuss
