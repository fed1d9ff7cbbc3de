// Text for Python: words counted, pairs counted, text as numbers.
#include <algorithm>
#include <cstring>

#include "arrays.hpp"
#include "bind.hpp"
#include "schuss/data/bigrams.hpp"
#include "schuss/data/encode.hpp"
#include "schuss/data/vocabulary.hpp"

namespace schuss {
namespace {

template <class T>
py::array_t<T> copied(const T* data, std::int64_t n) {
  py::array_t<T> a(n);
  std::copy_n(data, n, a.mutable_data());
  return a;
}

std::int64_t length(const py::object& o) { return View(o.ptr()).size; }

Lower lower(const py::object& table) {
  const auto* const first = readable<std::uint32_t>(table, "lower");
  return first ? Lower(first, first + length(table)) : Lower();
}

// Words in the order of their numbers, as bytes and offsets.
Words words(const py::object& bytes, const py::object& offsets) {
  const char* const p = reinterpret_cast<const char*>(readable<std::uint8_t>(bytes, "bytes"));
  const auto* const at = readable<std::int64_t>(offsets, "offsets");
  const std::int64_t n = length(offsets) - 1, size = length(bytes);
  std::vector<char> buffer(65536 + slack);
  Words all;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t some = at[i + 1] - at[i];
    if (at[i] < 0 || some < 1 || some > 65535 || at[i + 1] > size)
      throw py::value_error("offsets: expected words of 1 to 65535 bytes within the bytes, got another at " +
                            std::to_string(i));
    std::memcpy(buffer.data(), p + at[i], std::size_t(some));
    if (all.add(prepared(buffer.data(), std::uint32_t(some))) != i)
      throw py::value_error("words: " + std::string(p + at[i], std::size_t(some)) + " comes twice");
  }
  return all;
}

Phrases phrases(const py::object& first, const py::object& second, const py::object& joined, std::uint32_t n) {
  const auto *const a = readable<std::uint32_t>(first, "first"), *const b = readable<std::uint32_t>(second, "second");
  const auto* const c = readable<std::uint32_t>(joined, "joined");
  Phrases all;
  for (std::int64_t i = 0; i < length(joined); ++i) {
    if (a[i] >= n || b[i] >= n) throw py::index_error("phrases: a part of number " + std::to_string(i) + " is no word");
    all.numbers.at(Pairs::of(a[i], b[i])) = i;
    all.joined.push_back(c[i]);
  }
  return all;
}

// The bytes of a token, also where it has surrogates, which UTF-8 has not.
void append(Cut& cut, py::handle token, std::int64_t sentence) {
  if (!PyUnicode_Check(token.ptr()))
    throw py::type_error("source: expected tokens that are strings, got " + type_name(token) + " in sentence " +
                         std::to_string(sentence));
  Py_ssize_t size = 0;
  const char* p = PyUnicode_AsUTF8AndSize(token.ptr(), &size);
  py::object encoded;
  if (!p) {
    PyErr_Clear();
    encoded = py::reinterpret_steal<py::object>(PyUnicode_AsEncodedString(token.ptr(), "utf-8", "surrogatepass"));
    if (!encoded) throw py::error_already_set();
    p = PyBytes_AS_STRING(encoded.ptr());
    size = PyBytes_GET_SIZE(encoded.ptr());
  }
  if (size == 0) return;
  cut.bytes.insert(cut.bytes.end(), p, p + size);
  cut.sizes.push_back(size);
}

// Sentences of strings; `first` is the number of the first one, for messages.
template <class Text>
void feed_sentences(Text& text, const py::list& sentences, std::int64_t first) {
  Cut cut;
  for (const py::handle sentence : sentences) {
    const auto tokens = py::reinterpret_steal<py::object>(PySequence_Fast(sentence.ptr(), "source: no sentence"));
    if (!tokens) throw py::error_already_set();
    PyObject** const items = PySequence_Fast_ITEMS(tokens.ptr());
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(tokens.ptr()); ++i) append(cut, items[i], first);
    cut.sizes.push_back(Cut::sentence_end);
    ++first;
  }
  const py::gil_scoped_release release;
  text.feed(cut);
}

template <class Text>
void feed(Text& text, const py::buffer& chunk, int threads) {
  const py::buffer_info info = chunk.request();
  const auto* const first = static_cast<const char*>(info.ptr);
  const std::int64_t size = info.size * info.itemsize;
  const py::gil_scoped_release release;
  if (size > 0) text.feed(first, size, threads);
}

