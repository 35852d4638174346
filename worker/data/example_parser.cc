#include "worker/data/example_parser.h"

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

/// Whether a number is less than 1 in absolute value. REQUIRES: std::from_chars takes all of `text`
/// for a number other than 0.
bool IsBelowOne(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t n = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, n);
  int64_t exponent = 0;
  if (n != std::string_view::npos) {
    const std::string_view power = text.substr(n + 1);
    const bool is_negative = power.starts_with('-');
    const char* begin = power.data() + (is_negative || power.starts_with('+') ? 1 : 0);
    if (std::from_chars(begin, power.data() + power.size(), exponent).ec != std::errc())
      return is_negative;  // it has more digits than any text
    if (is_negative) exponent = -exponent;
  }
  const int64_t point = static_cast<int64_t>(std::min(digits.find('.'), digits.size()));
  const int64_t first = static_cast<int64_t>(digits.find_first_of("123456789"));
  // The number of digits from the first one to the point; less than 0 for zeros behind the point.
  const int64_t n_whole = first < point ? point - first : point + 1 - first;
  return n_whole + exponent <= 0;
}

/// Reads a number whose nearest float is finite. Returns what was expected where the value is none,
/// or else nullptr. FLT_MAX is printed as 3.4028235e38, which is above it and nearest to it.
const char* ReadFloat(const Value& value, double* number) {
  constexpr double kRoundsToInfinity = 0x1.ffffffp127;
  if (!ReadNumber(value, number)) return "a finite number";
  if (std::abs(*number) < kRoundsToInfinity) return nullptr;
  return "a finite number of at most 3.4028235e38 in magnitude";
}

}  // namespace

std::string Wrong(const char* kind, const std::string& name, size_t column, const Value& value,
                  const char* expected) {
  std::ostringstream out;
  out << kind << " \"" << name << "\" (column #" << column << "): ";
  switch (value.kind()) {
    case Value::Kind::kNumber:
      out << value.number();
      break;
    case Value::Kind::kList: {
      size_t n = 0;
      ListTexts texts(value);
      for (std::string_view text; texts.Next(&text);) ++n;
      out << "a list of " << n << " values";
      break;
    }
    case Value::Kind::kMissing:
    case Value::Kind::kText:
      out << '"' << Shown(value.text()) << '"';
      break;
  }
  out << ", expected " << expected;
  return out.str();
}

bool ParseNumber(std::string_view text, double* number) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  if (stop != end) return false;
  if (error == std::errc::result_out_of_range && IsBelowOne(text)) {
    *number = 0;
    return true;
  }
  if (std::abs(*number) < std::numeric_limits<double>::min()) *number = 0;
  return error == std::errc() && std::isfinite(*number);
}

bool ReadNumber(const Value& value, double* number) {
  if (value.kind() == Value::Kind::kText) return ParseNumber(value.text(), number);
  if (value.kind() != Value::Kind::kNumber) return false;
  *number = value.number();
  return std::isfinite(*number);
}

ExampleParser::ExampleParser(const Job& job, const Schema& schema, LabelDomains domains,
                             Observer observer)
    : observer_(std::move(observer)),
      n_columns_(static_cast<size_t>(schema.n_columns)),
      missing_(job.data().text()),
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
      std::optional<double> number = 0;
      if (!label.has_equals() || !ParseNumber(label.equals(), &*number)) number.reset();
      return RuleColumn{static_cast<size_t>(column), label.rule_case(),
                        label.has_equals() ? label.equals() : label.prefix(), number,
                        label.at_least()};
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

Examples ExampleParser::NewExamples() const {
  return Examples(static_cast<int>(fields_.size()), static_cast<int>(numerics_.size()),
                  static_cast<int>(tasks_.size()));
}

