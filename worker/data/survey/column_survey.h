// What a pass over the data finds about one input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/source.h"
#include "worker/data/statistics.h"
#include "worker/data/survey/distinct_sample.h"

namespace zhiyin::worker::data {

/// Something of each split.
template <typename T>
struct BySplit {
  T train{};
  T validation{};
  T test{};

  T& of(SplitKind split) { return this->*Member(split); }
  const T& of(SplitKind split) const { return this->*Member(split); }

 private:
  static T BySplit::*Member(SplitKind split) {
    return split == SplitKind::kTrain        ? &BySplit::train
           : split == SplitKind::kValidation ? &BySplit::validation
                                             : &BySplit::test;
  }
};

/// The labels of a task, added up.
struct LabelSum {
  double n = 0;
  double sum = 0;
  double squares = 0;

  void Add(double label);
  void Add(const LabelSum& other);
  double Mean() const { return n > 0 ? sum / n : 0; }
};

/// The occurrences of one value of a column.
struct ValueTally {
  BySplit<int64_t> n;
  /// [2, n_tasks]: the labels of its training examples, by half of the split, then by task.
  std::vector<LabelSum> labels;
  /// The number of the value in the order of first occurrences.
  int64_t code = -1;
  std::string text;  // of a field's value, its first 60 bytes at most

  /// REQUIRES: the tally has labels.
  const LabelSum& LabelsOf(size_t half, size_t task) const {
    return labels[half * labels.size() / 2 + task];
  }
};

/// An example as columns see it. Borrows the labels.
struct ExampleView {
  SplitKind split = SplitKind::kTrain;
  int64_t number = 0;              // in its split
  std::span<const double> labels;  // [n_tasks], kMissing where there is none

  /// The half of its split, 0 or 1, drawn by its number.
  size_t half() const { return Mix(static_cast<uint64_t>(number) + 1) & 1; }
};

/// What is known of a column in one split.
struct ColumnSplit {
  int64_t n_examples = 0;
  int64_t n_missing = 0;  // examples without a value
  int64_t n_values = 0;   // occurrences of values: more than examples where one has several
  Moments numbers;        // of a numeric
  double least = 0;       // of a numeric with values
  double most = 0;
};

/// A field or a numeric. Values of a field are its keys; those of a numeric are the bits of the
/// number. Used by one thread while it is filled.
struct ColumnSurvey {
  ColumnSurvey(std::string name, std::string column, bool is_numeric, int n_tasks,
               size_t n_kept_max);

  /// Adds a value of the example; `text` is what stands in the data, for a field.
  void AddCategory(const ExampleView& example, uint64_t key, std::string_view text);
  void AddNumber(const ExampleView& example, double number);
  /// Ends the example, which had the values that were added since the last call.
  void EndExample(const ExampleView& example);

  /// The hash of the values of the example that was ended last.
  uint64_t last_example() const { return last_example_; }
  bool HasSeveralValues() const { return has_several_; }
  /// Whether all examples of training have one value, or all have none.
  bool IsConstant() const;
  /// Hashes of what the column says of each training example, of its values and, where all distinct
  /// values are kept, of their codes. Columns that share one say the same, in equal values or in
  /// values of which each stands for one of the other column; also where both are constant.
  std::vector<uint64_t> Digests() const;

  std::string name;
  std::string column;
  bool is_numeric = false;
  BySplit<ColumnSplit> splits;
  DistinctSample<ValueTally> values;
  ValueTally missing;

 private:
  void Add(const ExampleView& example, uint64_t value, std::string_view text);
  void Count(const ExampleView& example, ValueTally* tally);

  size_t n_tasks_;
  int64_t n_codes_ = 0;
  bool has_several_ = false;
  // What the example in hand has: the number of its values, and hashes of them and of their codes.
  int64_t n_here_ = 0;
  uint64_t values_here_ = 0;
  uint64_t codes_here_ = 0;
  uint64_t last_example_ = 0;
  // Sums over the training examples of hashes of (number, values) and (number, codes).
  uint64_t values_digest_ = 0;
  uint64_t codes_digest_ = 0;
};

/// The number that a numeric's value in DistinctSample stands for.
double NumberOfValue(uint64_t value);

}  // namespace zhiyin::worker::data
