// From the columns of a line to a row: which column feeds what, and how.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "common/hash.h"
#include "configs/job.pb.h"
#include "worker/data/rows.h"
#include "worker/loss/loss.h"

namespace zhiyin::worker {

/// One thread; allocates nothing once warm, apart from the rows that grow.
class RowParser {
 public:
  /// Values of one cell, at most; more are malformed.
  static constexpr int kMaxValues = 1000;

  /// `columns` are the names by position, empty when columns have none; `where` stands before messages: a
  /// file or "data.generated_ratings". Throws Error for a column that does not exist.
  RowParser(const Job& job, const std::vector<std::string>& columns, const std::string& where);

  Rows EmptyRows() const {
    return Rows(static_cast<int>(fields_.size()), static_cast<int>(numerics_.size()),
                static_cast<int>(labels_.size()));
  }
  /// Columns that a line needs for all inputs and labels.
  size_t n_needed() const { return n_needed_; }

  /// Appends a row. What is wrong with the line, if anything: then nothing was appended. REQUIRES:
  /// columns.size() >= n_needed().
  std::optional<std::string> Parse(std::span<const std::string_view> columns, Rows* rows) const;

 private:
  struct FieldPlan {
    std::string name;
    size_t column;
    std::string separator;
    std::vector<double> boundaries;
    std::vector<Key> bucket_keys;
    CategoryHasher hasher;
  };
  struct NumericPlan {
    std::string name;
    size_t column;
    bool log1p;
  };
  struct LabelPlan {
    std::string name;
    size_t column;
    Label rule;
    std::unique_ptr<Loss> loss;
  };

  bool IsMissing(std::string_view value) const;
  std::optional<std::string> AddField(const FieldPlan& field, std::string_view value, Rows* rows) const;
  std::optional<std::string> AddLabel(const LabelPlan& label, std::string_view value, Rows* rows) const;

  std::vector<FieldPlan> fields_;
  std::vector<NumericPlan> numerics_;
  std::vector<LabelPlan> labels_;
  std::vector<std::string> missing_;
  size_t n_needed_ = 0;
};

}  // namespace zhiyin::worker
