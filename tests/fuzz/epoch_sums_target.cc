#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/epoch_sums.h"

namespace zhiyin::fuzz {
namespace {

constexpr size_t kTasks = 2;
constexpr size_t kBalance = 3;
const std::vector<int64_t> kRowsOfSlices = {4, 4, 3, 4, 2, 0};

/// Of every other slice.
worker::train::SliceSums Sums(int64_t first) {
  worker::train::SliceSums part;
  for (int64_t slice = first; slice < static_cast<int64_t>(kRowsOfSlices.size()); slice += 2) {
    const double n = static_cast<double>(kRowsOfSlices[static_cast<size_t>(slice)]);
    part.numbers.push_back(slice);
    part.sums.insert(part.sums.end(), kTasks, {n, 0.7 * n, 0.4 * n, 0.5 * n, 0.25 * n, 0.1});
    part.balance.insert(part.balance.end(), kBalance, 0.3);
  }
  return part;
}

}  // namespace

/// What worker 1 sends, beside worker 0's own sums.
int FuzzEpochSums(const uint8_t* data, size_t size) {
  Judge("sums of an epoch", [&] {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const worker::train::EpochSums total = worker::train::SumEpoch(
        kRowsOfSlices.size(), kTasks, kBalance,
        {Sums(0), worker::train::SliceSums::Parse(bytes, kRowsOfSlices, kTasks, kBalance)});
    for (const worker::model::TaskSums& sums : total.tasks)
      worker::train::TrainMetrics("task", worker::model::loss::PredictionKind::kProbability, sums,
                                  worker::model::metric::RunningAuc());
  });
  return 0;
}

std::vector<std::string> EpochSumsSeeds() {
  return {Sums(1).Serialize()};
}

}  // namespace zhiyin::fuzz
