#include "worker/model/task_heads.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/hash.h"

namespace zhiyin::worker::model {

TaskHeads::TaskHeads(const Job& job) {
  for (const Task& task : job.task()) {
    Head& head = tasks_.emplace_back();
    head.name = task.name();
    head.weight = task.weight();
    head.positive_weight = static_cast<float>(task.positive_weight());
    head.negative_weight = static_cast<float>(1 / task.negative_share());
    head.label_smoothing = static_cast<float>(task.label_smoothing());
    head.loss = loss::MakeLoss(task);
    for (int f = 0; f < job.field_size(); ++f) {
      if (job.field(f).name() == loss::GroupField(task)) head.group_field = f;
    }
  }
}

void TaskSums::Add(const TaskSums& other) {
  n += other.n;
  loss += other.loss;
  prediction += other.prediction;
  label += other.label;
  squared_error += other.squared_error;
  own_loss += other.own_loss;
}

void TaskHeads::TakeTargets(const data::Rows& rows, Targets* targets) const {
  targets->labels = rows.labels;
  targets->weights = rows.weights;
  targets->groups.resize(tasks_.size());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    if (tasks_[t].group_field < 0) continue;
    std::vector<Key>& groups = targets->groups[t];
    groups.resize(static_cast<size_t>(rows.n));
    for (int64_t i = 0; i < rows.n; ++i) {
      const std::span<const Key> keys = rows.KeysOf(i, tasks_[t].group_field);
      // An example without a value is a group of its own.
      groups[static_cast<size_t>(i)] = keys.empty() ? Mix(static_cast<uint64_t>(i)) : keys[0];
    }
  }
}

void TaskHeads::Compute(size_t t, const Matrix& outputs, const Targets& targets, bool training) {
  const Head& head = tasks_[t];
  const size_t n = static_cast<size_t>(outputs.rows());
  const size_t n_tasks = tasks_.size();
  const bool is_weighted = training && (!targets.weights.empty() || head.positive_weight != 1 ||
                                        head.negative_weight != 1);
  outputs_.resize(n);
  labels_.resize(n);
  weights_.resize(is_weighted ? n : 0);
  values_.resize(n);
  derivatives_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t at = i * n_tasks + t;
    const float label = targets.labels[at];
    outputs_[i] = outputs.data()[at];
    labels_[i] = training ? label + head.label_smoothing * (0.5f - label) : label;
    if (!is_weighted) continue;
    const float by_label = label == 1   ? head.positive_weight
                           : label == 0 ? head.negative_weight
                                        : 1.0f;
    weights_[i] = (targets.weights.empty() ? 1.0f : targets.weights[at]) * by_label;
  }
  head.loss->Compute({outputs_, labels_, weights_, targets.groups[t]}, values_, derivatives_);
}

void TaskHeads::Sums(const Matrix& outputs, std::span<const float> predictions,
                     const Targets& targets, std::span<TaskSums> sums) {
  std::fill(sums.begin(), sums.end(), TaskSums{});
  const size_t n_tasks = tasks_.size();
  for (size_t t = 0; t < n_tasks; ++t) {
    Compute(t, outputs, targets, false);
    TaskSums& sum = sums[t];
    for (size_t i = 0; i < labels_.size(); ++i) {
      if (std::isnan(labels_[i])) continue;
      const double label = labels_[i];
      const double prediction = predictions[i * n_tasks + t];
      sum.n += 1;
      sum.loss += values_[i];
      sum.prediction += prediction;
      sum.label += label;
      sum.squared_error += (prediction - label) * (prediction - label);
    }
  }
}

void TaskHeads::Derivatives(const Matrix& outputs, const Targets& targets, int64_t n_rows_of_step,
                            Matrix* doutputs, std::span<double> objectives) {
  doutputs->resize(outputs.rows(), outputs.cols());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    Compute(t, outputs, targets, true);
    const double share = tasks_[t].weight / static_cast<double>(n_rows_of_step);
    objectives[t] = share * std::accumulate(values_.begin(), values_.end(), 0.0);
    const float factor = static_cast<float>(share);
    for (size_t i = 0; i < derivatives_.size(); ++i)
      doutputs->data()[i * tasks_.size() + t] = factor * derivatives_[i];
  }
}

void TaskHeads::Predictions(const Matrix& outputs, std::span<float> predictions) const {
  const size_t n_tasks = tasks_.size();
  for (size_t at = 0; at < predictions.size(); ++at) {
    predictions[at] = tasks_[at % n_tasks].loss->Prediction(outputs.data()[at]);
  }
}

}  // namespace zhiyin::worker::model
