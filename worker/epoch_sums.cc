#include "worker/epoch_sums.h"

#include <cmath>

#include "common/bytes.h"

namespace zhiyin::worker {

namespace {

constexpr char kSumsName[] = "sums of an epoch";

}  // namespace

std::string SerializeSums(std::span<const TaskSums> sums) {
  ByteWriter out;
  out.PutArray<double>({&sums.data()->n, sums.size() * TaskSums::kNumbers});
  return out.Take();
}

std::vector<TaskSums> ParseSums(std::string_view bytes, const StreamPlan& plan, size_t n_tasks, int worker) {
  ByteReader in(bytes, kSumsName);
  const std::vector<double> numbers = in.GetArray<double>();
  const std::vector<int> streams = plan.StreamsOfWorker(worker);
  const size_t n_slices = static_cast<size_t>(plan.StepsPerEpoch()) * streams.size();
  if (numbers.size() != n_slices * n_tasks * TaskSums::kNumbers || !in.AtEnd()) {
    Fail(kSumsName, ": ", numbers.size(), " numbers in ", bytes.size(), " bytes, expected ",
         n_slices * n_tasks * TaskSums::kNumbers);
  }
  std::vector<TaskSums> sums;
  for (size_t at = 0; at < numbers.size(); at += TaskSums::kNumbers) {
    const size_t slice = sums.size() / n_tasks;
    sums.push_back(TaskSums::FromNumbers(numbers.data() + at));
    const double n = sums.back().n;
    const int64_t n_rows =
        plan.SliceRows(streams[slice % streams.size()], static_cast<int64_t>(slice / streams.size()));
    if (!(n >= 0 && n <= static_cast<double>(n_rows)))
      Fail(kSumsName, ": slice ", slice, " has ", n, " labels, expected 0 to ", n_rows);
  }
  return sums;
}

std::vector<TaskSums> SumEpoch(const StreamPlan& plan, size_t n_tasks,
                               const std::vector<std::vector<TaskSums>>& parts) {
  std::vector<TaskSums> total(n_tasks);
  for (int64_t step = 0; step < plan.StepsPerEpoch(); ++step) {
    for (int stream = 0; stream < plan.n_streams; ++stream) {
      const int worker = plan.WorkerOfStream(stream);
      const size_t n_own = plan.StreamsOfWorker(worker).size();
      const size_t slice = static_cast<size_t>(step) * n_own + static_cast<size_t>(stream / plan.n_workers);
      const TaskSums* sums = parts[static_cast<size_t>(worker)].data() + slice * n_tasks;
      for (size_t t = 0; t < n_tasks; ++t) total[t].Add(sums[t]);
    }
  }
  return total;
}

TaskMetrics TrainMetrics(const std::string& task, PredictionKind kind, const TaskSums& sums,
                         const RunningAuc& auc) {
  TaskMetrics metrics;
  metrics.task = task;
  metrics.n_samples = static_cast<int64_t>(sums.n);
  if (sums.n == 0) return metrics;
  metrics.label_mean = sums.label / sums.n;
  if (kind != PredictionKind::kScore) {
    metrics.mse = sums.squared_error / sums.n;
    metrics.rmse = std::sqrt(*metrics.mse);
    if (sums.label != 0) metrics.calibration = sums.prediction / sums.label;
  }
  if (HasAuc(kind)) metrics.auc = auc.Value();
  if (kind == PredictionKind::kProbability) metrics.log_loss = sums.loss / sums.n;
  return metrics;
}

}  // namespace zhiyin::worker
