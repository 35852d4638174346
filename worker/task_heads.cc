#include "worker/task_heads.h"

#include <algorithm>
#include <cmath>

namespace zhiyin::worker {

TaskHeads::TaskHeads(const Job& job) {
  for (const Task& task : job.task()) tasks_.push_back({task.name(), task.weight(), MakeLoss(task)});
}

void TaskHeads::Losses(const Matrix& outputs, std::span<const float> labels, std::span<double> loss_sums) const {
  std::fill(loss_sums.begin(), loss_sums.end(), 0.0);
  const size_t n_tasks = tasks_.size();
  for (size_t at = 0; at < labels.size(); ++at) {
    if (std::isnan(labels[at])) continue;
    loss_sums[at % n_tasks] += tasks_[at % n_tasks].loss->Value(outputs.data()[at], labels[at]);
  }
}

void TaskHeads::Derivatives(const Matrix& outputs, std::span<const float> labels, int64_t n_rows_of_step,
                            Matrix* doutputs) const {
  doutputs->resize(outputs.rows(), outputs.cols());
  const size_t n_tasks = tasks_.size();
  for (size_t at = 0; at < labels.size(); ++at) {
    const Head& head = tasks_[at % n_tasks];
    const float factor = static_cast<float>(head.weight / static_cast<double>(n_rows_of_step));
    doutputs->data()[at] = std::isnan(labels[at]) ? 0.0f : factor * head.loss->Derivative(outputs.data()[at], labels[at]);
  }
}

void TaskHeads::Predictions(const Matrix& outputs, std::span<float> predictions) const {
  const size_t n_tasks = tasks_.size();
  for (size_t at = 0; at < predictions.size(); ++at) {
    predictions[at] = tasks_[at % n_tasks].loss->Prediction(outputs.data()[at]);
  }
}

}  // namespace zhiyin::worker
