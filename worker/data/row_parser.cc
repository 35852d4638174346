#include "worker/data/row_parser.h"

#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>

#include "worker/data/delimited.h"

namespace zhiyin::worker {
namespace {

/// Of a label that is not looked at.
constexpr size_t kNoColumn = std::numeric_limits<size_t>::max();

/// A value as it is shown in a message: short, and unable to forge a line of the log.
std::string Shown(std::string_view value) {
  constexpr size_t kMaxBytes = 40;
  size_t n = std::min(value.size(), kMaxBytes);
  while (n < value.size() && n > 0 && (value[n] & 0xc0) == 0x80) --n;  // not in the middle of a character
  std::string shown(value.substr(0, n));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (n < value.size()) shown += "...";
  return shown;
}

/// numeric "age" (column #3): "abc", expected a number
std::string Wrong(const char* kind, const std::string& name, size_t column, std::string_view value,
                  const char* expected) {
  std::ostringstream out;
  out << kind << " \"" << name << "\" (column #" << column << "): \"" << Shown(value) << "\", expected "
      << expected;
  return out.str();
}

}  // namespace

bool ParseNumber(std::string_view text, double* number) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end && std::isfinite(*number);
}

RowParser::RowParser(const Job& job, const Schema& schema)
    : n_columns_(static_cast<size_t>(schema.n_columns)),
      missing_(job.data().text().missing().begin(), job.data().text().missing().end()),
      trim_(Dialect::Of(job.data().text()).trim) {
  for (int i = 0; i < job.field_size(); ++i) {
    const Field& field = job.field(i);
    const std::string& vocabulary = field.vocabulary().empty() ? field.name() : field.vocabulary();
    fields_.push_back({static_cast<size_t>(schema.fields[static_cast<size_t>(i)]),
                       field.name(),
                       CategoryHasher(vocabulary),
                       field.separator(),
                       {field.bucket().begin(), field.bucket().end()}});
  }
  for (int i = 0; i < job.numeric_size(); ++i) {
    const Numeric& numeric = job.numeric(i);
    numerics_.push_back(
        {static_cast<size_t>(schema.numerics[static_cast<size_t>(i)]), numeric.name(), numeric.log1p()});
  }
  for (int i = 0; i < job.task_size(); ++i) {
    const Task& task = job.task(i);
    const Label& label = task.label();
    CHECK_NE(label.rule_case(), Label::RULE_NOT_SET) << task.name();
    const int column = schema.labels[static_cast<size_t>(i)];
    labels_.push_back({column == Schema::kIgnored ? kNoColumn : static_cast<size_t>(column), task.name(),
                       label.rule_case(), label.has_equals() ? label.equals() : label.prefix(),
                       task.has_binary_cross_entropy()});
  }
}

Rows RowParser::NewRows() const {
  return Rows(static_cast<int>(fields_.size()), static_cast<int>(numerics_.size()),
              static_cast<int>(labels_.size()));
}

std::string RowParser::Parse(std::span<const std::string_view> values, Rows* rows) const {
  const size_t n_keys = rows->keys.size();
  const size_t n_begins = rows->key_begin.size();
  const size_t n_numbers = rows->numerics.size();
  const size_t n_labels = rows->labels.size();
  std::string wrong = ParseInto(values, rows);
  if (wrong.empty()) {
    ++rows->n;
    return wrong;
  }
  rows->keys.resize(n_keys);
  rows->key_begin.resize(n_begins);
  rows->numerics.resize(n_numbers);
  rows->labels.resize(n_labels);
  return wrong;
}

