#include "worker/data/row_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::worker {
namespace {

/// The position of a column given by name or as "#7".
size_t FindColumn(const std::string& column, const std::vector<std::string>& names, const std::string& where,
                  const std::string& wanted_by) {
  if (const auto named = std::find(names.begin(), names.end(), column); named != names.end()) {
    return static_cast<size_t>(named - names.begin());
  }
  size_t position = 0;
  if (column.size() > 1 && column[0] == '#') {
    const auto [end, error] = std::from_chars(column.data() + 1, column.data() + column.size(), position);
    if (error == std::errc() && end == column.data() + column.size()) {
      if (!names.empty() && position >= names.size()) {
        Fail(where, ": no column \"", column, "\" for ", wanted_by, ": there are ", names.size(),
             ", numbered from 0");
      }
      return position;
    }
  }
  Fail(where, ": no column \"", column, "\" for ", wanted_by, Suggestion(column, names));
}

std::optional<double> ParseNumber(std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

/// A value as a message shows it.
std::string Shown(std::string_view value) {
  constexpr size_t kMaxShown = 40;
  std::string text = "\"";
  for (char c : value.substr(0, kMaxShown)) text += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return text + (value.size() > kMaxShown ? "...\"" : "\"");
}

std::string NotANumber(const std::string& kind, const std::string& name, size_t column,
                       std::string_view value) {
  std::ostringstream text;
  text << kind << " " << name << " (column " << column << ") is " << Shown(value) << ", expected a number";
  return text.str();
}

}  // namespace

RowParser::RowParser(const Job& job, const std::vector<std::string>& columns, const std::string& where) {
  const auto find = [&](const std::string& column, const std::string& name, const char* kind) {
    const size_t position = FindColumn(column.empty() ? name : column, columns, where, kind + name);
    n_needed_ = std::max(n_needed_, position + 1);
    return position;
  };
  for (const Field& field : job.field()) {
    const CategoryHasher hasher(field.vocabulary().empty() ? field.name() : field.vocabulary());
    FieldPlan& plan = fields_.emplace_back(FieldPlan{field.name(),
                                                     find(field.column(), field.name(), "field "),
                                                     field.separator(),
                                                     {field.bucket().begin(), field.bucket().end()},
                                                     {},
                                                     hasher});
    for (int b = 0; b <= field.bucket_size() && field.bucket_size() > 0; ++b) {
      plan.bucket_keys.push_back(hasher(std::to_string(b)));
    }
  }
  for (const Numeric& numeric : job.numeric()) {
    numerics_.push_back(
        {numeric.name(), find(numeric.column(), numeric.name(), "numeric "), numeric.log1p()});
  }
  for (const Task& task : job.task()) {
    labels_.push_back({task.name(), find(task.label().column(), task.name(), "the label of task "),
                       task.label(), MakeLoss(task)});
  }
  missing_.assign(job.data().text().missing().begin(), job.data().text().missing().end());
}

bool RowParser::IsMissing(std::string_view value) const {
  return value.empty() || std::find(missing_.begin(), missing_.end(), value) != missing_.end();
}

std::optional<std::string> RowParser::Parse(std::span<const std::string_view> columns, Rows* rows) const {
  const size_t n_keys = rows->keys.size();
  const size_t n_begins = rows->key_begin.size();
  const size_t n_numerics = rows->numerics.size();
  const size_t n_labels = rows->labels.size();
  std::optional<std::string> wrong;
  for (const FieldPlan& field : fields_) {
    if (!wrong) wrong = AddField(field, columns[field.column], rows);
    rows->key_begin.push_back(static_cast<uint32_t>(rows->keys.size()));
  }
  for (const NumericPlan& numeric : numerics_) {
    const std::string_view value = columns[numeric.column];
    float number = kMissing;
    if (!IsMissing(value)) {
      const std::optional<double> parsed = ParseNumber(value);
      if (!parsed && !wrong) wrong = NotANumber("numeric", numeric.name, numeric.column, value);
      const double x = parsed.value_or(0);
      number = static_cast<float>(numeric.log1p ? std::copysign(std::log1p(std::abs(x)), x) : x);
      if (!std::isfinite(number) && !wrong)
        wrong = NotANumber("numeric", numeric.name, numeric.column, value) + " that fits 32 bits";
    }
    rows->numerics.push_back(number);
  }
  for (const LabelPlan& label : labels_) {
    if (!wrong) wrong = AddLabel(label, columns[label.column], rows);
  }
  if (wrong) {
    rows->keys.resize(n_keys);
    rows->key_begin.resize(n_begins);
    rows->numerics.resize(n_numerics);
    rows->labels.resize(n_labels);
    return wrong;
  }
  ++rows->n;
  return std::nullopt;
}

std::optional<std::string> RowParser::AddField(const FieldPlan& field, std::string_view value,
                                               Rows* rows) const {
  if (IsMissing(value)) return std::nullopt;
  if (!field.boundaries.empty()) {
    const std::optional<double> number = ParseNumber(value);
    if (!number) return NotANumber("field", field.name, field.column, value);
    const auto above = std::upper_bound(field.boundaries.begin(), field.boundaries.end(), *number);
    rows->keys.push_back(field.bucket_keys[static_cast<size_t>(above - field.boundaries.begin())]);
    return std::nullopt;
  }
  if (field.separator.empty()) {
    rows->keys.push_back(field.hasher(value));
    return std::nullopt;
  }
  int n_values = 0;
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(field.separator, begin), value.size());
    const std::string_view piece = value.substr(begin, end - begin);
    begin = end + field.separator.size();
    if (IsMissing(piece)) continue;
    if (++n_values > kMaxValues) {
      return "field " + field.name + " (column " + std::to_string(field.column) + ") has more than " +
             std::to_string(kMaxValues) + " values";
    }
    rows->keys.push_back(field.hasher(piece));
  }
  return std::nullopt;
}

std::optional<std::string> RowParser::AddLabel(const LabelPlan& label, std::string_view value,
                                               Rows* rows) const {
  if (IsMissing(value)) {
    rows->labels.push_back(kMissing);
    return std::nullopt;
  }
  switch (label.rule.rule_case()) {
    case Label::kEquals:
      rows->labels.push_back(value == label.rule.equals() ? 1.0f : 0.0f);
      return std::nullopt;
    case Label::kPrefix:
      rows->labels.push_back(value.starts_with(label.rule.prefix()) ? 1.0f : 0.0f);
      return std::nullopt;
    case Label::kNumber:
    case Label::RULE_NOT_SET:
      break;
  }
  const std::optional<double> number = ParseNumber(value);
  const float as_float = static_cast<float>(number.value_or(0));
  if (!number || !std::isfinite(as_float))
    return NotANumber("the label of task", label.name, label.column, value);
  if (!label.loss->Accepts(as_float))
    return NotANumber("the label of task", label.name, label.column, value) + " from 0 to 1";
  rows->labels.push_back(as_float);
  return std::nullopt;
}

}  // namespace zhiyin::worker
