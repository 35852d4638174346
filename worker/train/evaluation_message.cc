#include "worker/train/evaluation_message.h"

namespace zhiyin::worker::train {

Progress::Evaluated MessageOf(const EvaluationResult& result) {
  Progress::Evaluated message;
  message.set_loss(result.loss);
  message.set_n_rows(result.n_rows);
  for (const model::metric::TaskMetrics& metrics : result.tasks) {
    Progress::TaskResult* task = message.add_task();
    task->set_name(metrics.task);
    task->set_n_samples(metrics.n_samples);
    task->set_label_mean(metrics.label_mean);
    if (metrics.auc) task->set_auc(*metrics.auc);
    if (metrics.log_loss) task->set_log_loss(*metrics.log_loss);
    if (metrics.mse) task->set_mse(*metrics.mse);
    if (metrics.rmse) task->set_rmse(*metrics.rmse);
    if (metrics.r2) task->set_r2(*metrics.r2);
    if (metrics.calibration) task->set_calibration(*metrics.calibration);
  }
  return message;
}

EvaluationResult EvaluationOf(const Progress::Evaluated& message) {
  EvaluationResult result;
  result.loss = message.loss();
  result.n_rows = message.n_rows();
  for (const Progress::TaskResult& task : message.task()) {
    model::metric::TaskMetrics& metrics = result.tasks.emplace_back();
    metrics.task = task.name();
    metrics.n_samples = task.n_samples();
    metrics.label_mean = task.label_mean();
    if (task.has_auc()) metrics.auc = task.auc();
    if (task.has_log_loss()) metrics.log_loss = task.log_loss();
    if (task.has_mse()) metrics.mse = task.mse();
    if (task.has_rmse()) metrics.rmse = task.rmse();
    if (task.has_r2()) metrics.r2 = task.r2();
    if (task.has_calibration()) metrics.calibration = task.calibration();
  }
  return result;
}

}  // namespace zhiyin::worker::train
