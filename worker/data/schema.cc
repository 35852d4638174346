#include "worker/data/schema.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/error.h"

namespace zhiyin::worker {
namespace {

constexpr int kMaxNamesListed = 20;

/// "#7" -> 7.
std::optional<int> ParsePosition(std::string_view column) {
  if (!column.starts_with('#')) return {};
  int position = 0;
  const char* const end = column.data() + column.size();
  const auto [stop, error] = std::from_chars(column.data() + 1, end, position);
  if (error != std::errc() || stop != end || position < 0) return {};
  return position;
}

/// For the end of a sentence: what would have been right.
std::string KnownColumns(const Columns& columns) {
  const std::string positions = columns.n == 1 ? "#0" : "#0 to #" + std::to_string(columns.n - 1);
  if (columns.names.empty()) return positions + " (the columns have no names)";
  std::string known = "one of ";
  const int n_listed = std::min(columns.n, kMaxNamesListed);
  for (int c = 0; c < n_listed; ++c) {
    known += (c > 0 ? ", \"" : "\"") + columns.names[static_cast<size_t>(c)] + "\"";
  }
  if (n_listed < columns.n) known += " and " + std::to_string(columns.n - n_listed) + " more";
  return known + ", or " + positions;
}

/// `user` is what wants the column: numeric[2] "age".
int Find(const Columns& columns, const std::string& column, const std::string& user) {
  const auto first = std::find(columns.names.begin(), columns.names.end(), column);
  if (first != columns.names.end()) {
    const auto second = std::find(first + 1, columns.names.end(), column);
    if (second == columns.names.end()) return static_cast<int>(first - columns.names.begin());
    Fail(columns.where, ": column \"", column, "\" (", user, ") is there twice, #",
         first - columns.names.begin(), " and #", second - columns.names.begin(),
         ", expected once; a position can tell them apart");
  }
  const std::optional<int> position = ParsePosition(column);
  if (position.has_value() && *position < columns.n) return *position;
  Fail(columns.where, ": no column \"", column, "\" (", user, "), expected ", KnownColumns(columns));
}

std::string NameOf(const char* kind, int i, const std::string& name) {
  return std::string(kind) + "[" + std::to_string(i) + "] \"" + name + "\"";
}

}  // namespace

Schema Schema::Of(const Job& job, const Columns& columns) {
  const auto find = [&](const char* kind, int i, const std::string& name, const std::string& column) {
    return Find(columns, column.empty() ? name : column, NameOf(kind, i, name));
  };
  Schema schema;
  schema.n_columns = columns.n;
  for (int i = 0; i < job.field_size(); ++i) {
    schema.fields.push_back(find("field", i, job.field(i).name(), job.field(i).column()));
  }
  for (int i = 0; i < job.numeric_size(); ++i) {
    schema.numerics.push_back(find("numeric", i, job.numeric(i).name(), job.numeric(i).column()));
  }
  for (int i = 0; i < job.task_size(); ++i) {
    schema.labels.push_back(find("task", i, job.task(i).name(), job.task(i).label().column()));
  }
  return schema;
}

}  // namespace zhiyin::worker
