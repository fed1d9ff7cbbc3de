// Batches for Python: merging, other orders, checksums.
#include <algorithm>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/data/gather.hpp"
#include "schuss/data/merge.hpp"

namespace schuss {
namespace {

template <class T>
py::object copied(const Growing<T>& a) {
  return py::array_t<T>(a.size(), a.data());
}
template <class T>
py::object copied(const Raw<T>& a, std::int64_t n) {
  return py::array_t<T>(n, a.data());
}

// indptr, ids, values, fields, as checked by Batch.of, with duplicates merged, and repeats.
py::tuple merge(const py::object& indptr, const py::object& ids, const py::object& values, const py::object& fields) {
  const auto* const starts = readable<std::int64_t>(indptr, "indptr");
  const std::int64_t n = std::int64_t(py::len(indptr)) - 1;
  const auto* const index = readable<std::uint32_t>(ids, "ids");
  const auto* const numbers = readable<float>(values, "values");
  const auto* const places = readable<std::uint16_t>(fields, "fields");
  Block block;
  std::int64_t wrong;
  {
    const py::gil_scoped_release release;
    wrong = merge_examples(n, starts, index, numbers, places, block);
  }
  if (wrong >= 0)
    throw py::value_error("values: the sum for an id of example " + std::to_string(wrong) + " is not finite");
  if (block.entries.size == starts[n]) return py::make_tuple(indptr, ids, values, fields, copied(block.repeats));
  block.ends.push(0);
  std::rotate(block.ends.data(), block.ends.data() + n, block.ends.data() + n + 1);
  return py::make_tuple(copied(block.ends), copied(block.entries.ids, block.entries.size),
                        block.entries.valued ? copied(block.entries.values, block.entries.size) : py::none(),
                        places ? copied(block.entries.fields, block.entries.size) : py::none(), copied(block.repeats));
}

template <class T>
py::object gathered(const Examples& from, const py::array_t<std::int64_t>& order, const T* entries, std::int64_t n) {
  if (!entries) return py::none();
  py::array_t<T> out(n);
  const auto* const rows = order.data();
  T* const to = out.mutable_data();
  {
    const py::gil_scoped_release release;
    gather_entries(from, rows, order.size(), entries, to);
  }
  return out;
}

// indptr, ids, values, fields of the examples in this order, which Python has checked.
py::tuple gather(const py::object& indptr, const py::object& ids, const py::object& values, const py::object& fields,
                 const py::array_t<std::int64_t>& order) {
  Examples from{};
  from.indptr = readable<std::int64_t>(indptr, "indptr");
  from.n = std::int64_t(py::len(indptr)) - 1;
  from.ids = readable<std::uint32_t>(ids, "ids");
  from.values = readable<float>(values, "values");
  from.fields = readable<std::uint16_t>(fields, "fields");
  py::array_t<std::int64_t> starts(order.size() + 1);
  gather_starts(from, order.data(), order.size(), starts.mutable_data());
  const std::int64_t n = starts.at(order.size());
  return py::make_tuple(starts, gathered(from, order, from.ids, n), gathered(from, order, from.values, n),
                        gathered(from, order, from.fields, n));
}

py::array_t<std::int64_t> permutation(std::int64_t n, std::uint64_t seed) {
  py::array_t<std::int64_t> out(n);
  permute(n, seed, out.mutable_data());
  return out;
}

std::uint64_t checksum_of(const py::buffer& bytes) {
  const py::buffer_info info = bytes.request();
  const auto* const first = static_cast<const char*>(info.ptr);
  const py::gil_scoped_release release;
  return checksum(first, info.size * info.itemsize);
}

}  // namespace

void bind_batch(py::module_& m) {
  m.def("merge", &merge);
  m.def("gather", &gather);
  m.def("permutation", &permutation);
  m.def("checksum", &checksum_of);
}

}  // namespace schuss
