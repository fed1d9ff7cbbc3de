// Reading for Python: a stream of text in, batches as NumPy arrays out.
#include <pybind11/stl.h>

#include <map>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/data/stream.hpp"

namespace schuss {
namespace {

template <class T>
T named(const std::map<std::string, T>& names, const py::dict& options, const char* option) {
  return names.at(py::cast<std::string>(options[option]));
}

const std::map<std::string, Role> roles{{"ignore", Role::ignore},
                                        {"label", Role::label},
                                        {"weight", Role::weight},
                                        {"numeric", Role::numeric},
                                        {"categorical", Role::categorical}};

// Python has checked all of it: these are the fields of a Format and a Reader.
Schema schema(const py::dict& options) {
  Schema s;
  s.kind = named<Kind>({{"criteo", Kind::criteo},
                        {"libsvm", Kind::libsvm},
                        {"libffm", Kind::libffm},
                        {"vw", Kind::vw},
                        {"csv", Kind::csv},
                        {"parquet", Kind::csv}},
                       options, "name");
  s.numeric =
      named<Numeric>({{"log", Numeric::log}, {"raw", Numeric::raw}, {"plain", Numeric::plain}}, options, "numeric");
  s.bits = py::cast<int>(options["bits"]);
  s.seed = py::cast<std::uint64_t>(options["seed"]);
  s.hashed = py::cast<bool>(options["hashed"]);
  s.binary = py::cast<bool>(options["binary"]);
  s.labelled = py::cast<bool>(options["labelled"]);
  s.strict = py::cast<bool>(options["strict"]);
  s.delimiter = py::cast<char>(options["delimiter"]);
  s.longest = py::cast<std::int64_t>(options["longest"]);
  s.fields = py::cast<int>(options["fields"]);
  s.crosses = py::cast<std::vector<std::pair<int, int>>>(options["crosses"]);
  s.namespaces = py::cast<std::vector<std::string>>(options["namespaces"]);
  s.prepare();
  return s;
}

std::vector<Column> columns(const std::vector<std::pair<std::string, int>>& given) {
  std::vector<Column> all;
  for (const auto& [role, field] : given) all.push_back({roles.at(role), field});
  return all;
}

template <class T>
T* data_if(bool wanted, py::object& o, std::int64_t n) {
  if (!wanted) return nullptr;
  py::array_t<T> a(n);
  o = a;
  return a.mutable_data();
}

// The next batch as its seven arrays, None where there is nothing to say.
py::object take(Stream& stream, std::int64_t most) {
  if (stream.waiting() == 0) return py::none();
  Stream::Extent extent;
  {
    const py::gil_scoped_release release;
    extent = stream.next(most);
  }
  py::object indptr, ids, repeats, values = py::none(), fields = py::none(), labels = py::none(), weights = py::none();
  Stream::Target to{};
  to.indptr = data_if<std::int64_t>(true, indptr, extent.n + 1);
  to.ids = data_if<std::uint32_t>(true, ids, extent.entries);
  to.values = data_if<float>(extent.valued, values, extent.entries);
  to.fields = data_if<std::uint16_t>(stream.schema.with_fields(), fields, extent.entries);
  to.labels = data_if<float>(stream.schema.labelled, labels, extent.n);
  to.weights = data_if<float>(extent.weighted, weights, extent.n);
  to.repeats = data_if<std::uint8_t>(true, repeats, extent.n);
  {
    const py::gil_scoped_release release;
    stream.take(extent, to);
  }
  return py::make_tuple(indptr, ids, values, fields, labels, weights, repeats);
}

void feed(Stream& stream, const py::buffer& chunk, int threads) {
  const py::buffer_info info = chunk.request();
  const auto* const first = static_cast<const char*>(info.ptr);
  const std::int64_t size = info.size * info.itemsize;
  const py::gil_scoped_release release;
  if (size > 0) stream.feed(first, size, threads);
}

// One column of a table as Python hands it over: role, field, valid, numbers, offsets, bytes.
using Given = std::tuple<std::string, int, py::object, py::object, py::object, py::object>;

void feed_rows(Stream& stream, const std::vector<Given>& given, std::int64_t rows, int threads) {
  std::vector<Cells> cells;
  for (const auto& [role, field, valid, numbers, offsets, bytes] : given)
    cells.push_back({{roles.at(role), field},
                     readable<std::uint8_t>(valid, "valid"),
                     readable<double>(numbers, "numbers"),
                     readable<std::int64_t>(offsets, "offsets"),
                     reinterpret_cast<const char*>(readable<std::uint8_t>(bytes, "bytes"))});
  const py::gil_scoped_release release;
  stream.feed_rows(cells, rows, threads);
}

py::list reports(const Stream& stream) {
  py::list all;
  for (const auto& r : stream.reports) all.append(py::make_tuple(r.file, r.line, r.reason));
  return all;
}

}  // namespace

void bind_data(py::module_& m) {
  m.def("hash_name", [] { return hash_name; });
  py::class_<Stream>(m, "Stream", py::module_local())
      .def(py::init([](const py::dict& options, std::int64_t skip) { return new Stream(schema(options), skip); }))
      .def("open", [](Stream& s, const std::vector<std::pair<std::string, int>>& c,
                      std::int64_t line) { s.open(columns(c), line); })
      .def("feed", &feed)
      .def("feed_rows", &feed_rows)
      .def("close", &Stream::close, py::call_guard<py::gil_scoped_release>())
      .def("take", &take)
      .def("reports", &reports)
      .def_property_readonly("waiting", &Stream::waiting)
      .def_readonly("lines", &Stream::lines)
      .def_readonly("examples", &Stream::examples)
      .def_readonly("malformed", &Stream::malformed)
      .def_readonly("stopped", &Stream::stopped);
}

}  // namespace schuss
