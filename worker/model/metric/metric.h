// Metrics of predictions, of exact sums: the order of the examples changes no digit.
//
// The one definition of every figure, of training and of test alike (docs/results.md): an example
// counts for a task if it has the task's label and a finite prediction, and it counts as many times
// as its weight says. The weight is what the example stands for: its weight_column, and in training
// 1 / negative_share for a negative. A mean is the weighted sum over these examples, divided by the
// sum of their weights.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/types.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::metric {

/// Whether an example counts: it has a label and a finite prediction.
inline bool Counts(float prediction, double label) {
  return !std::isnan(label) && std::isfinite(prediction);
}

/// Returns the area under the ROC curve: the probability that a random positive example scores
/// above a random negative one, ties counting half (Mann and Whitney, 1947). A label above 0.5 is
/// positive. Returns nullopt when one class is absent. O(n log n). A pair counts with the product
/// of its weights [n]; `weights` may be empty: all 1. REQUIRES: all predictions are finite.
std::optional<double> Auc(std::span<const float> predictions, std::span<const double> labels,
                          std::span<const double> weights = {});

/// Returns the average precision, the area under the curve of precision over recall (PR-AUC):
///
///   sum over thresholds k of (recall_k - recall_(k-1)) * precision_k,
///
/// with a threshold at every prediction, from the largest down: examples of equal predictions are
/// passed together, and nothing is interpolated (Manning, Raghavan and Schuetze, 2008, section
/// 8.4). A label above 0.5 is positive. Returns nullopt where no example is. O(n log n). `weights`
/// as in Auc.
std::optional<double> AveragePrecision(std::span<const float> predictions,
                                       std::span<const double> labels,
                                       std::span<const double> weights = {});

/// Returns the normalised entropy: a log loss divided by that of predicting `label_mean` for every
/// example (He et al., ADKDD 2014, eq. 1). Returns nullopt where that is 0: all labels are 0, or
/// all are 1.
std::optional<double> NormalizedEntropy(double log_loss, double label_mean);

/// The metrics of one task on one split. A value is absent where it is undefined (no examples, one
/// class only, a variance of zero) or where the metric does not fit the task.
struct TaskMetrics {
  std::string task;
  int64_t n_samples = 0;  // examples that count, unweighted
  double weight = 0;      // of these examples; 0: everything below is undefined
  double label_mean = 0;
  std::optional<double> auc;                // for probabilities and scores
  std::optional<double> average_precision;  // for probabilities and scores
  std::optional<double> gauc;               // for probabilities and scores, where there are groups
  std::optional<double> log_loss;  // for probabilities: mean of -log p(label), natural logarithm
  std::optional<double> normalized_entropy;  // for probabilities: see NormalizedEntropy
  std::optional<double> mse;                 // not for scores: mean (prediction - label)^2
  std::optional<double> rmse;                // sqrt(mse)
  std::optional<double> r2;           // 1 - sum (prediction - label)^2 / sum (label - mean label)^2
  std::optional<double> calibration;  // not for scores: sum of predictions / sum of labels
};

inline bool HasAuc(loss::PredictionKind kind) {
  return kind != loss::PredictionKind::kNumber;
}

/// A metric of TaskMetrics, as result files, tables and train.early_stopping use it. A new one is a
/// member there, its computation, and a line in the list of Metrics().
struct Metric {
  enum class Better { kLarger, kSmaller, kNeither };

  std::string_view key;    // in result files; in capitals, a value of EarlyStopping.Metric
  std::string_view title;  // of a column of a table
  const char* format;      // of printf, for tables
  std::optional<double> TaskMetrics::*value;
  bool (*fits)(loss::PredictionKind kind);  // whether a task with such predictions has it
  Better better;
  /// The job asks for it: tables leave it out where no task has it.
  bool is_asked_for = false;
};

/// All metrics, in the order of tables and result files.
std::span<const Metric> Metrics();
/// Returns the metric with this key; nullptr if there is none.
const Metric* FindMetric(std::string_view key);

/// Computes the metrics over the examples that count. `weights` may be empty: all
/// 1. `log_losses` is the weighted sum of -log p(label) over these examples, and without it there
/// is no log loss: a model's comes from its logits (Loss::Compute), since a prediction, rounded to
/// float, does not tell how close to 1 it is: from a logit of 17 on it is 1. `groups` are those of
/// ComputeGroupAuc; if empty, there is no gauc. REQUIRES: equal lengths, weights of 0 or more.
TaskMetrics ComputeMetrics(const std::string& task, loss::PredictionKind kind,
                           std::span<const float> predictions, std::span<const double> labels,
                           std::span<const double> weights = {},
                           std::optional<double> log_losses = {}, std::span<const Key> groups = {});

/// Returns the weighted sum of -y log p - (1 - y) log(1 - p) over the examples whose label y is not
/// kMissing, for probabilities p that come from no logit, such as mean labels. `weights` may be
/// empty: all 1. Infinite where what happened has the probability 0. REQUIRES: equal lengths.
double SumLogLosses(std::span<const float> probabilities, std::span<const double> labels,
                    std::span<const double> weights = {});

/// Maps a prediction to [0, 1] for RunningAuc: a probability unchanged, a score by an increasing
/// function.
float InUnitInterval(loss::PredictionKind kind, float prediction);

/// The AUC of a stream in constant memory, for progress reports. Predictions in [0, 1] are added up
/// by weight in kNumBins bins of equal width; predictions of one bin count as ties. The error is at
/// most half the share of (positive, negative) pairs that fall into one bin. Weights are added in
/// fixed point, so that their order does not matter. Used by one thread.
class RunningAuc {
 public:
  static constexpr int kNumBins = 4096;
  /// A larger weight counts as this one. Weights are multiples of its inverse, rounded down.
  static constexpr double kMaxWeight = 0x1p36;

  RunningAuc();
  /// REQUIRES: weight >= 0.
  void Add(float prediction, double label, double weight = 1);
  void Merge(const RunningAuc& other);
  /// nullopt when one class is absent.
  std::optional<double> Value() const;
  /// The weight of a bin of a class.
  double WeightOf(int bin, bool is_positive) const;

  /// Writes the bins that are not empty.
  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write for at
  /// most n_examples examples.
  static RunningAuc Read(ByteReader* in, int64_t n_examples);
  /// Reads the bins as format 1 of checkpoints has them: [2 * kNumBins] numbers of examples.
  static RunningAuc ReadCounts(ByteReader* in, int64_t n_examples);

 private:
  using Units = unsigned __int128;
  static constexpr Units kOne = Units{1} << 36;

  Units At(size_t i) const;
  void AddUnits(size_t i, Units units);

  /// [2 * kNumBins]: negatives, then positives, by bin; the high halves are empty while all are 0.
  std::vector<uint64_t> low_;
  std::vector<uint64_t> high_;
};

}  // namespace zhiyin::worker::model::metric