// The frequent words as bytes, offsets, counts.
py::tuple frequent(WordCount& count, std::int64_t least, std::int64_t most) {
  std::vector<std::uint32_t> ids;
  const Words* all = nullptr;
  std::int64_t size = 0;
  {
    const py::gil_scoped_release release;
    all = &count.words();
    ids = all->ranked(least, most);
    for (const std::uint32_t id : ids) size += all->length(id);
  }
  py::array_t<std::uint8_t> bytes(size);
  py::array_t<std::int64_t> offsets(std::int64_t(ids.size()) + 1), counts(std::int64_t(ids.size()));
  std::int64_t at = 0;
  std::int64_t* const borders = offsets.mutable_data();
  borders[0] = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::memcpy(bytes.mutable_data() + at, all->bytes(ids[i]), all->length(ids[i]));
    borders[i + 1] = at += all->length(ids[i]);
    counts.mutable_data()[i] = all->count(ids[i]);
  }
  return py::make_tuple(bytes, offsets, counts);
}

py::array_t<std::int64_t> counts(WordCount& count, const py::object& bytes, const py::object& offsets) {
  const Words asked = words(bytes, offsets);
  const Words& all = count.words();
  py::array_t<std::int64_t> found(asked.size());
  std::vector<char> buffer(65536 + slack);
  for (std::uint32_t i = 0; i < asked.size(); ++i) {
    std::memcpy(buffer.data(), asked.bytes(i), asked.length(i));
    const std::uint32_t id = all.find(prepared(buffer.data(), asked.length(i)));
    found.mutable_data()[i] = id == Words::none ? 0 : all.count(id);
  }
  return found;
}

// Pairs that were seen more than `least` times, in the order of their numbers.
py::tuple repeated(Bigrams& bigrams, std::int64_t least) {
  std::vector<Pairs::Slot> found;
  {
    const py::gil_scoped_release release;
    for (const Pairs::Slot& slot : bigrams.pairs().slots())
      if (slot.pair != Pairs::empty && slot.value > least) found.push_back(slot);
    std::sort(found.begin(), found.end(), [](const auto& x, const auto& y) { return x.pair < y.pair; });
  }
  const auto n = std::int64_t(found.size());
  py::array_t<std::uint32_t> first(n), second(n);
  py::array_t<std::int64_t> counts(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const Pairs::Slot& slot = found[std::size_t(i)];
    first.mutable_data()[i] = std::uint32_t(slot.pair >> 32);
    second.mutable_data()[i] = std::uint32_t(slot.pair);
    counts.mutable_data()[i] = slot.value;
  }
  return py::make_tuple(first, second, counts);
}

py::tuple take(Encoder& encoder) {
  const auto ids = copied(encoder.ids().data(), encoder.ids().size());
  const auto ends = copied(encoder.ends().data(), encoder.ends().size());
  encoder.forget();
  return py::make_tuple(ids, ends);
}

template <class Text>
void bind_feeding(py::class_<Text>& text) {
  text.def("feed", &feed<Text>)
      .def("feed_sentences", &feed_sentences<Text>)
      .def("close", &Text::close, py::call_guard<py::gil_scoped_release>());
}

}  // namespace

void bind_text(py::module_& m) {
  py::class_<WordCount> count(m, "WordCount", py::module_local());
  bind_feeding(count);
  count.def(py::init([](const py::object& table, std::int64_t piece) { return new WordCount(lower(table), piece); }))
      .def_readonly("total", &WordCount::total)
      .def_readonly("invalid", &WordCount::invalid)
      .def("frequent", &frequent)
      .def("counts", &counts);
  py::class_<Bigrams> bigrams(m, "Bigrams", py::module_local());
  bind_feeding(bigrams);
  bigrams
      .def(py::init([](const py::object& table, std::int64_t piece, const py::object& bytes,
                       const py::object& offsets) { return new Bigrams(lower(table), piece, words(bytes, offsets)); }))
      .def("repeated", &repeated);
  py::class_<Encoder> encoder(m, "Encoder", py::module_local());
  bind_feeding(encoder);
  encoder
      .def(py::init([](const py::object& table, std::int64_t piece, std::int64_t longest, const py::object& bytes,
                       const py::object& offsets, std::uint32_t kept, const py::object& first, const py::object& second,
                       const py::object& joined) {
        Words all = words(bytes, offsets);
        Phrases pairs = phrases(first, second, joined, all.size());
        return new Encoder(lower(table), piece, longest, std::move(all), kept, std::move(pairs));
      }))
      .def("take", &take)
      .def("joins", [](const Encoder& e) { return copied(e.joins().data(), std::int64_t(e.joins().size())); });
}

}  // namespace schuss
