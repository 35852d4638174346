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

/// Applies data.behaviour to a split that is read line by line. Lines are numbered over all files
/// of the split (TextLines). Used by one thread.
class BehaviourExamples {
 public:
  /// Reads the behaviour (Behaviour::Read), which calls `tick`. `columns` are those of the files.
  /// Throws Error where there is no column of users or of items. REQUIRES: the job has
  /// data.behaviour.
  BehaviourExamples(const Job& job, SplitKind split, const Columns& columns, const Tick& tick);

  const std::shared_ptr<const Joins>& joins() const { return behaviour_->joins(); }

  /// Whether the line is in the split: the training files are divided into events that are learned
  /// from and events that are held out for the other splits; SplitKind::kTestFiles has all of them.
  /// Throws Error where the file `path` has grown.
  bool IsInSplit(int64_t line, const std::string& path) const;
  /// Returns what is wrong with the time of the line, which has these values, in the training
  /// files; "" where nothing is. A missing time is not wrong: it makes no event.
  std::string TimeDefect(int64_t line, std::span<const Value> values) const;
  /// Appends the values of kBehaviourColumns to those of a line, valid until the next call.
  void AppendColumns(int64_t line, std::vector<Value>* values);

  /// Calls `make` with the name of each negative item of the line, if it is an event that is
  /// learned from and the job has negatives. A function of the seed and the line.
  void ForNegatives(int64_t line, const std::function<void(std::string_view item)>& make) const;
  /// The position of the item among the columns of the files.
  size_t item_column() const { return item_column_; }
  /// Sets the labels [n_tasks] of a negative example: 0 for the tasks that negatives are for,
  /// missing for the others.
  void SetNegativeLabels(std::span<double> labels) const;

 private:
  std::shared_ptr<const Behaviour> behaviour_;
  zhiyin::Behaviour config_;
  MissingValues missing_;
  std::vector<bool> is_negative_;      // [n_tasks]: the label is 0 in a negative example
  bool is_of_training_files_ = false;  // lines of the split are lines of the behaviour
  SplitKind split_;
  size_t user_column_ = 0;
  size_t item_column_ = 0;
  size_t time_column_ = 0;
  std::string history_;
  std::string log_share_;
};

}  // namespace zhiyin::worker::data
