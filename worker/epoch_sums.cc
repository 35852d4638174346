#include "worker/epoch_sums.h"

#include <cmath>

#include "common/bytes.h"

namespace zhiyin::worker {

std::vector<TaskSums> SumEpoch(const StreamPlan& plan, size_t n_tasks,
                               const std::vector<std::string>& parts) {
  std::vector<std::vector<double>> sums;  // [worker][slice, task, TaskSums::kNumbers]
  for (const std::string& part : parts)
    sums.push_back(ByteReader(part, "sums of an epoch").GetArray<double>());
  std::vector<TaskSums> total(n_tasks);
  for (int64_t step = 0; step < plan.StepsPerEpoch(); ++step) {
    for (int stream = 0; stream < plan.n_streams; ++stream) {
      const int worker = plan.WorkerOfStream(stream);
      const size_t n_own = plan.StreamsOfWorker(worker).size();
      const size_t slice = static_cast<size_t>(step) * n_own + static_cast<size_t>(stream / plan.n_workers);
      const double* numbers = sums[static_cast<size_t>(worker)].data() + slice * n_tasks * TaskSums::kNumbers;
      for (size_t t = 0; t < n_tasks; ++t)
        total[t].Add(TaskSums::FromNumbers(numbers + t * TaskSums::kNumbers));
    }
  }
  return total;
}

TaskMetrics TrainMetrics(const std::string& task, bool is_binary, const TaskSums& sums,
                         const RunningAuc& auc) {
  TaskMetrics metrics;
  metrics.task = task;
  metrics.n_samples = static_cast<int64_t>(sums.n);
  if (sums.n == 0) return metrics;
  metrics.label_mean = sums.label / sums.n;
  metrics.mse = sums.squared_error / sums.n;
  metrics.rmse = std::sqrt(*metrics.mse);
  if (sums.label != 0) metrics.calibration = sums.prediction / sums.label;
  if (is_binary) {
    metrics.auc = auc.Value();
    metrics.log_loss = sums.loss / sums.n;
  }
  return metrics;
}

}  // namespace zhiyin::worker
