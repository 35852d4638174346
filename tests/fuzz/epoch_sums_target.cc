#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/epoch_sums.h"

namespace zhiyin::fuzz {
namespace {

constexpr size_t kTasks = 2;
constexpr size_t kBalance = 3;
constexpr int64_t kRows = 17;
constexpr worker::train::SumsShape kShape = {
    .n_slices = 6, .n_tasks = kTasks, .n_balance = kBalance};

/// Of every other slice.
worker::train::EpochSums Sums(int64_t first) {
  worker::train::EpochSums part(kShape);
  for (int64_t slice = first; slice < static_cast<int64_t>(kShape.n_slices); slice += 2) {
    const double n = static_cast<double>(slice % 4);
    part.Add(slice,
             std::vector<worker::model::TaskSums>(
                 kTasks, {n, 1.5 * n, 0.7 * n, 0.4 * n, 0.5 * n, 0.25 * n, 0.1}),
             std::vector<double>(kBalance, 0.3));
  }
  return part;
}

}  // namespace

/// What worker 1 sends, beside worker 0's own sums.
int FuzzEpochSums(const uint8_t* data, size_t size) {
  Judge("sums of an epoch", [&] {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    worker::train::EpochSums total = Sums(0);
    total.Merge(worker::train::EpochSums::Parse(bytes, kShape, kRows));
    total.CheckWhole();
    total.OfBalance();
    for (size_t t = 0; t < kTasks; ++t)
      worker::train::TrainMetrics("task", worker::model::loss::PredictionKind::kProbability,
                                  total.OfTask(t), worker::model::metric::RunningAuc());
  });
  return 0;
}

std::vector<std::string> EpochSumsSeeds() {
  return {Sums(1).Serialize()};
}

}  // namespace zhiyin::fuzz
