#include <algorithm>
#include <cmath>

#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {
namespace {

/// Predictions are clipped to this distance from 0 and 1, where the log loss could be infinite.
constexpr double kNearest = 1e-15;

double LogLoss(double p, double y) {
  p = std::clamp(p, kNearest, 1 - kNearest);
  return -y * std::log(p) - (1 - y) * std::log1p(-p);
}

}  // namespace

float InUnitInterval(loss::PredictionKind kind, float prediction) {
  return kind == loss::PredictionKind::kScore ? 1.0f / (1.0f + std::exp(-prediction)) : prediction;
}

TaskMetrics ComputeMetrics(const std::string& task, loss::PredictionKind kind,
                           std::span<const float> all_predictions,
                           std::span<const float> all_labels) {
  std::vector<float> predictions;
  std::vector<float> labels;
  for (size_t i = 0; i < all_labels.size(); ++i) {
    if (std::isnan(all_labels[i])) continue;
    predictions.push_back(all_predictions[i]);
    labels.push_back(all_labels[i]);
  }
  TaskMetrics metrics;
  metrics.task = task;
  metrics.n_samples = static_cast<int64_t>(labels.size());
  if (labels.empty()) return metrics;

  const double n = static_cast<double>(labels.size());
  double label_sum = 0;
  double prediction_sum = 0;
  double squared_error = 0;
  double log_loss = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double p = predictions[i];
    const double y = labels[i];
    label_sum += y;
    prediction_sum += p;
    squared_error += (p - y) * (p - y);
    if (kind == loss::PredictionKind::kProbability) log_loss += LogLoss(p, y);
  }
  metrics.label_mean = label_sum / n;
  if (kind != loss::PredictionKind::kScore) {
    double deviation = 0;
    for (float y : labels) deviation += (y - metrics.label_mean) * (y - metrics.label_mean);
    metrics.mse = squared_error / n;
    metrics.rmse = std::sqrt(*metrics.mse);
    if (deviation > 0) metrics.r2 = 1 - squared_error / deviation;
    if (label_sum != 0) metrics.calibration = prediction_sum / label_sum;
  }
  if (HasAuc(kind)) metrics.auc = Auc(predictions, labels);
  if (kind == loss::PredictionKind::kProbability) metrics.log_loss = log_loss / n;
  return metrics;
}

}  // namespace zhiyin::worker::model::metric
