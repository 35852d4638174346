#include "worker/data/check_inputs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/text.h"
#include "worker/data/missing_values.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::data {
namespace {

/// Checks what a field does with the values of its column.
void CheckValues(const config::Checker& check, const config::ConfigPath& path, const Field& field) {
  constexpr int kMaxSequenceLength = 1000;
  check.CheckRange(path("sequence_length"), field.sequence_length(), 0, kMaxSequenceLength);
  if (field.sequence_length() > 0 && field.separator().empty()) {
    check.Fail(path("sequence_length"),
               "is given without a separator: a row would have one value, expected separator");
  }
  if (field.bucket_size() > 0 && !field.separator().empty())
    check.Fail(path("separator"), "cannot be combined with bucket");
  check.CheckShare(path("augment")("dropout"), field.augment().dropout());
  check.CheckShare(path("augment")("crop"), field.augment().crop());
  check.CheckShare(path("augment")("reorder"), field.augment().reorder());
  check.CheckShare(path("augment")("mask"), field.augment().mask());
  for (int b = 0; b < field.bucket_size(); ++b) {
    if (!std::isfinite(field.bucket(b)) || (b > 0 && field.bucket(b) <= field.bucket(b - 1))) {
      check.Fail(path("bucket", b), "is ", field.bucket(b),
                 ", expected strictly ascending boundaries");
    }
  }
}

/// Checks the mean and the standard deviation that a numeric gives.
void CheckGivenStatistics(const config::Checker& check, const config::ConfigPath& path,
                          const Numeric& numeric) {
  if (!numeric.has_mean() && !numeric.has_stddev()) return;
  const config::ConfigPath given = path(numeric.has_mean() ? "mean" : "stddev");
  if (!numeric.has_mean() || !numeric.has_stddev())
    check.Fail(given, "is given alone, expected mean and stddev");
  if (!numeric.standardise())
    check.Fail(given,
               "is given for a numeric that is not standardised, expected standardise: true");
  if (!std::isfinite(numeric.mean()))
    check.Fail(path("mean"), "is ", numeric.mean(), ", expected a finite number");
  check.CheckRange(path("stddev"), numeric.stddev(), kLeastStddev, 1 / kLeastStddev);
}

/// Checks that the table of a field is one of `tables`.
void CheckTableOf(const config::Checker& check, const config::ConfigPath& path, const Field& field,
                  const std::vector<std::string>& tables) {
  if (field.table().empty()) {
    check.Fail(path, tables.empty() ? "has no table, and the job defines none"
                                    : "has no table, and the job has more than one");
  }
  if (std::find(tables.begin(), tables.end(), field.table()) == tables.end())
    check.FailUnknown(path("table"), "table", field.table(), tables);
}

}  // namespace

void FillInputs(Job* job) {
  for (Field& field : *job->mutable_field()) {
    if (field.column().empty()) field.set_column(field.name());
    if (field.vocabulary().empty()) field.set_vocabulary(field.name());
    if (field.table().empty() && job->table_size() == 1) field.set_table(job->table(0).name());
  }
  for (Numeric& numeric : *job->mutable_numeric()) {
    if (numeric.column().empty()) numeric.set_column(numeric.name());
    if (!numeric.has_standardise()) numeric.set_standardise(true);
  }
}

void CheckInputs(const config::Checker& check, const Job& job, const KnownColumns& columns) {
  check.CheckCount(check.root(), "field", job.field_size(), kMaxInputs);
  check.CheckCount(check.root(), "numeric", job.numeric_size(), kMaxInputs);
  if (job.field_size() + job.numeric_size() == 0)
    check.Fail(check.root(), "the job has no inputs, expected a field or a numeric");
  std::vector<std::string> tables;
  for (const Table& table : job.table()) tables.push_back(table.name());
  std::set<std::string> names;
  std::map<std::string, std::string> table_of_vocabulary;
  for (int i = 0; i < job.field_size(); ++i) {
    const Field& field = job.field(i);
    const config::ConfigPath path = check.root()("field", i);
    check.CheckName(path, field.name(), &names);
    CheckTableOf(check, path, field, tables);
    CheckColumn(check, path("column"), field.column(), columns);
    const auto [shared, is_new] = table_of_vocabulary.emplace(field.vocabulary(), field.table());
    if (!is_new && shared->second != field.table()) {
      check.Fail(path, "shares the vocabulary \"", field.vocabulary(), "\" with a field of table ",
                 shared->second, ": expected the same table");
    }
    CheckValues(check, path, field);
  }
  for (int i = 0; i < job.numeric_size(); ++i) {
    const config::ConfigPath path = check.root()("numeric", i);
    check.CheckName(path, job.numeric(i).name(), &names);
    CheckColumn(check, path("column"), job.numeric(i).column(), columns);
    CheckGivenStatistics(check, path, job.numeric(i));
  }
}

void CheckLabel(const config::Checker& check, const config::ConfigPath& path, const Label& label,
                const Data& data, const KnownColumns& columns) {
  CheckColumn(check, path("column"), label.column(), columns);
  if (label.rule_case() == Label::RULE_NOT_SET)
    check.Fail(path, "has no rule, expected equals, prefix, number or at_least");
  if (label.has_prefix() && label.prefix().empty())
    check.Fail(path("prefix"), "is empty, expected a text: every value begins with the empty one");
  if (label.has_at_least() && !std::isfinite(label.at_least()))
    check.Fail(path("at_least"), "is no finite number");
  const bool is_trimmed = data.text().trim() && !data.text().escapes();
  if (is_trimmed && label.prefix().starts_with(' '))
    check.Fail(path("prefix"), "begins with a space, which data.text.trim takes off every value");
  if (!label.has_equals()) return;
  if (MissingValues(data.text()).Has(std::string_view(label.equals()))) {
    check.Fail(path("equals"), "is \"", label.equals(),
               "\", which means a missing value and so no label, ", "expected another text");
  }
  if (is_trimmed && (label.equals().starts_with(' ') || label.equals().ends_with(' ')))
    check.Fail(path("equals"),
               "begins or ends with a space, which data.text.trim takes off every value");
}

}  // namespace zhiyin::worker::data
