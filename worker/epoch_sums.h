// What an epoch of training showed, put together from all workers.
#pragma once

#include <string>
#include <vector>

#include "worker/data/batches.h"
#include "worker/metric/metric.h"
#include "worker/task_heads.h"

namespace zhiyin::worker {

/// parts[worker]: a ByteWriter's array of that worker's TaskSums, [its slices in order, n_tasks,
/// TaskSums::kNumbers]. Returns the sums over all slices, added in the order of the steps and, within a step,
/// of the streams: the same bits whoever took which slice.
std::vector<TaskSums> SumEpoch(const StreamPlan& plan, size_t n_tasks, const std::vector<std::string>& parts);

/// Metrics of predictions that were made in training, each before the weights knew its row. The AUC is that
/// of a histogram.
TaskMetrics TrainMetrics(const std::string& task, bool is_binary, const TaskSums& sums,
                         const RunningAuc& auc);

}  // namespace zhiyin::worker