std::string RowParser::ParseInto(std::span<const std::string_view> values, Rows* rows) const {
  if (values.size() != n_columns_) {
    return std::to_string(values.size()) + (values.size() == 1 ? " column" : " columns") + ", expected " +
           std::to_string(n_columns_);
  }
  for (const CategoryColumn& field : fields_) {
    if (std::string wrong = ParseCategories(field, values[field.column], &rows->keys); !wrong.empty())
      return wrong;
    rows->key_begin.push_back(static_cast<uint32_t>(rows->keys.size()));
  }
  for (const NumberColumn& numeric : numerics_) {
    float& to = rows->numerics.emplace_back(kMissing);
    if (std::string wrong = ParseNumeric(numeric, values[numeric.column], &to); !wrong.empty()) return wrong;
  }
  for (const LabelColumn& label : labels_) {
    float& to = rows->labels.emplace_back(kMissing);
    if (label.column == kNoColumn) continue;
    if (std::string wrong = ParseLabel(label, values[label.column], &to); !wrong.empty()) return wrong;
  }
  return "";
}

bool RowParser::IsMissing(std::string_view value) const {
  return value.empty() || std::find(missing_.begin(), missing_.end(), value) != missing_.end();
}

std::string RowParser::ParseCategories(const CategoryColumn& field, std::string_view cell,
                                       std::vector<Key>* keys) const {
  if (IsMissing(cell)) return "";
  if (field.separator.empty()) return ParseCategory(field, cell, keys);
  const size_t n_before = keys->size();
  bool more = true;
  while (more) {
    const size_t n = cell.find(field.separator);
    more = n != std::string_view::npos;
    std::string_view value = more ? cell.substr(0, n) : cell;
    if (more) cell.remove_prefix(n + field.separator.size());
    if (trim_) value = TrimSpaces(value);
    if (IsMissing(value)) continue;
    if (keys->size() - n_before == kMaxValues) {
      return Wrong("field", field.name, field.column, cell, "at most 1000 values in a row");
    }
    if (std::string wrong = ParseCategory(field, value, keys); !wrong.empty()) return wrong;
  }
  return "";
}

std::string RowParser::ParseCategory(const CategoryColumn& field, std::string_view value,
                                     std::vector<Key>* keys) const {
  if (field.bucket.empty()) {
    keys->push_back(field.hasher(value));
    return "";
  }
  double number = 0;
  if (!ParseNumber(value, &number))
    return Wrong("field", field.name, field.column, value, "a number for its buckets");
  const auto above = std::upper_bound(field.bucket.begin(), field.bucket.end(), number);
  char index[std::numeric_limits<int64_t>::digits10 + 2];
  const auto [end, error] = std::to_chars(index, index + sizeof(index), above - field.bucket.begin());
  keys->push_back(field.hasher({index, static_cast<size_t>(end - index)}));
  return "";
}

std::string RowParser::ParseNumeric(const NumberColumn& numeric, std::string_view value, float* to) const {
  if (IsMissing(value)) return "";
  double number = 0;
  if (!ParseNumber(value, &number) || std::abs(number) > std::numeric_limits<float>::max()) {
    return Wrong("numeric", numeric.name, numeric.column, value, "a finite number");
  }
  if (numeric.log1p) number = std::copysign(std::log1p(std::abs(number)), number);
  *to = static_cast<float>(number);
  return "";
}

std::string RowParser::ParseLabel(const LabelColumn& label, std::string_view value, float* to) const {
  if (IsMissing(value)) return "";
  switch (label.rule) {
    case Label::kEquals:
      *to = value == label.pattern ? 1.0f : 0.0f;
      return "";
    case Label::kPrefix:
      *to = value.starts_with(label.pattern) ? 1.0f : 0.0f;
      return "";
    case Label::kNumber:
    case Label::RULE_NOT_SET:
      break;
  }
  double number = 0;
  if (!ParseNumber(value, &number) || std::abs(number) > std::numeric_limits<float>::max()) {
    return Wrong("label of task", label.name, label.column, value, "a finite number");
  }
  if (label.is_probability && (number < 0 || number > 1)) {
    return Wrong("label of task", label.name, label.column, value, "a number from 0 to 1");
  }
  *to = static_cast<float>(number);
  return "";
}

}  // namespace zhiyin::worker
