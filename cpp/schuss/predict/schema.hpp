// The format of a model file's header: what Format.to_json has written, as the parser's schema.
#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../data/schema.hpp"
#include "json.hpp"

namespace schuss {

struct TextFormat {
  Schema schema;
  std::string name;                                     // "criteo", "libsvm", ...
  std::vector<std::pair<std::string, Column>> columns;  // of csv, by name, in the format's order
  bool header = false;                                  // csv: files start with the names of their columns
};

// One of several names, or an exception that says what is known.
template <class T>
T one_of(const Json& given, const std::map<std::string, T>& known, const std::string& what) {
  const auto found = known.find(given.text());
  if (found == known.end()) throw std::invalid_argument(what + " '" + given.text() + "' is unknown to this version");
  return found->second;
}

// The names of criteo's fields, I1 .. I13 and C1 .. C26.
inline std::vector<std::string> criteo_names() {
  std::vector<std::string> names;
  for (int i = 1; i <= 39; ++i) names.push_back(i <= 13 ? "I" + std::to_string(i) : "C" + std::to_string(i - 13));
  return names;
}

inline TextFormat text_format(const Json& given) {
  static const std::map<std::string, Kind> kinds{{"criteo", Kind::criteo}, {"libsvm", Kind::libsvm},
                                                 {"libffm", Kind::libffm}, {"vw", Kind::vw},
                                                 {"csv", Kind::csv},       {"parquet", Kind::csv}};
  static const std::map<std::string, Numeric> numerics{
      {"log", Numeric::log}, {"raw", Numeric::raw}, {"plain", Numeric::plain}};
  static const std::map<std::string, Role> roles{{"ignore", Role::ignore},
                                                 {"label", Role::label},
                                                 {"weight", Role::weight},
                                                 {"numeric", Role::numeric},
                                                 {"categorical", Role::categorical}};
  if (given.at("function").text() != hash_name)
    throw std::invalid_argument("hash '" + given.at("function").text() + "' is unknown to this version");
  TextFormat format;
  Schema& schema = format.schema;
  format.name = given.at("name").text();
  schema.kind = one_of(given.at("name"), kinds, "format");
  schema.numeric = one_of(given.at("numeric"), numerics, "numeric");
  schema.bits = given.at("bits").whole<int>(1, 32);
  schema.seed = given.at("seed").whole<std::uint64_t>(0, UINT64_MAX);
  schema.hashed = given.at("hash").text() == "all";
  schema.labelled = false;
  if (given.at("delimiter").text().size() != 1) throw std::invalid_argument("delimiter: expected one character");
  schema.delimiter = given.at("delimiter").text()[0];
  format.header = schema.kind == Kind::csv && given.at("header").boolean();

  std::vector<std::string> names;  // of the fields
  if (schema.kind == Kind::criteo) names = criteo_names();
  const Json& columns = given.at("columns");
  if (schema.kind == Kind::vw && !columns.null()) {
    for (const Json& column : columns.list()) names.push_back(column.text());
    schema.namespaces = names;
  } else if (schema.kind == Kind::csv) {
    for (const Json& pair : columns.list()) {
      if (pair.list().size() != 2) throw std::invalid_argument("columns: expected pairs of name and role");
      const std::string& column = pair.list()[0].text();
      const Role role = one_of(pair.list()[1], roles, "role");
      const bool feature = role == Role::numeric || role == Role::categorical;
      format.columns.push_back({column, {role, feature ? int(names.size()) : 0}});
      if (feature) names.push_back(column);
    }
  }
  schema.fields = int(names.size());

  const auto field = [&](const Json& name) {  // by name, or by number from 1
    if (!name.is_text()) return name.whole<int>(1, schema.fields) - 1;
    const auto found = std::find(names.begin(), names.end(), name.text());
    if (found == names.end()) throw std::invalid_argument("crosses: there is no field '" + name.text() + "'");
    return int(found - names.begin());
  };
  for (const Json& pair : given.at("crosses").list()) {
    if (pair.list().size() != 2) throw std::invalid_argument("crosses: expected pairs of fields");
    schema.crosses.push_back({field(pair.list()[0]), field(pair.list()[1])});
  }
  schema.prepare();
  return format;
}

}  // namespace schuss
