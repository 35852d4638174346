#include "common/config/checker.h"

#include <charconv>

#include "common/text.h"

namespace zhiyin::config {

void ConfigChecker::CheckColumn(const ConfigPath& path, const std::string& column,
                                const KnownColumns& known) const {
  int position = -1;
  if (column.size() > 1 && column[0] == '#') {
    const auto [end, error] =
        std::from_chars(column.data() + 1, column.data() + column.size(), position);
    if (error != std::errc() || end != column.data() + column.size() || position < 0) {
      Fail(path, Text("\"", column, "\": expected a column's name, or its position from 0 as #7"));
    }
  }
  if (position >= 0) {
    if (!known.names().empty() && static_cast<size_t>(position) >= known.names().size()) {
      Fail(path,
           Text("\"", column, "\": there are ", known.names().size(), " columns, numbered from 0"));
    }
    return;
  }
  if (job_.data().text().header()) return;
  if (known.names().empty())
    Fail(path, Text("\"", column,
                    "\": columns have no names here: expected #POSITION, or data.text.header or "
                    "column_name"));
  if (!known.Has(column)) {
    Fail(path, Text("no column \"", column, "\"", Suggestion(column, known.names())));
  }
}

}  // namespace zhiyin::config