std::string ExampleParser::Parse(std::span<const Value> values, Examples* examples) const {
  const size_t n_keys = examples->keys.size();
  const size_t n_begins = examples->key_begin.size();
  const size_t n_numbers = examples->numerics.size();
  const size_t n_labels = examples->labels.size();
  const size_t n_weights = examples->weights.size();
  std::string wrong = ParseInto(values, examples);
  if (wrong.empty()) {
    ++examples->n;
    return wrong;
  }
  examples->keys.resize(n_keys);
  examples->key_begin.resize(n_begins);
  examples->numerics.resize(n_numbers);
  examples->labels.resize(n_labels);
  examples->weights.resize(n_weights);
  return wrong;
}

std::string ExampleParser::ParseInto(std::span<const Value> values, Examples* examples) const {
  if (values.size() != n_columns_) {
    return std::to_string(values.size()) + (values.size() == 1 ? " column" : " columns") +
           ", expected " + std::to_string(n_columns_);
  }
  for (const CategoryColumn& field : fields_) {
    if (std::string wrong = ParseCategories(field, values[field.column], &examples->keys);
        !wrong.empty())
      return wrong;
    examples->key_begin.push_back(static_cast<uint32_t>(examples->keys.size()));
  }
  for (const NumberColumn& numeric : numerics_) {
    double& to = examples->numerics.emplace_back(kMissing);
    if (std::string wrong = ParseNumeric(numeric, values[numeric.column], &to); !wrong.empty())
      return wrong;
  }
  for (const TaskColumns& task : tasks_) {
    double& to = examples->labels.emplace_back(kMissing);
    if (std::string wrong = ParseLabel(task, values, &to); !wrong.empty()) return wrong;
    if (!has_weights_) continue;
    double& weight = examples->weights.emplace_back(1.0);
    if (!task.weight) continue;
    if (std::string wrong = ParseWeight(task, values[*task.weight], &weight); !wrong.empty())
      return wrong;
  }
  return "";
}

std::string ExampleParser::ParseCategories(const CategoryColumn& field, const Value& value,
                                           std::vector<Key>* keys) const {
  if (missing_.Has(value)) return "";
  if (!field.bucket.empty()) return ParseBucket(field, value, keys);
  switch (value.kind()) {
    case Value::Kind::kList:
      return ParseList(field, value, keys);
    case Value::Kind::kNumber:
      return Wrong("field", field.name, field.column, value, "a text");
    case Value::Kind::kMissing:
    case Value::Kind::kText:
      break;
  }
  if (!field.separator.empty()) return ParseSeparated(field, value.text(), keys);
  AppendKey(field, value.text(), keys);
  return "";
}

std::string ExampleParser::ParseSeparated(const CategoryColumn& field, std::string_view text,
                                          std::vector<Key>* keys) const {
  const size_t n_before = keys->size();
  bool more = true;
  while (more) {
    const size_t n = text.find(field.separator);
    more = n != std::string_view::npos;
    std::string_view value = more ? text.substr(0, n) : text;
    if (more) text.remove_prefix(n + field.separator.size());
    if (trim_) value = TrimSpaces(value);
    if (missing_.Has(value)) continue;
    if (keys->size() - n_before == kMaxValues)
      return Wrong("field", field.name, field.column, text, "at most 1000 values in a row");
    AppendKey(field, value, keys);
  }
  return "";
}

std::string ExampleParser::ParseList(const CategoryColumn& field, const Value& list,
                                     std::vector<Key>* keys) const {
  const size_t n_before = keys->size();
  ListTexts texts(list);
  for (std::string_view value; texts.Next(&value);) {
    if (trim_) value = TrimSpaces(value);
    if (missing_.Has(value)) continue;
    if (keys->size() - n_before == kMaxValues)
      return Wrong("field", field.name, field.column, list, "at most 1000 values in a row");
    AppendKey(field, value, keys);
  }
  return "";
}

