#include "launch/apps/serve/request_rows.h"

#include <algorithm>

#include "common/text.h"
#include "worker/data/schema.h"
#include "worker/data/text_columns.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::LabelUse;
using worker::data::Schema;
using worker::data::WantedColumn;

/// Every column that a job reads for its inputs, by name, and what it is read for.
class ReadColumns {
 public:
  explicit ReadColumns(const Job& job) {
    using Use = WantedColumn::Use;
    for (const Field& field : job.field()) {
      Add(field.column(), field.name(), field.bucket_size() > 0 ? Use::kNumber : Use::kCategories,
          !field.separator().empty());
    }
    for (const Numeric& numeric : job.numeric())
      Add(numeric.column(), numeric.name(), Use::kNumber, true);
  }

  const std::vector<std::string>& names() const { return names_; }
  /// What a column is read for; what several inputs read it for suits all of them.
  WantedColumn Wanted(const std::string& name) const { return {name, reads_.at(name).use}; }
  /// Whether all fields that read the column cut texts at separators.
  bool HasSeparator(const std::string& name) const { return reads_.at(name).has_separator; }

 private:
  struct Reading {
    WantedColumn::Use use;
    bool has_separator;
  };

  void Add(const std::string& column, const std::string& user, WantedColumn::Use use,
           bool has_separator) {
    const std::string& name = column.empty() ? user : column;
    if (name.starts_with('#'))
      Fail("column ", name, " of ", user, " has no name: expected a job that names its columns");
    const auto [reading, is_new] = reads_.try_emplace(name, Reading{use, has_separator});
    if (is_new) names_.push_back(name);
    reading->second.use = std::min(reading->second.use, use);
    reading->second.has_separator &= has_separator;
  }

  std::vector<std::string> names_;
  std::unordered_map<std::string, Reading> reads_;
};

/// Returns a value as text that a file can hold. Throws RequestError, which begins with `where`.
std::string CheckedText(const nlohmann::json& value, const std::string& where) {
  std::string text = CellText(value, where);
  if (const std::string wrong = worker::data::CheckText(std::string_view(text)); !wrong.empty())
    throw RequestError(400, where + ": " + wrong);
  return text;
}

}  // namespace

RequestRows::RequestRows(const Job& job, int max_rows)
    : max_rows_(max_rows), dialect_(worker::data::Dialect::Of(job.data().text())) {
  const ReadColumns reads(job);
  const std::vector<std::string>& names = reads.names();
  const worker::data::Format* const format = worker::data::FormatOfSentRows(job, names);
  for (const std::string& name : names) {
    places_.emplace(name, columns_.size());
    columns_.emplace_back(reads.Wanted(name), format, job.data().text(), reads.HasSeparator(name));
  }
  const Schema schema = Schema::Of(job, {static_cast<int>(names.size()), names, "the model's job"},
                                   LabelUse::kIgnored);
  parser_.emplace(job, schema, /*domains=*/worker::data::LabelDomains{});
}

std::string RequestRows::Value(const nlohmann::json& value, const std::string& where) const {
  return std::string(dialect_.PlainValue(CheckedText(value, where)));
}

void RequestRows::TakeValue(const nlohmann::json& value, const std::string& where,
                            const worker::data::SentColumn& column, Cell* cell) const {
  cell->is_sent = true;
  cell->texts.clear();
  cell->pieces.clear();
  std::string wrong;
  if (value.is_array() && column.takes_list()) {
    for (size_t i = 0; i < value.size(); ++i) {
      if (!value[i].is_null())
        cell->texts.push_back(CheckedText(value[i], where + "[" + std::to_string(i) + "]"));
    }
    cell->pieces.assign(cell->texts.begin(), cell->texts.end());
    wrong = column.ReadList(&cell->pieces, &cell->value);
  } else {
    cell->texts.push_back(CheckedText(value, where));
    wrong = column.ReadText(dialect_.PlainValue(cell->texts[0]), &cell->pieces, &cell->value);
  }
  if (!wrong.empty()) throw RequestError(400, where + ": " + wrong);
}

void RequestRows::Take(const nlohmann::json& row, const std::string& where,
                       std::vector<Cell>* cells) const {
  if (!row.is_object())
    throw RequestError(400, where + ": " + KindOf(row) + ", expected an object");
  for (Cell& cell : *cells) cell.is_sent = false;
  for (const auto& [column, value] : row.items()) {
    const auto place = places_.find(column);
    if (place == places_.end())
      throw RequestError(400, where + ": no column \"" + Shortened(column, 100) +
                                  "\" among those of the model's inputs");
    TakeValue(value, where + "." + column, columns_[place->second], &(*cells)[place->second]);
  }
}

worker::data::Examples RequestRows::Of(const nlohmann::json& rows) const {
  if (!rows.is_array()) throw RequestError(400, "rows: " + KindOf(rows) + ", expected an array");
  if (rows.empty() || rows.size() > static_cast<size_t>(max_rows_))
    throw RequestError(400, "rows: " + std::to_string(rows.size()) + ", expected 1 to " +
                                std::to_string(max_rows_));
  worker::data::Examples parsed = parser_->NewExamples();
  std::vector<Cell> cells(columns_.size());
  std::vector<worker::data::Value> values(columns_.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string where = "rows[" + std::to_string(i) + "]";
    Take(rows[i], where, &cells);
    for (size_t c = 0; c < cells.size(); ++c)
      values[c] = cells[c].is_sent ? cells[c].value : columns_[c].absent();
    if (const std::string wrong = parser_->Parse(values, &parsed); !wrong.empty())
      throw RequestError(400, where + ": " + wrong);
    if (parsed.keys.size() > static_cast<size_t>(kMaxRequestValues))
      throw RequestError(413, "rows: more than " + std::to_string(kMaxRequestValues) + " ids");
  }
  return parsed;
}

}  // namespace zhiyin::launch::apps
