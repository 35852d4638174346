// Random changes of training rows: Field.augment and Task.negative_share of job.proto.
#pragma once

#include <cstdint>
#include <vector>

#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/data/rows.h"

namespace zhiyin::worker::data {

/// Immutable but for workspaces; one thread.
class Augmenter {
 public:
  explicit Augmenter(const Job& job);

  /// Whether anything is ever changed.
  bool IsActive() const { return is_active_; }
  /// Appends row i of `from`, changed, to *to: a function of the row and the random state.
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
  std::vector<Key> row_;                // of the row in hand
  std::vector<Key> values_;             // of the field in hand
};

}  // namespace zhiyin::worker::data