std::string ExampleParser::ParseBucket(const CategoryColumn& field, const Value& value,
                                       std::vector<Key>* keys) const {
  double number = 0;
  if (!ReadNumber(value, &number))
    return Wrong("field", field.name, field.column, value, "a number for its buckets");
  const auto above = std::upper_bound(field.bucket.begin(), field.bucket.end(), number);
  char index[std::numeric_limits<int64_t>::digits10 + 2];
  const auto [end, error] =
      std::to_chars(index, index + sizeof(index), above - field.bucket.begin());
  AppendKey(field, std::string_view(index, static_cast<size_t>(end - index)), keys);
  return "";
}

void ExampleParser::AppendKey(const CategoryColumn& field, std::string_view value,
                              std::vector<Key>* keys) const {
  keys->push_back(field.hasher(value));
  if (observer_) observer_(field.field, value, keys->back());
}

std::string ExampleParser::ParseNumeric(const NumberColumn& numeric, const Value& value,
                                        double* to) const {
  if (missing_.Has(value)) return "";
  double number = 0;
  if (const char* expected = ReadFloat(value, &number); expected != nullptr)
    return Wrong("numeric", numeric.name, numeric.column, value, expected);
  *to = numeric.log1p ? std::copysign(std::log1p(std::abs(number)), number) : number;
  return "";
}

bool ExampleParser::IsEqual(const RuleColumn& rule, const Value& value) {
  // Doubles hold whole numbers exactly below this one; larger ones, such as ids, are equal as text.
  constexpr double kExactBelow = 0x1p53;
  if (value.text() == rule.pattern) return true;
  double number = 0;
  return rule.number && std::abs(*rule.number) < kExactBelow && ReadNumber(value, &number) &&
         number == *rule.number;
}

std::string ExampleParser::ApplyRule(const char* kind, const TaskColumns& task,
                                     const RuleColumn& rule, const Value& value, double* to) const {
  switch (rule.rule) {
    case Label::kEquals:
      *to = IsEqual(rule, value) ? 1 : 0;
      return "";
    case Label::kPrefix:
      *to = value.text().starts_with(rule.pattern) ? 1 : 0;
      return "";
    case Label::kNumber:
    case Label::kAtLeast:
    case Label::RULE_NOT_SET:
      break;
  }
  double number = 0;
  if (const char* expected = ReadFloat(value, &number); expected != nullptr)
    return Wrong(kind, task.name, rule.column, value, expected);
  if (rule.rule == Label::kAtLeast) number = number >= rule.at_least ? 1 : 0;
  *to = number;
  return "";
}

std::string ExampleParser::ParseLabel(const TaskColumns& task, std::span<const Value> values,
                                      double* to) const {
  if (!task.label) return "";
  if (task.sample_space) {
    const Value& value = values[task.sample_space->column];
    double is_part = 0;
    if (missing_.Has(value)) return "";
    if (std::string wrong =
            ApplyRule("sample space of task", task, *task.sample_space, value, &is_part);
        !wrong.empty()) {
      return wrong;
    }
    if (is_part != 1) return "";
  }
  const Value& value = values[task.label->column];
  if (missing_.Has(value)) return "";
  double label = 0;
  if (std::string wrong = ApplyRule("label of task", task, *task.label, value, &label);
      !wrong.empty())
    return wrong;
  if (!task.domain.accepts(label))
    return Wrong("label of task", task.name, task.label->column, value, task.domain.description);
  *to = label;
  return "";
}

std::string ExampleParser::ParseWeight(const TaskColumns& task, const Value& value,
                                       double* to) const {
  if (missing_.Has(value)) return "";
  double number = 0;
  const char* expected = ReadFloat(value, &number);
  if (!ReadNumber(value, &number) || number < 0) expected = "a finite number of 0 or more";
  if (expected != nullptr) return Wrong("weight of task", task.name, *task.weight, value, expected);
  // Gradients have weights as float32: what it rounds to 0 trains nothing, and counts nowhere.
  *to = static_cast<float>(number) == 0 ? 0 : number;
  return "";
}

}  // namespace zhiyin::worker::data
