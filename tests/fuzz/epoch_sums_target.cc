#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/epoch_sums.h"

namespace zhiyin::fuzz {
namespace {

constexpr size_t kTasks = 2;

worker::StreamPlan Plan() {
  worker::StreamPlan plan;
  plan.n_streams = 3;
  plan.n_workers = 2;
  plan.rows_per_slice = 4;
  plan.stream_rows = {8, 6, 3};
  return plan;
}

std::vector<worker::TaskSums> Sums(int worker) {
  const worker::StreamPlan plan = Plan();
  std::vector<worker::TaskSums> sums;
  for (int64_t step = 0; step < plan.StepsPerEpoch(); ++step) {
    for (const int stream : plan.StreamsOfWorker(worker)) {
      const double n = static_cast<double>(plan.SliceRows(stream, step));
      sums.insert(sums.end(), kTasks, {n, 0.7 * n, 0.4 * n, 0.5 * n, 0.25 * n, 0.1});
    }
  }
  return sums;
}

}  // namespace

/// What worker 1 sends, beside worker 0's own sums.
int FuzzEpochSums(const uint8_t* data, size_t size) {
  Judge("sums of an epoch", [&] {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::vector<worker::TaskSums> total =
        worker::SumEpoch(Plan(), kTasks, {Sums(0), worker::ParseSums(bytes, Plan(), kTasks, 1)});
    for (const worker::TaskSums& sums : total) worker::TrainMetrics("task", worker::PredictionKind::kProbability, sums, worker::RunningAuc());
  });
  return 0;
}

std::vector<std::string> EpochSumsSeeds() {
  return {worker::SerializeSums(Sums(1))};
}

}  // namespace zhiyin::fuzz
