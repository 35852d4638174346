// Random changes of training examples: Field.augment and Task.negative_share of job.proto.
#pragma once

#include <cstdint>
#include <vector>

#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/data/rows.h"

namespace zhiyin::worker::data {

/// Augments examples. Used by one thread, because of its workspaces.
class Augmenter {
 public:
  explicit Augmenter(const Job& job);

  /// Whether the job asks for any change.
  bool IsActive() const { return is_active_; }
  /// Appends example i of `from`, changed, to *to. A function of the example and `random`.
  void Append(const Rows& from, int64_t i, Random random, Rows* to);

 private:
  struct FieldRules {
    double dropout = 0;
    double crop = 0;
    double reorder = 0;
    double mask = 0;
  };
  void Change(const FieldRules& rules, Random* random);

  bool is_active_ = false;
  std::vector<FieldRules> fields_;
  std::vector<double> negative_share_;  // [tasks]
  std::vector<Key> row_;                // keys of the example in hand
  std::vector<Key> values_;             // keys of the field in hand
};

}  // namespace zhiyin::worker::data
