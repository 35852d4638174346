// From a line's values to a row: keys, numbers, labels.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/hash.h"
#include "configs/job.pb.h"
#include "worker/data/rows.h"
#include "worker/data/schema.h"

namespace zhiyin::worker {

/// A number in decimal, all of `text`; a leading plus is allowed. False for anything else: NaN, infinity, out
/// of range.
bool ParseNumber(std::string_view text, double* number);

/// What job.proto says of fields, numerics and labels, done. Immutable; keeps what it needs of the job.
class RowParser {
 public:
  /// Most values that one column of one row may hold.
  static constexpr int kMaxValues = 1000;

  RowParser(const Job& job, const Schema& schema);

  /// An empty Rows of the job's shape.
  Rows NewRows() const;

  /// Appends the row of `values` to *rows. Otherwise leaves *rows as it was and returns what is wrong, what
  /// is expected; empty when nothing is wrong.
  std::string Parse(std::span<const std::string_view> values, Rows* rows) const;

 private:
  struct CategoryColumn {
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
  struct LabelColumn {
    size_t column;
    std::string name;
    Label::RuleCase rule;
    std::string pattern;
    bool is_probability;
  };

  bool IsMissing(std::string_view value) const;
  std::string ParseCategories(const CategoryColumn& field, std::string_view cell,
                              std::vector<Key>* keys) const;
  /// REQUIRES: the value is not missing.
  std::string ParseCategory(const CategoryColumn& field, std::string_view value,
                            std::vector<Key>* keys) const;
  std::string ParseNumeric(const NumberColumn& numeric, std::string_view value, float* to) const;
  std::string ParseLabel(const LabelColumn& label, std::string_view value, float* to) const;
  std::string ParseInto(std::span<const std::string_view> values, Rows* rows) const;

  size_t n_columns_;
  std::vector<CategoryColumn> fields_;
  std::vector<NumberColumn> numerics_;
  std::vector<LabelColumn> labels_;
  std::vector<std::string> missing_;
  bool trim_;
};

}  // namespace zhiyin::worker
