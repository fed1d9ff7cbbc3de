// Rows of a table: cells between delimiters, in quotes or not. A line is a row: a quoted cell cannot hold a line end.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "features.hpp"
#include "scan.hpp"

namespace schuss {

struct Csv {
  const std::vector<Column>& columns;  // of the file
  std::string cell{};                  // a quoted one, without its quotes

  bool line(const char* p, const char* last, Features& out) {
    const char* const first = p;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      std::string_view text;
      if (p < last && *p == '"') {
        if (!unquote(p, last, out)) return out.refuse("column " + std::to_string(c + 1) + ": " + out.reason);
        text = cell;
      } else {
        const char* const cell_end = find(p, last, out.schema.delimiter);
        text = {p, std::size_t(cell_end - p)};
        p = cell_end;
      }
      if ((p == last) != (c + 1 == columns.size())) return count(first, last, out);
      if (!take(columns[c], text, out)) return out.refuse("column " + std::to_string(c + 1) + ": " + out.reason);
      ++p;
    }
    return true;
  }

  static bool take(const Column& column, std::string_view text, Features& out) {
    const char* p = text.data();
    const char* const last = p + text.size();
    double x;
    switch (column.role) {
      case Role::ignore: return true;
      case Role::label: return out.label(p, last);
      case Role::weight: return !out.schema.labelled || out.weight(p, last);
      case Role::categorical: out.category(column.field, text); return true;
      case Role::numeric: break;
    }
    if (text.empty()) {
      out.category(column.field, {});
      return true;
    }
    const Read read = number(p, last, x);
    if (read == Read::wrong || (read == Read::fine && p != last)) return out.refuse(Read::wrong, "number", text);
    if (read == Read::infinite || !out.quantity(column.field, x)) return out.refuse(Read::infinite, "number", text);
    return true;
  }

 private:
  // Reads a quoted cell; "" stands for one quote.
  bool unquote(const char*& p, const char* last, Features& out) {
    cell.clear();
    for (++p;;) {
      const char* const quote = find(p, last, '"');
      cell.append(p, quote);
      if (quote == last) return out.refuse("a quote is not closed on its line");
      p = quote + 1;
      if (p == last || *p == out.schema.delimiter) return true;
      if (*p != '"') return out.refuse("expected the delimiter after a closing quote, got " + quoted({p, 1}));
      cell += '"';
      ++p;
    }
  }

  // The line has another number of cells than there are columns.
  bool count(const char* p, const char* last, Features& out) {
    std::size_t found = 1;
    for (bool inside = false; p < last; ++p) {
      if (*p == '"') inside = !inside;
      else found += *p == out.schema.delimiter && !inside;
    }
    return out.refuse("expected " + std::to_string(columns.size()) + " columns, got " + std::to_string(found));
  }
};

}  // namespace schuss
