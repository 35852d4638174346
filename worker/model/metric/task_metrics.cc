#include <cmath>

#include "common/exact_sum.h"
#include "worker/model/metric/curves.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {
namespace {

/// y log p, with 0 log 0 = 0.
double Times(double y, double log_p) {
  return y == 0 ? 0 : y * log_p;
}

/// Whether examples that weigh something have different labels.
bool Vary(std::span<const double> labels, std::span<const double> weights) {
  std::optional<double> first;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!weights.empty() && weights[i] == 0) continue;
    if (!first) first = labels[i];
    if (labels[i] != *first) return true;
  }
  return false;
}

}  // namespace

float InUnitInterval(loss::PredictionKind kind, float prediction) {
  return kind == loss::PredictionKind::kScore ? 1.0f / (1.0f + std::exp(-prediction)) : prediction;
}

TaskMetrics ComputeMetrics(const std::string& task, loss::PredictionKind kind,
                           std::span<const float> all_predictions,
                           std::span<const double> all_labels, std::span<const double> all_weights,
                           std::optional<double> log_losses, std::span<const Key> groups) {
  std::vector<float> predictions;
  std::vector<double> labels;
  std::vector<double> weights;
  for (size_t i = 0; i < all_labels.size(); ++i) {
    if (!Counts(all_predictions[i], all_labels[i])) continue;
    predictions.push_back(all_predictions[i]);
    labels.push_back(all_labels[i]);
    if (!all_weights.empty()) weights.push_back(all_weights[i]);
  }
  TaskMetrics metrics;
  metrics.task = task;
  metrics.n_samples = static_cast<int64_t>(labels.size());
  const auto weight_of = [&](size_t i) { return weights.empty() ? 1.0 : weights[i]; };

  ExactSum all_n;
  ExactSum label_sums;
  ExactSum prediction_sums;
  ExactSum squared_errors;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double p = predictions[i];
    const double y = labels[i];
    const double w = weight_of(i);
    all_n.Add(w);
    label_sums.Add(w * y);
    prediction_sums.Add(w * p);
    squared_errors.Add(w * (p - y) * (p - y));
  }
  const double n = all_n.Value();
  const double label_sum = label_sums.Value();
  const double squared_error = squared_errors.Value();
  metrics.weight = n;
  if (n == 0) return metrics;
  metrics.label_mean = label_sum / n;
  if (kind != loss::PredictionKind::kScore) {
    ExactSum deviations;
    for (size_t i = 0; i < labels.size(); ++i) {
      const double distance = labels[i] - metrics.label_mean;
      deviations.Add(weight_of(i) * distance * distance);
    }
    // The mean of equal labels may be rounded.
    const double deviation = Vary(labels, weights) ? deviations.Value() : 0;
    metrics.mse = squared_error / n;
    metrics.rmse = std::sqrt(*metrics.mse);
    if (deviation > 0) metrics.r2 = 1 - squared_error / deviation;
    if (label_sum != 0) metrics.calibration = prediction_sums.Value() / label_sum;
  }
  if (HasAuc(kind)) {
    metrics.auc = Auc(predictions, labels, weights);
    metrics.average_precision = AveragePrecision(predictions, labels, weights);
    if (!groups.empty()) {
      if (const auto found = ComputeGroupAuc(all_predictions, all_labels, all_weights, groups))
        metrics.gauc = found->auc;
    }
  }
  if (kind == loss::PredictionKind::kProbability && log_losses && !std::isnan(*log_losses)) {
    metrics.log_loss = *log_losses / n;
    metrics.normalized_entropy = NormalizedEntropy(*metrics.log_loss, metrics.label_mean);
  }
  return metrics;
}

std::optional<double> NormalizedEntropy(double log_loss, double label_mean) {
  if (!(label_mean > 0 && label_mean < 1)) return {};
  const double of_the_mean =
      -label_mean * std::log(label_mean) - (1 - label_mean) * std::log1p(-label_mean);
  return log_loss / of_the_mean;
}

double SumLogLosses(std::span<const float> probabilities, std::span<const double> labels,
                    std::span<const double> weights) {
  double sum = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (std::isnan(labels[i])) continue;
    const double p = probabilities[i];
    const double y = labels[i];
    const double w = weights.empty() ? 1 : weights[i];
    if (w > 0) sum -= w * (Times(y, std::log(p)) + Times(1 - y, std::log1p(-p)));
  }
  return sum;
}

}  // namespace zhiyin::worker::model::metric
