#include "worker/data/known_columns.h"

#include <charconv>

namespace zhiyin::worker::data {

void CheckColumn(const config::Checker& check, const config::ConfigPath& path,
                 const std::string& column, const KnownColumns& known) {
  int position = -1;
  if (column.size() > 1 && column[0] == '#') {
    const auto [end, error] =
        std::from_chars(column.data() + 1, column.data() + column.size(), position);
    if (error != std::errc() || end != column.data() + column.size() || position < 0) {
      check.Fail(path, "\"", column, "\": expected a column's name, or its position from 0 as #7");
    }
  }
  if (position >= 0) {
    if (!known.names().empty() && static_cast<size_t>(position) >= known.names().size()) {
      check.Fail(path, "\"", column, "\": there are ", known.names().size(),
                 " columns, numbered from 0");
    }
    return;
  }
  if (known.names().empty()) return;  // the files will tell
  if (!known.Has(column)) check.FailUnknown(path, "column", column, known.names());
}

}  // namespace zhiyin::worker::data
