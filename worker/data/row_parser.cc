#include "worker/data/row_parser.h"

#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>

#include "worker/data/format/delimited.h"

namespace zhiyin::worker::data {
namespace {

/// Returns a value in the form for messages: short, and without control characters, so that it
/// cannot forge a line of the log.
std::string Shown(std::string_view value) {
  constexpr size_t kMaxBytes = 40;
  size_t n = std::min(value.size(), kMaxBytes);
  while (n < value.size() && n > 0 && (value[n] & 0xc0) == 0x80)
    --n;  // not in the middle of a character
  std::string shown(value.substr(0, n));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (n < value.size()) shown += "...";
  return shown;
}

/// Returns a message: numeric "age" (column #3): "abc", expected a number
std::string Wrong(const char* kind, const std::string& name, size_t column, std::string_view value,
                  const char* expected) {
  std::ostringstream out;
  out << kind << " \"" << name << "\" (column #" << column << "): \"" << Shown(value)
      << "\", expected " << expected;
  return out.str();
}

}  // namespace

bool ParseNumber(std::string_view text, double* number) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end && std::isfinite(*number);
}

RowParser::RowParser(const Job& job, const Schema& schema, LabelDomains domains, Observer observer)
    : observer_(std::move(observer)),
      n_columns_(static_cast<size_t>(schema.n_columns)),
      missing_(job.data().text().missing().begin(), job.data().text().missing().end()),
      trim_(Dialect::Of(job.data().text()).trim) {
  for (int i = 0; i < job.field_size(); ++i) {
    const Field& field = job.field(i);
    const std::string& vocabulary = field.vocabulary().empty() ? field.name() : field.vocabulary();
    fields_.push_back({i,
                       static_cast<size_t>(schema.fields[static_cast<size_t>(i)]),
                       field.name(),
                       CategoryHasher(vocabulary),
                       field.separator(),
                       {field.bucket().begin(), field.bucket().end()}});
  }
  for (int i = 0; i < job.numeric_size(); ++i) {
    const Numeric& numeric = job.numeric(i);
    numerics_.push_back({static_cast<size_t>(schema.numerics[static_cast<size_t>(i)]),
                         numeric.name(), numeric.log1p()});
  }
  for (int i = 0; i < job.task_size(); ++i) {
    const Task& task = job.task(i);
    const size_t at = static_cast<size_t>(i);
    const auto rule = [](const Label& label, int column) {
      CHECK_NE(label.rule_case(), Label::RULE_NOT_SET);
      return RuleColumn{static_cast<size_t>(column), label.rule_case(),
                        label.has_equals() ? label.equals() : label.prefix(), label.at_least()};
    };
    TaskColumns& columns = tasks_.emplace_back();
    columns.name = task.name();
    if (schema.labels[at] != Schema::kIgnored)
      columns.label = rule(task.label(), schema.labels[at]);
    if (columns.label) columns.domain = std::move(domains.at(at));
    if (schema.sample_spaces[at] != Schema::kIgnored)
      columns.sample_space = rule(task.sample_space(), schema.sample_spaces[at]);
    if (schema.weights[at] != Schema::kIgnored)
      columns.weight = static_cast<size_t>(schema.weights[at]);
    has_weights_ |= columns.weight.has_value();
  }
}

Rows RowParser::NewRows() const {
  return Rows(static_cast<int>(fields_.size()), static_cast<int>(numerics_.size()),
              static_cast<int>(tasks_.size()));
}

std::string RowParser::Parse(std::span<const std::string_view> values, Rows* rows) const {
  const size_t n_keys = rows->keys.size();
  const size_t n_begins = rows->key_begin.size();
  const size_t n_numbers = rows->numerics.size();
  const size_t n_labels = rows->labels.size();
  const size_t n_weights = rows->weights.size();
  std::string wrong = ParseInto(values, rows);
  if (wrong.empty()) {
    ++rows->n;
    return wrong;
  }
  rows->keys.resize(n_keys);
  rows->key_begin.resize(n_begins);
  rows->numerics.resize(n_numbers);
  rows->labels.resize(n_labels);
  rows->weights.resize(n_weights);
  return wrong;
}

