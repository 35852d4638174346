// Applies data.behaviour to the examples of a split: adds two columns, divides events into the
// splits, and adds negative examples.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/behaviour.h"
#include "worker/data/missing_values.h"
#include "worker/data/schema.h"
#include "worker/data/split_kind.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Applies data.behaviour to a split that is read line by line. A `line` is the number of a line,
/// counted from 0 over all files of the split (TextLines). Used by one thread.
class BehaviourExamples {
 public:
  /// `columns` are those of the split's files, `behaviour` that of the job. Throws Error if the
  /// files have no column of users or of items or, in the files of data.train, of times. REQUIRES:
  /// the job has data.behaviour.
  BehaviourExamples(const Job& job, SplitKind split, const Columns& columns,
                    std::shared_ptr<const Behaviour> behaviour);

  /// The behaviour, where the split reads the files of data.train; null elsewhere.
  const Behaviour* of_these_files() const {
    return is_of_training_files_ ? behaviour_.get() : nullptr;
  }

  /// Returns whether a line is in the split. Of a split that reads the files of data.train, only
  /// the lines that Behaviour::split assigns to it are; of SplitKind::kTestFiles, and of a split
  /// with other files, all lines are. Throws Error, naming `path`, the file of the line, if the
  /// files have grown since the events were read.
  bool IsInSplit(int64_t line, const std::string& path) const;
  /// Returns what is wrong with the time, or with the value of data.behaviour.event, among the
  /// values of a line; "" if nothing is, or if the split does not read the files of data.train.
  /// Missing values are valid: the line is then no event.
  std::string Defect(int64_t line, std::span<const Value> values) const;
  /// Appends the values of the columns kBehaviourColumns to the values of a line. They are valid
  /// until the next call.
  void AppendColumns(int64_t line, std::vector<Value>* values);

  /// Draws up to data.behaviour.negatives.per_event items for a line and calls `make` with the name
  /// of each; draws none unless the job has negatives, the split is data.train and the line is a
  /// training event. The items are a pure function of the events, data.behaviour.seed and the line.
  void ForNegatives(int64_t line, const std::function<void(std::string_view item)>& make) const;
  /// The position of the item among the columns of the files.
  size_t item_column() const { return item_column_; }
  /// Sets the labels [n_tasks] of a negative example: 0 for the tasks of
  /// data.behaviour.negatives.task, kMissing for the others.
  void SetNegativeLabels(std::span<double> labels) const;

 private:
  std::shared_ptr<const Behaviour> behaviour_;
  zhiyin::Behaviour config_;
  MissingValues missing_;
  std::vector<bool> is_negative_;      // [n_tasks]: the label is 0 in a negative example
  bool is_of_training_files_ = false;  // whether the split reads the files of data.train
  SplitKind split_;
  size_t user_column_ = 0;
  size_t item_column_ = 0;
  size_t time_column_ = 0;   // where it reads the files of data.train
  size_t event_column_ = 0;  // where it does, and the job names one
  // The values that AppendColumns has appended last.
  std::string history_;
  std::string log_share_;
};

}  // namespace zhiyin::worker::data
