#include "launch/apps/serve/request_rows.h"

#include <algorithm>
#include <string_view>

#include "common/text.h"
#include "worker/data/schema.h"
#include "worker/data/text_columns.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::LabelUse;
using worker::data::Schema;

/// Every column that the job reads for its inputs, by name.
std::vector<std::string> InputColumns(const Job& job) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& column, const std::string& name) {
    const std::string& own = column.empty() ? name : column;
    if (own.starts_with('#'))
      Fail("column ", own, " of ", name, " has no name: expected a job that names its columns");
    if (std::find(names.begin(), names.end(), own) == names.end()) names.push_back(own);
  };
  for (const Field& field : job.field()) add(field.column(), field.name());
  for (const Numeric& numeric : job.numeric()) add(numeric.column(), numeric.name());
  return names;
}

}  // namespace

RequestRows::RequestRows(const Job& job, int max_rows)
    : max_rows_(max_rows),
      columns_(InputColumns(job)),
      dialect_(worker::data::Dialect::Of(job.data().text())),
      parser_(job,
              Schema::Of(job, {static_cast<int>(columns_.size()), columns_, "the model's job"},
                         LabelUse::kIgnored),
              /*domains=*/worker::data::LabelDomains{}) {}

std::string RequestRows::Value(const nlohmann::json& value, const std::string& where) const {
  const std::string text = CellText(value, where);
  if (const std::string wrong = worker::data::CheckText(std::string_view(text)); !wrong.empty())
    throw RequestError(400, where + ": " + wrong);
  return std::string(dialect_.PlainValue(text));
}

worker::data::Examples RequestRows::Of(const nlohmann::json& rows) const {
  if (!rows.is_array()) throw RequestError(400, "rows: " + KindOf(rows) + ", expected an array");
  if (rows.empty() || rows.size() > static_cast<size_t>(max_rows_))
    throw RequestError(400, "rows: " + std::to_string(rows.size()) + ", expected 1 to " +
                                std::to_string(max_rows_));
  worker::data::Examples parsed = parser_.NewExamples();
  std::vector<std::string> texts(columns_.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string where = "rows[" + std::to_string(i) + "]";
    if (!rows[i].is_object())
      throw RequestError(400, where + ": " + KindOf(rows[i]) + ", expected an object");
    std::fill(texts.begin(), texts.end(), "");
    for (const auto& [column, value] : rows[i].items()) {
      const auto known = std::find(columns_.begin(), columns_.end(), column);
      if (known == columns_.end())
        throw RequestError(400, where + ": no column \"" + Shortened(column, 100) +
                                    "\" among those of the model's inputs");
      texts[static_cast<size_t>(known - columns_.begin())] = Value(value, where + "." + column);
    }
    const std::vector<worker::data::Value> values(texts.begin(), texts.end());
    if (const std::string wrong = parser_.Parse(values, &parsed); !wrong.empty())
      throw RequestError(400, where + ": " + wrong);
    if (parsed.keys.size() > static_cast<size_t>(kMaxRequestValues))
      throw RequestError(413, "rows: more than " + std::to_string(kMaxRequestValues) + " ids");
  }
  return parsed;
}

}  // namespace zhiyin::launch::apps
