// A rank that has nothing to do leaves its core to others.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "common/processors.h"
#include "tests/support/files.h"
#include "tests/support/ranks.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using Seconds = std::chrono::duration<double>;

/// What a process uses of a core, over a second.
double ShareOfACore(int pid) {
  const auto began = std::chrono::steady_clock::now();
  const double cpu_s = CpuSeconds(pid);
  std::this_thread::sleep_for(Seconds(1));
  return (CpuSeconds(pid) - cpu_s) / Seconds(std::chrono::steady_clock::now() - began).count();
}

// A few percent, more beside others; a rank that polls takes all that it gets.
constexpr double kLimit = 0.25;

/// A job of 1 server and 1 worker in which one of them is stopped: the other one's share of a core,
/// once it is idle. `before`: what runs mpirun; `policy`: how the system is expected to schedule
/// the ranks.
double ShareOfTheOther(int stopped_rank, std::vector<std::string> before = {},
                       int policy = SCHED_OTHER) {
  TempFolder folder;
  const std::string output = folder.Path("out");
  const std::vector<std::string> command =
      ZhiyinCommand(2, {"train", "--config=" + SourcePath("configs/census_mmoe.textproto"), "--set",
                        "train.epochs=100000", "--progress=none", "--output=" + output});
  before.insert(before.end(), command.begin(), command.end());
  BackgroundProcess job(before);
  const std::vector<int> ranks = RanksOf(job, output, 2);
  EXPECT_EQ(ranks.size(), 2u);
  if (ranks.size() != 2) return 1;
  WaitForEpoch(output);
  kill(ranks[static_cast<size_t>(stopped_rank)], SIGSTOP);
  const int other = ranks[static_cast<size_t>(1 - stopped_rank)];
  double share = 1;
  // It may have work for a while.
  for (int i = 0; i < 20 && share >= kLimit; ++i) share = ShareOfACore(other);
  EXPECT_GT(CpuSeconds(other), 0) << "it is gone";
  EXPECT_EQ(sched_getscheduler(other), policy);
  return share;
}

TEST(Idle, AServerWithoutRequests) {
  if (NumProcessors() < 2) GTEST_SKIP() << "needs two processors";
  const double share = ShareOfTheOther(1);
  std::printf("an idle server uses %.1f %% of a core\n", 100 * share);
  EXPECT_LT(share, kLimit);
}

TEST(Idle, AWorkerThatWaitsForItsServer) {
  if (NumProcessors() < 2) GTEST_SKIP() << "needs two processors";
  const double share = ShareOfTheOther(0);
  std::printf("a waiting worker uses %.1f %% of a core\n", 100 * share);
  EXPECT_LT(share, kLimit);
}

/// Two ranks on one processor: they sleep until they are woken.
TEST(Idle, AServerOfACrowdedHost) {
  const double share = ShareOfTheOther(1, OnOneProcessor(), SCHED_BATCH);
  std::printf("an idle server on a crowded host uses %.1f %% of a core\n", 100 * share);
  EXPECT_LT(share, kLimit);
}

}  // namespace
}  // namespace zhiyin::testing
