// Lines of text as the model's reader takes them: hashed, binned, crossed and merged by the same code.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../data/lines.hpp"
#include "predictor.hpp"

namespace schuss {

// Of one thread; the model must outlive it.
class Lines {
 public:
  // Throws std::invalid_argument if the model was not trained on text.
  explicit Lines(const Predictor& model)
      : model_(model), format_(text_of(model)), features_(format_.schema, block_), csv_{columns_} {
    if (!format_.header)
      for (const auto& column : format_.columns) columns_.push_back(column.second);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // Whether files start with a line that names the columns, which goes to header().
  bool headed() const { return format_.header; }

  void header(std::string_view line) {
    const std::vector<std::string> names = cells(ended(line));
    columns_.assign(names.size(), Column{Role::ignore, 0});
    for (const auto& [name, column] : format_.columns) {
      if (column.role != Role::numeric && column.role != Role::categorical) continue;
      const auto count = std::count(names.begin(), names.end(), name);
      if (count != 1) throw std::invalid_argument((count ? "more than one column '" : "no column '") + name + "'");
      columns_[std::size_t(std::find(names.begin(), names.end(), name) - names.begin())] = column;
    }
  }

  // Throws std::invalid_argument, with the reason, for a malformed line. Its label may be missing and is not read.
  float margin(std::string_view text) {
    text = ended(text);
    if (format_.header && columns_.empty()) throw std::invalid_argument("header: give header() the first line");
    block_.clear();
    features_.begin();
    features_.reason.clear();
    if (!parsed(text.data(), text.data() + text.size()) || !features_.end())
      throw std::invalid_argument(features_.reason);
    const Entries& all = block_.entries;
    const auto get = [&all](std::int64_t i) {
      return Feature{all.ids[i], all.valued ? all.values[i] : 1, all.fields[i]};
    };
    return model_.margin(all.size, get, terms_);
  }

  float prediction(std::string_view text) { return model_.prediction(margin(text)); }

 private:
  static const TextFormat& text_of(const Predictor& model) {
    if (!model.format() || model.format()->name == "parquet")
      throw std::invalid_argument("format: the model was not trained on lines of text; give its features by hand");
    return *model.format();
  }

  static std::string_view ended(std::string_view line) {
    for (const char c : {'\n', '\r'})
      if (!line.empty() && line.back() == c) line.remove_suffix(1);
    return line;
  }

  bool parsed(const char* p, const char* last) {
    switch (format_.schema.kind) {
      case Kind::criteo: return Criteo::line(p, last, features_);
      case Kind::libsvm: return Libsvm<false>::line(p, last, features_);
      case Kind::libffm: return Libsvm<true>::line(p, last, features_);
      case Kind::vw: return Vw::line(p, last, features_);
      case Kind::csv: return csv_.line(p, last, features_);
    }
    return false;
  }

  // The cells of a header; "" within quotes stands for one quote.
  std::vector<std::string> cells(std::string_view line) const {
    std::vector<std::string> all(1);
    bool inside = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (c == '"' && inside && i + 1 < line.size() && line[i + 1] == '"') all.back() += line[++i];
      else if (c == '"') inside = !inside;
      else if (c == format_.schema.delimiter && !inside) all.emplace_back();
      else all.back() += c;
    }
    return all;
  }

  const Predictor& model_;
  const TextFormat& format_;
  Block block_;
  Features features_;
  std::vector<Column> columns_;  // of csv, in the file's order
  Csv csv_;
  std::vector<Predictor::Term> terms_;
};

}  // namespace schuss
