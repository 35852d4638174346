// How good predictions are. Exact, in double precision; the order of the rows decides rounding, so
// callers that want the same digits give the same order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::metric {

/// Area under the ROC curve: the chance that a random positive row scores above a random negative
/// one, ties counting half (Mann and Whitney, 1947). A label above 0.5 is positive. Nothing when
/// one class is absent. O(n log n).
std::optional<double> Auc(std::span<const float> predictions, std::span<const float> labels);

/// Of one task on one split. An absent value is undefined: there were no rows, one class only, a
/// variance of zero, or the metric does not fit the task.
struct TaskMetrics {
  std::string task;
  int64_t n_samples = 0;  // rows with a label
  double label_mean = 0;
  std::optional<double> auc;          // of probabilities and scores
  std::optional<double> log_loss;     // of probabilities: mean of -log p(label), natural logarithm
  std::optional<double> mse;          // not of scores: mean (prediction - label)^2
  std::optional<double> rmse;         // sqrt(mse)
  std::optional<double> r2;           // 1 - sum (prediction - label)^2 / sum (label - mean label)^2
  std::optional<double> calibration;  // not of scores: sum of predictions / sum of labels
};

inline bool HasAuc(loss::PredictionKind kind) {
  return kind != loss::PredictionKind::kNumber;
}

/// Rows whose label is kMissing are left out. REQUIRES: equal lengths.
TaskMetrics ComputeMetrics(const std::string& task, loss::PredictionKind kind,
                           std::span<const float> predictions, std::span<const float> labels);

/// A probability as it is, a score by an increasing function, as RunningAuc wants it.
float InUnitInterval(loss::PredictionKind kind, float prediction);

/// AUC of a stream in constant memory, for watching: predictions in [0, 1] are counted in n_bins
/// equal bins, those of a bin tie. The error is at most half the share of (positive, negative)
/// pairs that fall in one bin.
class RunningAuc {
 public:
  static constexpr int kNumBins = 4096;
  RunningAuc();
  void Add(float prediction, float label);
  void Merge(const RunningAuc& other);
  std::optional<double> Value() const;
  /// [2 * kNumBins]: negatives, then positives, by bin.
  std::span<int64_t> counts() { return counts_; }
  std::span<const int64_t> counts() const { return counts_; }

 private:
  std::vector<int64_t> counts_;
};

}  // namespace zhiyin::worker::model::metric
