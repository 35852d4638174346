#include "worker/train/evaluation_message.h"

#include <cmath>

namespace zhiyin::worker::train {

Progress::Evaluated MessageOf(const EvaluationResult& result) {
  Progress::Evaluated message;
  if (!std::isnan(result.loss)) message.set_loss(result.loss);
  message.set_n_unpredicted(result.unpredicted.n);
  message.set_n_rows(result.n_rows);
  for (const model::metric::TaskMetrics& metrics : result.tasks) {
    Progress::TaskResult* task = message.add_task();
    task->set_name(metrics.task);
    task->set_n_samples(metrics.n_samples);
    task->set_label_mean(metrics.label_mean);
    if (metrics.auc) task->set_auc(*metrics.auc);
    if (metrics.average_precision) task->set_average_precision(*metrics.average_precision);
    if (metrics.gauc) task->set_gauc(*metrics.gauc);
    if (metrics.log_loss) task->set_log_loss(*metrics.log_loss);
    if (metrics.normalized_entropy) task->set_normalized_entropy(*metrics.normalized_entropy);
    if (metrics.mse) task->set_mse(*metrics.mse);
    if (metrics.rmse) task->set_rmse(*metrics.rmse);
    if (metrics.r2) task->set_r2(*metrics.r2);
    if (metrics.calibration) task->set_calibration(*metrics.calibration);
  }
  return message;
}

EvaluationResult EvaluationOf(const Progress::Evaluated& message) {
  EvaluationResult result;
  result.loss = message.has_loss() ? message.loss() : std::nan("");
  result.unpredicted.n = message.n_unpredicted();
  result.n_rows = message.n_rows();
  for (const Progress::TaskResult& task : message.task()) {
    model::metric::TaskMetrics& metrics = result.tasks.emplace_back();
    metrics.task = task.name();
    metrics.n_samples = task.n_samples();
    metrics.label_mean = task.label_mean();
    if (task.has_auc()) metrics.auc = task.auc();
    if (task.has_average_precision()) metrics.average_precision = task.average_precision();
    if (task.has_gauc()) metrics.gauc = task.gauc();
    if (task.has_log_loss()) metrics.log_loss = task.log_loss();
    if (task.has_normalized_entropy()) metrics.normalized_entropy = task.normalized_entropy();
    if (task.has_mse()) metrics.mse = task.mse();
    if (task.has_rmse()) metrics.rmse = task.rmse();
    if (task.has_r2()) metrics.r2 = task.r2();
    if (task.has_calibration()) metrics.calibration = task.calibration();
  }
  return result;
}

}  // namespace zhiyin::worker::train
