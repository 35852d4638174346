#include "worker/data/survey/column_survey.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "common/utf8.h"

namespace zhiyin::worker::data {
namespace {

/// The longest text of a value that is kept.
constexpr size_t kMaxTextBytes = 60;

uint64_t Chained(uint64_t hash, uint64_t next) {
  return Mix(hash ^ (next + 0x9e3779b97f4a7c15ull));
}

}  // namespace

void LabelSum::Add(double label) {
  n += 1;
  sum += label;
  squares += label * label;
}

void LabelSum::Add(const LabelSum& other) {
  n += other.n;
  sum += other.sum;
  squares += other.squares;
}

double NumberOfValue(uint64_t value) {
  return std::bit_cast<double>(value);
}

ColumnSurvey::ColumnSurvey(std::string name_, std::string column_, bool is_numeric_, int n_tasks,
                           size_t n_kept_max)
    : name(std::move(name_)),
      column(std::move(column_)),
      is_numeric(is_numeric_),
      values(n_kept_max),
      n_tasks_(static_cast<size_t>(n_tasks)) {
  missing.labels.resize(2 * n_tasks_);
}

void ColumnSurvey::AddCategory(const ExampleView& example, uint64_t key, std::string_view text) {
  Add(example, key, text);
}

void ColumnSurvey::AddNumber(const ExampleView& example, double number) {
  ColumnSplit& split = splits.of(example.split);
  if (split.n_values == 0) split.least = split.most = number;
  split.least = std::min(split.least, number);
  split.most = std::max(split.most, number);
  split.numbers.Add(number);
  Add(example, std::bit_cast<uint64_t>(number == 0 ? 0.0 : number), {});
}

void ColumnSurvey::Add(const ExampleView& example, uint64_t value, std::string_view text) {
  ++splits.of(example.split).n_values;
  ++n_here_;
  values_here_ = Chained(values_here_, value);
  ValueTally* const tally = values.Add(value);
  if (tally == nullptr) return;
  if (tally->code < 0) {
    tally->code = n_codes_++;
    tally->text = Utf8Beginning(text, kMaxTextBytes);
    tally->labels.resize(2 * n_tasks_);
  }
  codes_here_ = Chained(codes_here_, static_cast<uint64_t>(tally->code));
  Count(example, tally);
}

void ColumnSurvey::Count(const ExampleView& example, ValueTally* tally) {
  ++tally->n.of(example.split);
  if (example.split != SplitKind::kTrain) return;
  for (size_t t = 0; t < n_tasks_; ++t) {
    if (!std::isnan(example.labels[t]))
      tally->labels[example.half() * n_tasks_ + t].Add(example.labels[t]);
  }
}

void ColumnSurvey::EndExample(const ExampleView& example) {
  ColumnSplit& split = splits.of(example.split);
  ++split.n_examples;
  if (n_here_ == 0) {
    ++split.n_missing;
    Count(example, &missing);
  }
  has_several_ = has_several_ || n_here_ > 1;
  last_example_ = Chained(values_here_, static_cast<uint64_t>(n_here_));
  if (example.split == SplitKind::kTrain) {
    const uint64_t number = Mix(static_cast<uint64_t>(example.number));
    values_digest_ += Chained(number, last_example_);
    codes_digest_ += Chained(number, Chained(codes_here_, static_cast<uint64_t>(n_here_)));
  }
  n_here_ = 0;
  values_here_ = 0;
  codes_here_ = 0;
}

bool ColumnSurvey::IsConstant() const {
  const ColumnSplit& split = splits.train;
  if (split.n_missing == split.n_examples) return true;
  if (split.n_missing > 0 || has_several_ || !values.is_exact()) return false;
  return std::count_if(values.kept().begin(), values.kept().end(),
                       [](const auto& entry) { return entry.second.n.train > 0; }) == 1;
}

std::vector<uint64_t> ColumnSurvey::Digests() const {
  std::vector<uint64_t> digests = {Chained(is_numeric ? 1 : 2, values_digest_)};
  if (values.is_exact()) digests.push_back(Chained(is_numeric ? 3 : 4, codes_digest_));
  return digests;
}

}  // namespace zhiyin::worker::data
