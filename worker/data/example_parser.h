// Parses the values of a record into an example: keys, numbers, labels, weights.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/hash.h"
#include "common/types.h"
#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/data/label_domain.h"
#include "worker/data/missing_values.h"
#include "worker/data/schema.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Parses all of `text` as a finite decimal number, which may begin with a plus. A number too small
/// for a normal double, 2.2e-308, is 0, since arithmetic takes it for 0 (common/denormals.h).
/// Returns false for anything else: NaN, infinity, a number too large.
bool ParseNumber(std::string_view text, double* number);
/// Reads a finite number from a value that is one, or is the text of one (ParseNumber). Returns
/// false for anything else.
bool ReadNumber(const Value& value, double* number);

/// Returns what is wrong with a value: time "when" (column #3): "abc", expected a number
std::string Wrong(const char* kind, const std::string& name, size_t column, const Value& value,
                  const char* expected);

/// Applies the rules of job.proto for fields, numerics, labels and weights. Immutable; keeps no
/// reference to the job. Any number of threads, if the observer allows it.
class ExampleParser {
 public:
  /// The largest number of values in one column of one example.
  static constexpr int kMaxValues = 1000;

  /// Receives each category: the position of the field in the job, the value that is hashed (for a
  /// field with buckets, the number of the bucket), and the key.
  using Observer = std::function<void(int field, std::string_view value, Key key)>;

  /// REQUIRES: a domain for each task, or none where the schema has no labels.
  ExampleParser(const Job& job, const Schema& schema, LabelDomains domains, Observer observer = {});

  /// Returns no examples, in the shape of the job.
  Examples NewExamples() const;

  /// Appends the example that `values` make to *examples and returns an empty string; or leaves
  /// *examples unchanged and returns what is wrong and what is expected. A list is as many
  /// categories, and nothing that a number could be read from.
  std::string Parse(std::span<const Value> values, Examples* examples) const;

 private:
  struct CategoryColumn {
    int field;
    size_t column;
    std::string name;
    CategoryHasher hasher;
    std::string separator;
    std::vector<double> bucket;
  };
  struct NumberColumn {
    size_t column;
    std::string name;
    bool log1p;
  };
  /// A column that a rule of job.proto turns into a number.
  struct RuleColumn {
    size_t column;
    Label::RuleCase rule;
    std::string pattern;
    std::optional<double> number;  // of the pattern of equals, if it is a number
    double at_least = 0;
  };
  struct TaskColumns {
    std::string name;
    std::optional<RuleColumn> label;  // none if labels are not read
    LabelDomain domain;
    std::optional<RuleColumn> sample_space;
    std::optional<size_t> weight;
  };

  std::string ParseCategories(const CategoryColumn& field, const Value& value,
                              std::vector<Key>* keys) const;
  /// Parses the categories of a text that separators cut, or of a list.
  std::string ParseSeparated(const CategoryColumn& field, std::string_view text,
                             std::vector<Key>* keys) const;
  std::string ParseList(const CategoryColumn& field, const Value& list,
                        std::vector<Key>* keys) const;
  /// Appends the key of the interval of a number.
  std::string ParseBucket(const CategoryColumn& field, const Value& value,
                          std::vector<Key>* keys) const;
  void AppendKey(const CategoryColumn& field, std::string_view value, std::vector<Key>* keys) const;
  std::string ParseNumeric(const NumberColumn& numeric, const Value& value, double* to) const;
  std::string ParseLabel(const TaskColumns& task, std::span<const Value> values, double* to) const;
  std::string ParseWeight(const TaskColumns& task, const Value& value, double* to) const;
  /// Applies the rule of a column to a value. Returns what is wrong where a number is expected.
  /// REQUIRES: the value is not missing.
  std::string ApplyRule(const char* kind, const TaskColumns& task, const RuleColumn& rule,
                        const Value& value, double* to) const;
  /// Whether a value is what the rule of equals says.
  static bool IsEqual(const RuleColumn& rule, const Value& value);
  std::string ParseInto(std::span<const Value> values, Examples* examples) const;

  Observer observer_;
  size_t n_columns_;
  std::vector<CategoryColumn> fields_;
  std::vector<NumberColumn> numerics_;
  std::vector<TaskColumns> tasks_;
  bool has_weights_ = false;
  MissingValues missing_;
  bool trim_;
};

}  // namespace zhiyin::worker::data
