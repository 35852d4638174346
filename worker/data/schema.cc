#include "worker/data/schema.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::worker::data {
namespace {

/// "#7" -> 7.
std::optional<int> ParsePosition(std::string_view column) {
  if (!column.starts_with('#')) return {};
  int position = 0;
  const char* const end = column.data() + column.size();
  const auto [stop, error] = std::from_chars(column.data() + 1, end, position);
  if (error != std::errc() || stop != end || position < 0) return {};
  return position;
}

/// Finds a column by name or position. `user` is the input that takes it, for messages: numeric[2]
/// "age".
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
  if (columns.names.empty() || position.has_value()) {
    Fail(columns.where, ": no column \"", column, "\" (", user, "), expected #0 to #",
         columns.n - 1,
         columns.names.empty() && !column.starts_with('#')
             ? ", or names for the columns by data.text.header or column_name"
             : "");
  }
  Fail(columns.where, ": no column \"", column, "\" (", user, ")",
       Suggestion(column, columns.names));
}

std::string NameOf(const char* kind, int i, const std::string& name) {
  return std::string(kind) + "[" + std::to_string(i) + "] \"" + name + "\"";
}

}  // namespace

std::vector<ColumnUse> ColumnUses(const Job& job) {
  std::vector<ColumnUse> uses;
  const auto add = [&](const char* kind, int i, const std::string& name, const std::string& column,
                       bool is_label) {
    uses.push_back({column.empty() ? name : column, NameOf(kind, i, name), is_label});
  };
  for (int i = 0; i < job.field_size(); ++i)
    add("field", i, job.field(i).name(), job.field(i).column(), false);
  for (int i = 0; i < job.numeric_size(); ++i)
    add("numeric", i, job.numeric(i).name(), job.numeric(i).column(), false);
  for (const Join& join : job.data().join()) uses.push_back({join.column(), "data.join"});
  const zhiyin::Behaviour& behaviour = job.data().behaviour();
  for (const std::string* column : {&behaviour.user(), &behaviour.item()}) {
    if (!column->empty()) uses.push_back({*column, "data.behaviour"});
  }
  for (int i = 0; i < job.task_size(); ++i) {
    const Task& task = job.task(i);
    add("task", i, task.name(), task.label().column(), true);
    if (task.has_sample_space()) add("task", i, task.name(), task.sample_space().column(), true);
    if (!task.weight_column().empty()) add("task", i, task.name(), task.weight_column(), true);
  }
  return uses;
}

std::optional<int> FindColumn(const std::string& column, const Columns& columns) {
  const auto first = std::find(columns.names.begin(), columns.names.end(), column);
  if (first != columns.names.end()) {
    if (std::find(first + 1, columns.names.end(), column) != columns.names.end()) return {};
    return static_cast<int>(first - columns.names.begin());
  }
  const std::optional<int> position = ParsePosition(column);
  return position && *position < columns.n ? position : std::nullopt;
}

Schema Schema::Of(const Job& job, const Columns& columns, LabelUse labels) {
  const auto find = [&](const char* kind, int i, const std::string& name,
                        const std::string& column) {
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
    const Task& task = job.task(i);
    const bool ignored = labels == LabelUse::kIgnored;
    const auto find_if = [&](bool wanted, const std::string& column) {
      return wanted && !ignored ? find("task", i, task.name(), column) : kIgnored;
    };
    schema.labels.push_back(find_if(true, task.label().column()));
    schema.sample_spaces.push_back(find_if(task.has_sample_space(), task.sample_space().column()));
    schema.weights.push_back(find_if(!task.weight_column().empty(), task.weight_column()));
  }
  return schema;
}

}  // namespace zhiyin::worker::data
