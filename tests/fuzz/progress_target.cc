#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/progress.h"

namespace zhiyin::fuzz {
namespace {

constexpr size_t kReportedTasks = 1;

}  // namespace

int FuzzProgress(const uint8_t* data, size_t size) {
  Judge("progress of a worker", [&] {
    const worker::train::EpochTally tally = worker::train::EpochTally::Parse(
        {reinterpret_cast<const char*>(data), size}, kReportedTasks);
    worker::train::EpochTally all;
    for (int w = 0; w < 3; ++w) all.Merge(tally);
    for (size_t t = 0; t < kReportedTasks; ++t) all.aucs[t].Value();
    all.MeanLoss();
  });
  return 0;
}

std::vector<std::string> ProgressSeeds() {
  worker::train::EpochTally tally(kReportedTasks);
  tally.n_rows = 100;
  tally.losses[0] = {.weight = 100, .loss = 69.3};
  tally.waited_s = 0.5;
  tally.left_out.n = 2;
  tally.left_out.first = {{3, 1, "numeric \"x\" is 1e+38"}};
  for (int i = 0; i < 100; ++i)
    tally.aucs[0].Add(0.01f * static_cast<float>(i), static_cast<float>(i % 2));
  return {tally.Serialize()};
}

}  // namespace zhiyin::fuzz
