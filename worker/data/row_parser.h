// From a line's values to a row: keys, numbers, labels.
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
#include "worker/data/label_domain.h"
#include "worker/data/rows.h"
#include "worker/data/schema.h"

namespace zhiyin::worker::data {

/// A number in decimal, all of `text`; a leading plus is allowed. False for anything else: NaN,
/// infinity, out of range.
bool ParseNumber(std::string_view text, double* number);

/// What job.proto says of fields, numerics and labels, done. Immutable; keeps what it needs of the
/// job.
class RowParser {
 public:
  /// Most values that one column of one row may hold.
  static constexpr int kMaxValues = 1000;

  /// A category that was met: position of the field in the job, the value as it is hashed (of a
  /// bucket its number), the key.
  using Observer = std::function<void(int field, std::string_view value, Key key)>;

  /// REQUIRES: a domain for each task, or none where the schema has no labels.
  RowParser(const Job& job, const Schema& schema, LabelDomains domains, Observer observer = {});

  /// An empty Rows of the job's shape.
  Rows NewRows() const;

  /// Appends the row of `values` to *rows. Otherwise leaves *rows as it was and returns what is
  /// wrong, what is expected; empty when nothing is wrong.
  std::string Parse(std::span<const std::string_view> values, Rows* rows) const;

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
  /// A column that becomes a number by a rule.
  struct RuleColumn {
    size_t column;
    Label::RuleCase rule;
    std::string pattern;
    double at_least = 0;
  };
  struct TaskColumns {
    std::string name;
    std::optional<RuleColumn> label;  // none where nobody looks at labels
    LabelDomain domain;
    std::optional<RuleColumn> sample_space;
    std::optional<size_t> weight;
  };

  bool IsMissing(std::string_view value) const;
  std::string ParseCategories(const CategoryColumn& field, std::string_view cell,
                              std::vector<Key>* keys) const;
  /// REQUIRES: the value is not missing.
  std::string ParseCategory(const CategoryColumn& field, std::string_view value,
                            std::vector<Key>* keys) const;
  std::string ParseNumeric(const NumberColumn& numeric, std::string_view value, float* to) const;
  std::string ParseLabel(const TaskColumns& task, std::span<const std::string_view> values,
                         float* to) const;
  std::string ParseWeight(const TaskColumns& task, std::string_view value, float* to) const;
  /// A value that is not missing by the rule of its column; what is wrong where it is no number but
  /// should be.
  std::string ApplyRule(const char* kind, const TaskColumns& task, const RuleColumn& rule,
                        std::string_view value, float* to) const;
  std::string ParseInto(std::span<const std::string_view> values, Rows* rows) const;

  Observer observer_;
  size_t n_columns_;
  std::vector<CategoryColumn> fields_;
  std::vector<NumberColumn> numerics_;
  std::vector<TaskColumns> tasks_;
  bool has_weights_ = false;
  std::vector<std::string> missing_;
  bool trim_;
};

}  // namespace zhiyin::worker::data
