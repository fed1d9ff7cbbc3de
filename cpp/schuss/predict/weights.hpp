// The rows of a safetensors file that are not zero, found by their ids; and the file with its header, checked.
#pragma once
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "json.hpp"

namespace schuss {

// Rows of `width` numbers by id, in a table of open addresses.
class Weights {
 public:
  std::int64_t width = 0;

  void start(std::int64_t rows, std::int64_t numbers) {
    width = numbers;
    std::size_t size = 16;
    while (size < 2 * std::size_t(rows)) size *= 2;
    slots_.assign(size, Slot{});
    numbers_.reserve(std::size_t(rows * numbers));
  }

  void add(std::uint32_t id, const float* row) {
    slots_[place(id)] = {id, std::uint32_t(numbers_.size() / std::size_t(width)) + 1};
    numbers_.insert(numbers_.end(), row, row + width);
  }

  // The row of an id, or null where it was never learned.
  const float* find(std::uint32_t id) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[place(id)];
    return slot.row ? numbers_.data() + std::int64_t(slot.row - 1) * width : nullptr;
  }

 private:
  struct Slot {
    std::uint32_t id = 0, row = 0;  // row from 1; 0: free
  };

  std::size_t place(std::uint32_t id) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = std::size_t(id * 0x9E3779B97F4A7C15ull >> 20) & mask;
    while (slots_[i].row && slots_[i].id != id) i = (i + 1) & mask;
    return i;
  }

  std::vector<Slot> slots_;
  std::vector<float> numbers_;
};

// A safetensors file: 8 bytes with the length of a JSON header, the header, the numbers.
class TensorFile {
 public:
  Json metadata;  // of the key "schuss"

  explicit TensorFile(const std::string& path) : file_(path, std::ios::binary) {
    if (std::filesystem::is_directory(path)) throw std::invalid_argument("is a folder");
    if (!file_) throw std::invalid_argument("cannot be opened");
    const std::streamoff size = file_.seekg(0, std::ios::end).tellg();
    if (!file_ || size < 0) throw std::invalid_argument("cannot be read, or is no file");
    std::uint64_t length = 0;
    if (size >= 8) take(0, &length, 8);
    if (size < 8 || length > std::uint64_t(size - 8) || length > longest)
      throw std::invalid_argument("truncated, or not a safetensors file");
    std::string text(length, '\0');
    take(8, text.data(), std::int64_t(length));
    header_ = Json::parse(text);
    first_ = 8 + std::int64_t(length);
    bytes_ = size - first_;
    const Json* const about = header_.find("__metadata__");
    const Json* const own = about ? about->find("schuss") : nullptr;
    if (!own) throw std::invalid_argument("a safetensors file, but not one of schuss");
    metadata = Json::parse(own->text());
  }

  // The first `width` numbers of each row of NAME.rows, by NAME.ids, which are below `most`.
  Weights weights(const std::string& name, std::int64_t width, std::int64_t most) {
    const auto [ids_at, ids_shape] = tensor(name + ".ids", "I64", 8, 1);
    const auto [rows_at, rows_shape] = tensor(name + ".rows", "F32", 4, 2);
    const std::int64_t n = ids_shape[0], columns = rows_shape[1];
    if (rows_shape[0] != n || columns < width)
      throw std::invalid_argument("'" + name + ".rows': expected " + std::to_string(n) + " rows of at least " +
                                  std::to_string(width) + " numbers");
    Weights all;
    all.start(n, width);
    const std::int64_t step = std::max<std::int64_t>(1, 65536 / columns);
    std::vector<std::int64_t> ids(std::size_t(std::min(n, step)));
    std::vector<float> rows(ids.size() * std::size_t(columns));
    std::int64_t before = -1;
    for (std::int64_t i = 0; i < n; i += step) {
      const std::int64_t count = std::min(step, n - i);
      take(ids_at + 8 * i, ids.data(), 8 * count);
      take(rows_at + 4 * i * columns, rows.data(), 4 * count * columns);
      for (std::int64_t k = 0; k < count; ++k) {
        const std::int64_t id = ids[std::size_t(k)];
        if (id <= before || id >= most)
          throw std::invalid_argument("'" + name + ".ids': expected ascending numbers below " + std::to_string(most) +
                                      "; the file is damaged");
        all.add(std::uint32_t(before = id), rows.data() + k * columns);
      }
    }
    return all;
  }

 private:
  static constexpr std::uint64_t longest = 100'000'000;  // bytes of a header, as safetensors has it

  struct Place {
    std::int64_t at;
    std::vector<std::int64_t> shape;
  };

  Place tensor(const std::string& name, const std::string& dtype, std::int64_t size, std::size_t dims) {
    const Json& entry = header_.at(name);
    Place place{0, {}};
    std::int64_t bytes = size;
    for (const Json& extent : entry.at("shape").list()) {
      place.shape.push_back(extent.whole<std::int64_t>(0, std::int64_t(1) << 40));
      if (__builtin_mul_overflow(bytes, place.shape.back(), &bytes)) bytes = -1;
    }
    const auto& offsets = entry.at("data_offsets").list();
    if (offsets.size() != 2 || place.shape.size() != dims || entry.at("dtype").text() != dtype)
      throw std::invalid_argument("'" + name + "': expected " + dtype + " with " + std::to_string(dims) +
                                  " dimensions");
    const auto from = offsets[0].whole<std::int64_t>(0, INT64_MAX), to = offsets[1].whole<std::int64_t>(0, INT64_MAX);
    if (from > to || to - from != bytes)
      throw std::invalid_argument("'" + name + "': its size is not that of its shape");
    if (to > bytes_) throw std::invalid_argument("truncated: '" + name + "' ends behind the file");
    place.at = first_ + from;
    return place;
  }

  void take(std::int64_t at, void* to, std::int64_t bytes) {
    if (!file_.seekg(at).read(static_cast<char*>(to), bytes)) throw std::invalid_argument("truncated, or unreadable");
  }

  std::ifstream file_;
  Json header_;
  std::int64_t first_ = 0, bytes_ = 0;
};

}  // namespace schuss
