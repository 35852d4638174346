#include "worker/model/task_heads.h"

#include <glog/logging.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "common/erase_at.h"
#include "common/hash.h"

namespace zhiyin::worker::model {

void Targets::LeaveOut(std::span<const int64_t> examples, size_t n_tasks) {
  EraseAt(examples, n_tasks, &labels);
  EraseAt(examples, n_tasks, &weights);
  for (std::vector<Key>& of_task : groups) EraseAt(examples, 1, &of_task);
  EraseAt(examples, 1, &items);
}

TaskHeads::TaskHeads(const Job& job) {
  for (const Task& task : job.task()) {
    Head& head = tasks_.emplace_back();
    head.name = task.name();
    head.weight = task.weight();
    head.positive_weight = static_cast<float>(task.positive_weight());
    head.label_smoothing = task.label_smoothing();
    head.loss = loss::MakeLoss(task);
    for (int f = 0; f < job.field_size(); ++f) {
      if (job.field(f).name() == loss::GroupField(task)) head.group_field = f;
    }
  }
  const NetworkKind* network = ChosenNetwork(job);
  if (network != nullptr && network->item != nullptr) item_ = network->item(job);
}

void TaskHeads::TakeTargets(const data::Examples& rows, Targets* targets) const {
  targets->labels = rows.labels;
  targets->weights = rows.weights;
  targets->groups.resize(tasks_.size());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    if (tasks_[t].group_field < 0) continue;
    std::vector<Key>& groups = targets->groups[t];
    groups.resize(static_cast<size_t>(rows.n));
    for (int64_t i = 0; i < rows.n; ++i) {
      const std::span<const Key> keys = rows.DataKeysOf(i, tasks_[t].group_field);
      // An example without a value is a group of its own.
      groups[static_cast<size_t>(i)] = keys.empty() ? Mix(static_cast<uint64_t>(i)) : keys[0];
    }
  }
  targets->items.clear();
  if (item_.fields.empty()) return;
  for (int64_t i = 0; i < rows.n; ++i) targets->items.push_back(ItemOf(rows, i));
}

Key TaskHeads::ItemOf(const data::Examples& rows, int64_t i) const {
  Key item = 0;
  const auto add = [&](uint64_t value) { item = Mix(item + 0x9e3779b97f4a7c15ull) ^ value; };
  for (const int field : item_.fields) {
    const std::span<const Key> keys = rows.DataKeysOf(i, field);
    add(keys.size());
    for (const Key key : keys) add(key);
  }
  for (const int numeric : item_.numerics)
    add(std::bit_cast<uint64_t>(rows.numerics[static_cast<size_t>(i * rows.n_numerics + numeric)]));
  return Mix(item);
}

void TaskHeads::Compute(size_t t, const Matrix& outputs, const Targets& targets, int64_t first,
                        bool training) {
  const Head& head = tasks_[t];
  const size_t n = static_cast<size_t>(outputs.rows());
  const size_t n_tasks = tasks_.size();
  const bool counts_positives = training && head.positive_weight != 1;
  const bool is_weighted = !targets.weights.empty() || counts_positives;
  outputs_.resize(n);
  labels_.resize(n);
  weights_.resize(is_weighted ? n : 0);
  values_.resize(n);
  derivatives_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t at = (static_cast<size_t>(first) + i) * n_tasks + t;
    const double label = targets.labels[at];
    outputs_[i] = outputs.data()[i * n_tasks + t];
    labels_[i] = training ? label + head.label_smoothing * (0.5 - label) : label;
    if (!is_weighted) continue;
    const double weight = targets.weights.empty() ? 1 : targets.weights[at];
    const float of_label = counts_positives && label == 1 ? head.positive_weight : 1.0f;
    weights_[i] = training ? static_cast<float>(weight) * of_label : weight;
  }
  head.loss->Compute({outputs_, labels_, weights_, targets.groups[t]}, values_, derivatives_);
}

void TaskHeads::Sums(const Matrix& outputs, std::span<const float> predictions,
                     const Targets& targets, std::span<TaskSums> sums) {
  std::fill(sums.begin(), sums.end(), TaskSums{});
  const size_t n_tasks = tasks_.size();
  for (size_t t = 0; t < n_tasks; ++t) {
    Compute(t, outputs, targets, 0, false);
    TaskSums& sum = sums[t];
    for (size_t i = 0; i < labels_.size(); ++i) {
      if (std::isnan(labels_[i])) continue;
      const double label = labels_[i];
      const double prediction = predictions[i * n_tasks + t];
      const double weight = weights_.empty() ? 1 : weights_[i];
      sum.n += 1;
      sum.weight += weight;
      sum.loss += values_[i];
      sum.prediction += weight * prediction;
      sum.label += weight * label;
      sum.squared_error += weight * (prediction - label) * (prediction - label);
    }
  }
}

std::vector<ExactSum> TaskHeads::LossSums(const Matrix& outputs, const Targets& targets) {
  std::vector<ExactSum> sums(tasks_.size());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    Compute(t, outputs, targets, 0, false);
    for (size_t i = 0; i < labels_.size(); ++i) {
      if (std::isnan(labels_[i])) continue;
      CHECK(std::isfinite(values_[i])) << tasks_[t].name << ": " << values_[i];
      sums[t].Add(values_[i]);
    }
  }
  return sums;
}

void TaskHeads::Derivatives(const Matrix& outputs, const Targets& targets, int64_t first,
                            int64_t n_rows_of_step, Matrix* doutputs,
                            std::span<double> objectives) {
  doutputs->resize(outputs.rows(), outputs.cols());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    Compute(t, outputs, targets, first, true);
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
    const float output = outputs.data()[at];
    const float prediction = tasks_[at % n_tasks].loss->Prediction(output);
    const bool is_finite = std::isfinite(output) && std::isfinite(prediction);
    predictions[at] = is_finite ? prediction : std::numeric_limits<float>::quiet_NaN();
  }
}

std::vector<int64_t> TaskHeads::LeaveOutUndefined(std::span<const float> predictions,
                                                  Targets* targets) const {
  std::vector<int64_t> examples;
  for (size_t at = 0; at < predictions.size(); ++at) {
    if (!std::isnan(predictions[at])) continue;
    targets->labels[at] = kMissing;
    const int64_t example = static_cast<int64_t>(at / tasks_.size());
    if (examples.empty() || examples.back() != example) examples.push_back(example);
  }
  return examples;
}

}  // namespace zhiyin::worker::model
