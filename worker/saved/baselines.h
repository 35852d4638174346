// Baselines of a trained model: predictions that know mean labels and nothing else.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "common/types.h"
#include "configs/job.pb.h"
#include "worker/data/examples.h"

namespace zhiyin::worker::saved {

/// The number of examples with the mean label of all that every item counts as having in addition
/// to its own: the m of Cestnik's m-estimate (ECAI 1990).
inline constexpr double kPriorExamples = 10;

/// Predictions of labels, in the units of the labels.
struct Baselines {
  /// [tasks][n]: the mean label of the example's item in training, see MeanLabels. Empty where no
  /// field is the item.
  std::vector<std::vector<float>> by_item;
  /// [tasks][n]: the mean label of all training examples, n times; 0 where none has a label.
  std::vector<std::vector<float>> constant;
};

/// Mean labels of training examples, of all and of each item. A missing label counts nowhere; the
/// others count by their weights, as in the metrics that the baselines are measured by. Sums are
/// doubles. Used by one thread at a time; borrows nothing.
class MeanLabels {
 public:
  /// The first key of `item_field` is an example's item; examples without one share an item.
  /// Without an `item_field` there are no means of items. REQUIRES: n_tasks > 0.
  MeanLabels(int n_tasks, std::optional<int> item_field);

  /// Counts training examples. REQUIRES: they have n_tasks tasks, and item_field is a field of
  /// theirs.
  void Add(const data::Examples& examples);

  /// Returns predictions for the examples of all blocks, in order. Of an item that had labels of
  /// weight n and of a weighted sum s in training, with the mean m of all labels, it is
  ///
  ///   (s + kPriorExamples * m) / (n + kPriorExamples),
  ///
  /// hence m for an item that training did not have.
  Baselines Predict(const std::vector<data::Examples>& blocks) const;

 private:
  struct LabelSum {
    double n = 0;  // weight
    double label = 0;
  };

  std::optional<int> item_field_;
  std::vector<LabelSum> all_;                                // [tasks]
  std::vector<std::unordered_map<Key, LabelSum>> of_items_;  // [tasks]
};

/// Reads the training split of a job once and returns predictions for `blocks`, examples of the
/// same job. The item is the column data.behaviour.item, where the job has one and a field that
/// FieldOfColumn finds. Malformed lines are left out. Throws Error as a Source does.
Baselines FindBaselines(const Job& job, const std::vector<data::Examples>& blocks);

}  // namespace zhiyin::worker::saved
