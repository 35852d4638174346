// A server that falls behind slows the job down and costs no memory.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/support/files.h"
#include "tests/support/ranks.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using std::chrono::milliseconds;

constexpr int kServers = 2;
constexpr int kWorkers = 2;

/// What a rank may hold more of while a server is slow, by the limits of ps/protocol.h: with each
/// rank on the other side 32 pulls (request, reply, and the rows' addresses) and 8 pushes.
int64_t BoundBytes() {
  constexpr int64_t kPulls = 32;
  constexpr int64_t kPushes = 8;
  // What a step of census_mmoe moves at one of two servers: half of the model's 155 rows of 1,024
  // weights, and at most half of the keys of 32 fields in 512 examples, with 8 weights each.
  constexpr int64_t kDenseRows = 78;
  constexpr int64_t kCategories = 32 * 512 / 2;
  constexpr int64_t kKeys = kDenseRows + kCategories;
  constexpr int64_t kWeightBytes = 4 * (kDenseRows * 1024 + kCategories * 8);
  const int64_t pull = 8 * kKeys + kWeightBytes + 8 * kKeys;
  const int64_t of_a_pair = kPulls * pull + kPushes * kWeightBytes;
  constexpr int64_t kMpi = int64_t{8} << 20;  // its own buffers, touched for the first time
  return std::max(kServers, kWorkers) * of_a_pair + kMpi;
}

/// Lets a process run 2 of every 200 ms, and calls `look` every time.
template <typename Look>
void SlowDownHundredfold(int pid, int times, const Look& look) {
  for (int i = 0; i < times; ++i) {
    kill(pid, SIGSTOP);
    std::this_thread::sleep_for(milliseconds(198));
    look();
    kill(pid, SIGCONT);
    std::this_thread::sleep_for(milliseconds(2));
  }
}

TEST(SlowServer, MemoryStaysBoundedAndTheJobGoesOn) {
  TempFolder folder;
  const std::string output = folder.Path("out");
  BackgroundProcess job(
      ZhiyinCommand(kServers + kWorkers,
                    {"train", "--config=" + SourcePath("configs/census_mmoe.textproto"),
                     "--servers=" + std::to_string(kServers), "--set", "train.epochs=100000",
                     "--set", "train.staleness=-1", "--set", "train.prefetch=true", "--set",
                     "evaluation.every_epochs=100000", "--progress=none", "--output=" + output}));
  const std::vector<int> ranks = RanksOf(job, output, kServers + kWorkers);
  ASSERT_EQ(ranks.size(), static_cast<size_t>(kServers + kWorkers));
  WaitForEpoch(output);  // every row has been made

  std::vector<int64_t> before;
  for (const int pid : ranks) before.push_back(ResidentBytes(pid));
  std::vector<int64_t> growth(ranks.size());
  SlowDownHundredfold(ranks[0], 40, [&] {
    for (size_t rank = 0; rank < ranks.size(); ++rank)
      growth[rank] = std::max(growth[rank], ResidentBytes(ranks[rank]) - before[rank]);
  });
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    std::printf("rank %zu: %.1f MiB, at most %.1f more while server 0 is slow; the bound is %.1f\n",
                rank, static_cast<double>(before[rank]) / (1 << 20),
                static_cast<double>(growth[rank]) / (1 << 20),
                static_cast<double>(BoundBytes()) / (1 << 20));
    EXPECT_GT(before[rank], 0) << "rank " << rank << " had ended before";
    EXPECT_GT(ResidentBytes(ranks[rank]), 0) << "rank " << rank << " has ended: nothing was slow";
    EXPECT_LE(growth[rank], BoundBytes()) << "rank " << rank;
  }

  kill(job.pid(), SIGUSR1);
  const ProcessResult result = job.Wait(110);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_code, 75) << result.err;  // ended early, as it was asked to
}

}  // namespace
}  // namespace zhiyin::testing
