#include "launch/apps/serve/request_rows.h"

#include <algorithm>

#include "common/text.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/schema.h"
#include "worker/data/text_columns.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::kBehaviourColumns;
using worker::data::kHistoryColumn;
using worker::data::LabelUse;
using worker::data::Schema;
using worker::data::SentColumn;
using worker::data::SideInputs;
using worker::data::WantedColumn;

/// Every column that a job reads, but for labels, by name, and what it is read for.
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
    for (const Join& join : job.data().join()) Add(join.column(), "data.join", Use::kText, true);
    if (!job.data().has_behaviour()) return;
    Add(job.data().behaviour().user(), "data.behaviour", Use::kText, true);
    Add(job.data().behaviour().item(), "data.behaviour", Use::kText, true);
  }

  const std::vector<std::string>& names() const { return names_; }
  bool Has(const std::string& name) const { return reads_.contains(name); }
  /// Returns how rows may have a column of this name, in records of the format.
  SentColumn Sent(const std::string& name, const worker::data::Format* format,
                  const Text& text) const {
    const auto at = reads_.find(name);
    const Reading reading =
        at == reads_.end() ? Reading{WantedColumn::Use::kText, false} : at->second;
    return SentColumn({name, reading.use}, format, text, reading.has_separator);
  }

 private:
  struct Reading {
    WantedColumn::Use use;  // what several inputs read the column for suits all of them
    bool has_separator;     // whether all fields that read it cut texts at separators
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

RequestRows::RequestRows(const Job& job, const SideInputs& side, int max_rows)
    : max_rows_(max_rows),
      behaviour_(side.behaviour),
      dialect_(worker::data::Dialect::Of(job.data().text())) {
  const char* const where = "the model's job";
  const ReadColumns reads(job);
  std::vector<std::string> names;
  for (const std::string& name : reads.names()) {
    const bool is_added =
        (side.joins != nullptr && side.joins->HasColumn(name)) ||
        (behaviour_ != nullptr &&
         std::ranges::find(kBehaviourColumns, std::string_view(name)) != kBehaviourColumns.end());
    if (!is_added) names.push_back(name);
  }
  n_own_ = names.size();
  const worker::data::Format* const format = worker::data::FormatOfSentRows(job, names);
  if (side.joins != nullptr) joins_ = worker::data::Joins::Plan(side.joins, where, &names);
  n_before_behaviour_ = names.size();
  if (behaviour_ != nullptr)
    names.insert(names.end(), kBehaviourColumns.begin(), kBehaviourColumns.end());
  for (size_t c = 0; c < names.size(); ++c) {
    columns_.push_back(reads.Sent(names[c], c < n_own_ ? format : nullptr, job.data().text()));
    if (reads.Has(names[c])) places_.emplace(names[c], c);
  }
  if (behaviour_ != nullptr) {
    user_ = places_.at(job.data().behaviour().user());
    item_ = places_.at(job.data().behaviour().item());
    reads_history_ = reads.Has(std::string(kHistoryColumn));
    reads_log_share_ = reads.Has(std::string(worker::data::kLogShareColumn));
  }
  const Schema schema =
      Schema::Of(job, {static_cast<int>(names.size()), names, where}, LabelUse::kIgnored);
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

void RequestRows::Take(const nlohmann::json& row, const std::string& where, Row* to) const {
  if (!row.is_object())
    throw RequestError(400, where + ": " + KindOf(row) + ", expected an object");
  for (Cell& cell : to->cells) cell.is_sent = false;
  for (const auto& [column, value] : row.items()) {
    const auto place = places_.find(column);
    if (place == places_.end())
      throw RequestError(400, where + ": no column \"" + Shortened(column, 100) +
                                  "\" among those of the model's inputs");
    TakeValue(value, where + "." + column, columns_[place->second], &to->cells[place->second]);
  }
}

void RequestRows::Complete(Row* row) const {
  const std::vector<Cell>& cells = row->cells;
  std::vector<worker::data::Value>& values = row->values;
  values.clear();
  for (size_t c = 0; c < n_own_; ++c)
    values.push_back(cells[c].is_sent ? cells[c].value : columns_[c].absent());
  row->known.clear();
  for (size_t c = n_own_; c < n_before_behaviour_; ++c) {
    if (cells[c].is_sent) row->known.push_back({c, cells[c].value});
  }
  joins_.Append(&values, /*lines=*/nullptr, row->known);
  if (behaviour_ == nullptr) return;
  const auto add = [&](bool is_read, std::string* own, const auto& compute) {
    const Cell& cell = cells[values.size()];
    if (is_read && !cell.is_sent) *own = compute();
    values.push_back(cell.is_sent ? cell.value : worker::data::Value(*own));
  };
  add(reads_history_, &row->history,
      [&] { return behaviour_->HistoryOf(behaviour_->FindUser(values[user_].text())); });
  add(reads_log_share_, &row->log_share,
      [&] { return behaviour_->LogShareOf(values[item_].text()); });
}

worker::data::Examples RequestRows::Of(const nlohmann::json& rows) const {
  if (!rows.is_array()) throw RequestError(400, "rows: " + KindOf(rows) + ", expected an array");
  if (rows.empty() || rows.size() > static_cast<size_t>(max_rows_))
    throw RequestError(400, "rows: " + std::to_string(rows.size()) + ", expected 1 to " +
                                std::to_string(max_rows_));
  worker::data::Examples parsed = parser_->NewExamples();
  Row row;
  row.cells.resize(columns_.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string where = "rows[" + std::to_string(i) + "]";
    Take(rows[i], where, &row);
    Complete(&row);
    if (const std::string wrong = parser_->Parse(row.values, &parsed); !wrong.empty())
      throw RequestError(400, where + ": " + wrong);
    if (parsed.keys.size() > static_cast<size_t>(kMaxRequestValues))
      throw RequestError(413, "rows: more than " + std::to_string(kMaxRequestValues) + " ids");
  }
  return parsed;
}

}  // namespace zhiyin::launch::apps
