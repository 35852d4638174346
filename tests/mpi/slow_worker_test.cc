// A worker that falls behind loses no example. That it gets fewer, and how many fewer, is shown in
// virtual time (tests/sim/leases_test.cc).
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/support/files.h"
#include "tests/support/ranks.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using std::chrono::milliseconds;

constexpr int kUnevenRanks = 4;  // a server, three workers

class SlowWorker : public ::testing::TestWithParam<int> {};

TEST_P(SlowWorker, LosesNoExample) {
  TempFolder folder;
  // A synchronous step takes as long as the slow worker is stopped.
  const int n_epochs = GetParam() == 0 ? 2 : 5;
  const std::string epochs = "train.epochs=" + std::to_string(n_epochs);
  BackgroundProcess job(ZhiyinCommand(
      kUnevenRanks,
      {"train", "--config=" + SourcePath("configs/census_mmoe.textproto"), "--set", epochs, "--set",
       "train.batch_size=480", "--set", "train.slices=12", "--set",
       "train.staleness=" + std::to_string(GetParam()), "--set", "evaluation.every_epochs=1000",
       "--progress=none", "--output=" + folder.Path("out")}));
  const std::vector<int> ranks = RanksOf(job, epochs, kUnevenRanks);
  ASSERT_EQ(ranks.size(), static_cast<size_t>(kUnevenRanks));
  // The last worker runs an eighth of the time, in pieces shorter than a step, which it would
  // otherwise spend like the others.
  while (ResidentBytes(ranks[3]) > 0) {
    kill(ranks[3], SIGSTOP);
    std::this_thread::sleep_for(milliseconds(14));
    kill(ranks[3], SIGCONT);
    std::this_thread::sleep_for(milliseconds(2));
  }
  const ProcessResult result = job.Wait(100);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto summary = nlohmann::json::parse(ReadFile(folder.Path("out/summary.json")));
  EXPECT_EQ(summary["samples"], n_epochs * 66508);
  const auto samples = summary["worker_samples"].get<std::vector<int64_t>>();
  std::printf("samples of the workers: %lld, %lld, and %lld of the slow one, in %.1f s\n",
              static_cast<long long>(samples[0]), static_cast<long long>(samples[1]),
              static_cast<long long>(samples[2]), summary["seconds_training"].get<double>());
  EXPECT_EQ(samples[0] + samples[1] + samples[2], n_epochs * 66508);
}

INSTANTIATE_TEST_SUITE_P(Staleness, SlowWorker, ::testing::Values(-1, 4, 0), [](const auto& test) {
  return test.param < 0 ? std::string("Unbounded") : "N" + std::to_string(test.param);
});

}  // namespace
}  // namespace zhiyin::testing
