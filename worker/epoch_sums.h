// What an epoch of training showed, put together from all workers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/batches.h"
#include "worker/metric/metric.h"
#include "worker/task_heads.h"

namespace zhiyin::worker {

/// A worker's TaskSums of an epoch, [its slices in order, n_tasks], as bytes.
std::string SerializeSums(std::span<const TaskSums> sums);
/// What that worker sent. Throws Error unless these are sums of its slices.
std::vector<TaskSums> ParseSums(std::string_view bytes, const StreamPlan& plan, size_t n_tasks, int worker);

/// parts[worker]: that worker's sums. Returns the sums over all slices, added in the order of the steps and,
/// within a step, of the streams: the same bits whoever took which slice.
std::vector<TaskSums> SumEpoch(const StreamPlan& plan, size_t n_tasks,
                               const std::vector<std::vector<TaskSums>>& parts);

/// Metrics of predictions that were made in training, each before the weights knew its row. The AUC is that
/// of a histogram.
TaskMetrics TrainMetrics(const std::string& task, PredictionKind kind, const TaskSums& sums,
                         const RunningAuc& auc);

}  // namespace zhiyin::worker
