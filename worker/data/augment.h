// Random changes of training examples: Field.augment and Task.negative_share of job.proto.
#pragma once

#include <cstdint>
#include <vector>

#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/data/examples.h"

namespace zhiyin::worker::data {

/// Augments examples. Used by one thread, because of its workspaces.
class Augmenter {
 public:
  explicit Augmenter(const Job& job);

  /// Whether the job asks for any change.
  bool IsActive() const { return is_active_; }
  /// Appends example i of `from`, changed, to *to, which keeps the keys that it has in the data as
  /// well. A function of the example and `random`. A negative that Task.negative_share has kept
  /// weighs 1 / negative_share times as much, since it stands for those that were left out: *to has
  /// weights where the job samples negatives. REQUIRES: all examples of *to were appended by this.
  void Append(const Examples& from, int64_t i, Random random, Examples* to);

 private:
  struct FieldRules {
    double dropout = 0;
    double crop = 0;
    double reorder = 0;
    double mask = 0;
  };
  void Change(const FieldRules& rules, Random* random);
  /// Samples the negatives of the last example, task by task.
  void SampleNegatives(Random* random, Examples* to) const;
  /// Copies the keys of the last example, which are in row_, to the data's keys of *to.
  void KeepDataKeys(Examples* to) const;

  bool is_active_ = false;
  bool samples_ = false;  // whether some negative_share is below 1
  bool changes_keys_ = false;
  std::vector<FieldRules> fields_;
  std::vector<double> negative_share_;  // [tasks]
  std::vector<Key> row_;                // keys of the example in hand
  std::vector<Key> values_;             // keys of the field in hand
};

}  // namespace zhiyin::worker::data
