// What word vectors need to know of a vocabulary, for Python.
#include "schuss/models/word_tables.hpp"

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "bind.hpp"

namespace schuss {
namespace {

template <class T>
py::array_t<T> array_of(const std::vector<T>& all) {
  return py::array_t<T>(py::ssize_t(all.size()), all.data());
}

}  // namespace

void bind_word_tables(py::module_& m) {
  m.def("alias_table", [](const py::array_t<double>& weights) {
    return array_of(alias_table(weights.data(), weights.size())).reshape({weights.size(), py::ssize_t(2)});
  });
  m.def("huffman", [](const py::array_t<std::int64_t>& counts) {
    const Paths found = huffman(counts.data(), counts.size());
    return py::make_tuple(array_of(found.start), array_of(found.path));
  });
  m.def("ngrams", [](const std::vector<py::bytes>& words, int least, int most, std::uint32_t buckets) {
    std::vector<std::int64_t> start{0};
    std::vector<std::uint32_t> all;
    for (const auto& word : words) {
      ngrams(std::string_view(word), least, most, buckets, all);
      start.push_back(std::int64_t(all.size()));
    }
    return py::make_tuple(array_of(start), array_of(all));
  });
}

}  // namespace schuss