std::string RowParser::ParseInto(std::span<const std::string_view> values, Rows* rows) const {
  if (values.size() != n_columns_) {
    return std::to_string(values.size()) + (values.size() == 1 ? " column" : " columns") +
           ", expected " + std::to_string(n_columns_);
  }
  for (const CategoryColumn& field : fields_) {
    if (std::string wrong = ParseCategories(field, values[field.column], &rows->keys);
        !wrong.empty())
      return wrong;
    rows->key_begin.push_back(static_cast<uint32_t>(rows->keys.size()));
  }
  for (const NumberColumn& numeric : numerics_) {
    float& to = rows->numerics.emplace_back(kMissing);
    if (std::string wrong = ParseNumeric(numeric, values[numeric.column], &to); !wrong.empty())
      return wrong;
  }
  for (const TaskColumns& task : tasks_) {
    float& to = rows->labels.emplace_back(kMissing);
    if (std::string wrong = ParseLabel(task, values, &to); !wrong.empty()) return wrong;
    if (!has_weights_) continue;
    float& weight = rows->weights.emplace_back(1.0f);
    if (!task.weight) continue;
    if (std::string wrong = ParseWeight(task, values[*task.weight], &weight); !wrong.empty())
      return wrong;
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
    if (observer_) observer_(field.field, value, keys->back());
    return "";
  }
  double number = 0;
  if (!ParseNumber(value, &number))
    return Wrong("field", field.name, field.column, value, "a number for its buckets");
  const auto above = std::upper_bound(field.bucket.begin(), field.bucket.end(), number);
  char index[std::numeric_limits<int64_t>::digits10 + 2];
  const auto [end, error] =
      std::to_chars(index, index + sizeof(index), above - field.bucket.begin());
  const std::string_view interval(index, static_cast<size_t>(end - index));
  keys->push_back(field.hasher(interval));
  if (observer_) observer_(field.field, interval, keys->back());
  return "";
}

std::string RowParser::ParseNumeric(const NumberColumn& numeric, std::string_view value,
                                    float* to) const {
  if (IsMissing(value)) return "";
  double number = 0;
  if (!ParseNumber(value, &number) || std::abs(number) > std::numeric_limits<float>::max()) {
    return Wrong("numeric", numeric.name, numeric.column, value, "a finite number");
  }
  if (numeric.log1p) number = std::copysign(std::log1p(std::abs(number)), number);
  *to = static_cast<float>(number);
  return "";
}

std::string RowParser::ApplyRule(const char* kind, const TaskColumns& task, const RuleColumn& rule,
                                 std::string_view value, float* to) const {
  switch (rule.rule) {
    case Label::kEquals:
      *to = value == rule.pattern ? 1.0f : 0.0f;
      return "";
    case Label::kPrefix:
      *to = value.starts_with(rule.pattern) ? 1.0f : 0.0f;
      return "";
    case Label::kNumber:
    case Label::kAtLeast:
    case Label::RULE_NOT_SET:
      break;
  }
  double number = 0;
  if (!ParseNumber(value, &number) || std::abs(number) > std::numeric_limits<float>::max())
    return Wrong(kind, task.name, rule.column, value, "a finite number");
  *to = rule.rule == Label::kAtLeast ? (number >= rule.at_least ? 1.0f : 0.0f)
                                     : static_cast<float>(number);
  return "";
}

std::string RowParser::ParseLabel(const TaskColumns& task, std::span<const std::string_view> values,
                                  float* to) const {
  if (!task.label) return "";
  if (task.sample_space) {
    const std::string_view value = values[task.sample_space->column];
    float is_part = 0;
    if (IsMissing(value)) return "";
    if (std::string wrong =
            ApplyRule("sample space of task", task, *task.sample_space, value, &is_part);
        !wrong.empty()) {
      return wrong;
    }
    if (is_part != 1) return "";
  }
  const std::string_view value = values[task.label->column];
  if (IsMissing(value)) return "";
  float label = 0;
  if (std::string wrong = ApplyRule("label of task", task, *task.label, value, &label);
      !wrong.empty())
    return wrong;
  if (!task.domain.accepts(label))
    return Wrong("label of task", task.name, task.label->column, value, task.domain.description);
  *to = label;
  return "";
}

std::string RowParser::ParseWeight(const TaskColumns& task, std::string_view value,
                                   float* to) const {
  if (IsMissing(value)) return "";
  double number = 0;
  if (!ParseNumber(value, &number) || number < 0 || number > std::numeric_limits<float>::max())
    return Wrong("weight of task", task.name, *task.weight, value, "a finite number of 0 or more");
  *to = static_cast<float>(number);
  return "";
}

}  // namespace zhiyin::worker::data
