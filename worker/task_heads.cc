#include "worker/task_heads.h"

#include <algorithm>
#include <cmath>

namespace zhiyin::worker {

TaskHeads::TaskHeads(const Job& job) {
  for (const Task& task : job.task()) tasks_.push_back({task.name(), task.weight(), MakeLoss(task)});
}

void TaskSums::Add(const TaskSums& other) {
  n += other.n;
  loss += other.loss;
  prediction += other.prediction;
  label += other.label;
  squared_error += other.squared_error;
  own_loss += other.own_loss;
}

void TaskHeads::Sums(const Matrix& outputs, std::span<const float> predictions, std::span<const float> labels,
                     std::span<TaskSums> sums) const {
  std::fill(sums.begin(), sums.end(), TaskSums{});
  const size_t n_tasks = tasks_.size();
  for (size_t at = 0; at < labels.size(); ++at) {
    if (std::isnan(labels[at])) continue;
    TaskSums& sum = sums[at % n_tasks];
    const double label = labels[at];
    const double prediction = predictions[at];
    sum.n += 1;
    sum.loss += tasks_[at % n_tasks].loss->Value(outputs.data()[at], labels[at]);
    sum.prediction += prediction;
    sum.label += label;
    sum.squared_error += (prediction - label) * (prediction - label);
  }
}

void TaskHeads::Derivatives(const Matrix& outputs, std::span<const float> labels, int64_t n_rows_of_step,
                            Matrix* doutputs) const {
  doutputs->resize(outputs.rows(), outputs.cols());
  const size_t n_tasks = tasks_.size();
  for (size_t at = 0; at < labels.size(); ++at) {
    const Head& head = tasks_[at % n_tasks];
    const float factor = static_cast<float>(head.weight / static_cast<double>(n_rows_of_step));
    doutputs->data()[at] =
        std::isnan(labels[at]) ? 0.0f : factor * head.loss->Derivative(outputs.data()[at], labels[at]);
  }
}

void TaskHeads::Predictions(const Matrix& outputs, std::span<float> predictions) const {
  const size_t n_tasks = tasks_.size();
  for (size_t at = 0; at < predictions.size(); ++at) {
    predictions[at] = tasks_[at % n_tasks].loss->Prediction(outputs.data()[at]);
  }
}

}  // namespace zhiyin::worker
