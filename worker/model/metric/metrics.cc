#include <algorithm>

#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {
namespace {

bool IsProbability(loss::PredictionKind kind) {
  return kind == loss::PredictionKind::kProbability;
}

/// Whether the prediction is in the unit of the label.
bool IsNoScore(loss::PredictionKind kind) {
  return kind != loss::PredictionKind::kScore;
}

using enum Metric::Better;

constexpr Metric kMetrics[] = {
    {"auc", "AUC", "%.5f", &TaskMetrics::auc, HasAuc, kLarger},
    {"average_precision", "PR-AUC", "%.5f", &TaskMetrics::average_precision, HasAuc, kLarger},
    {"gauc", "GAUC", "%.5f", &TaskMetrics::gauc, HasAuc, kLarger, /*is_asked_for=*/true},
    {"log_loss", "log loss", "%.5f", &TaskMetrics::log_loss, IsProbability, kSmaller},
    {"normalized_entropy", "NE", "%.5f", &TaskMetrics::normalized_entropy, IsProbability, kSmaller},
    {"mse", "MSE", "%.6f", &TaskMetrics::mse, IsNoScore, kSmaller},
    {"rmse", "RMSE", "%.6f", &TaskMetrics::rmse, IsNoScore, kSmaller},
    {"r2", "R2", "%.5f", &TaskMetrics::r2, IsNoScore, kLarger},
    {"calibration", "calibration", "%.4f", &TaskMetrics::calibration, IsNoScore, kNeither},
};

}  // namespace

std::span<const Metric> Metrics() {
  return kMetrics;
}

const Metric* FindMetric(std::string_view key) {
  const auto* found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                   [&](const Metric& metric) { return metric.key == key; });
  return found == std::end(kMetrics) ? nullptr : found;
}

}  // namespace zhiyin::worker::model::metric
