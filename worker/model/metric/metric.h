// Metrics of predictions. Computed exactly, in double precision; the order of the examples affects
// rounding, so callers that want reproducible digits keep to one order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::metric {

/// Returns the area under the ROC curve: the probability that a random positive example scores
/// above a random negative one, ties counting half (Mann and Whitney, 1947). A label above 0.5 is
/// positive. Returns nullopt when one class is absent. O(n log n).
std::optional<double> Auc(std::span<const float> predictions, std::span<const float> labels);

/// The metrics of one task on one split. A value is absent where it is undefined (no examples, one
/// class only, a variance of zero) or where the metric does not fit the task.
struct TaskMetrics {
  std::string task;
  int64_t n_samples = 0;  // examples with a label
  double label_mean = 0;
  std::optional<double> auc;          // for probabilities and scores
  std::optional<double> log_loss;     // for probabilities: mean of -log p(label), natural logarithm
  std::optional<double> mse;          // not for scores: mean (prediction - label)^2
  std::optional<double> rmse;         // sqrt(mse)
  std::optional<double> r2;           // 1 - sum (prediction - label)^2 / sum (label - mean label)^2
  std::optional<double> calibration;  // not for scores: sum of predictions / sum of labels
};

inline bool HasAuc(loss::PredictionKind kind) {
  return kind != loss::PredictionKind::kNumber;
}

/// Computes the metrics over the examples whose label is not kMissing. REQUIRES: equal lengths.
TaskMetrics ComputeMetrics(const std::string& task, loss::PredictionKind kind,
                           std::span<const float> predictions, std::span<const float> labels);

/// Maps a prediction to [0, 1] for RunningAuc: a probability unchanged, a score by an increasing
/// function.
float InUnitInterval(loss::PredictionKind kind, float prediction);

/// The AUC of a stream in constant memory, for progress reports. Predictions in [0, 1] are counted
/// in kNumBins bins of equal width; predictions of one bin count as ties. The error is at most half
/// the share of (positive, negative) pairs that fall into one bin. Used by one thread.
class RunningAuc {
 public:
  static constexpr int kNumBins = 4096;
  RunningAuc();
  void Add(float prediction, float label);
  void Merge(const RunningAuc& other);
  /// nullopt when one class is absent.
  std::optional<double> Value() const;
  /// [2 * kNumBins]: negatives, then positives, by bin.
  std::span<int64_t> counts() { return counts_; }
  std::span<const int64_t> counts() const { return counts_; }

 private:
  std::vector<int64_t> counts_;
};

}  // namespace zhiyin::worker::model::metric
