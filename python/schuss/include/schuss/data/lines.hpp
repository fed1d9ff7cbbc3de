// A piece of text becomes a block: line by line, each one an example, blank, or counted as malformed.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "criteo.hpp"
#include "csv.hpp"
#include "features.hpp"
#include "libsvm.hpp"
#include "vw.hpp"

namespace schuss {

// Returns false where reading must end: at the first malformed line of a strict reader.
template <class Line>
bool take_example(Features& features, const Line& line) {
  Block& block = features.block;
  ++block.lines;
  features.begin();
  features.reason.clear();
  if (line() && features.end()) return true;
  features.drop();
  ++block.malformed;
  if (block.reports.size() < Block::most_reports) block.reports.push_back({block.lines, features.reason});
  return !features.schema.strict;
}

// [first, last) holds whole lines; the last one may lack its line end.
template <class Format>
void parse_lines(const char* first, const char* last, Format&& format, Features& features) {
  for (const char* p = first; p < last;) {
    const auto* const found = static_cast<const char*>(std::memchr(p, '\n', std::size_t(last - p)));
    const char* const next = found ? found + 1 : last;
    const char* end = found ? found : last;
    if (end > p && end[-1] == '\r') --end;
    bool go_on = true;
    if (end == p) ++features.block.lines;
    else
      go_on = take_example(features, [&] {
        if (end - p > features.schema.longest)
          return features.refuse("longer than " + std::to_string(features.schema.longest) + " bytes");
        return format.line(p, end, features);
      });
    if (!go_on) return;
    p = next;
  }
}

inline void parse(const Schema& schema, const std::vector<Column>& columns, const char* first, const char* last,
                  Block& block) {
  Features features(schema, block);
  switch (schema.kind) {
    case Kind::criteo: return parse_lines(first, last, Criteo{}, features);
    case Kind::libsvm: return parse_lines(first, last, Libsvm<false>{}, features);
    case Kind::libffm: return parse_lines(first, last, Libsvm<true>{}, features);
    case Kind::vw: return parse_lines(first, last, Vw{}, features);
    case Kind::csv: return parse_lines(first, last, Csv{columns}, features);
  }
}

}  // namespace schuss
