#include "worker/train/dealer.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"
#include "worker/train/training_data.h"

namespace zhiyin::worker::train {
namespace {

struct Dealt {
  SliceTask task;
  int64_t n_rows = 0;
};

/// The slices of an epoch, in the order in which they are dealt to all workers.
std::vector<Dealt> SlicesInTime(const Job& job, int n_workers) {
  const net::RoleMap roles = {.n_servers = 1, .n_workers = n_workers};
  std::vector<Dealt> slices;  // one rank runs at a time
  testing::RunCluster(job, roles, 1, [&](int, net::Mailbox* mailbox, ps::client::Client*) {
    Tools tools(job, roles, /*evaluated=*/{}, /*n_threads=*/1, mailbox);
    SplitIndexes indexes(job, IndexFolders(), {}, [] {});
    TrainingData data = ReadTrainingData(job, nullptr, nullptr, roles, &indexes, &tools);
    data.dealer->BeginEpoch(0);
    while (const std::optional<SliceTask> task = data.dealer->Next()) {
      slices.push_back({*task, data.reader->Next().n});
      data.dealer->AskAhead();
      data.dealer->Pushed(*task, 0.001);
    }
    data.dealer->EndEpoch();
  });
  return slices;
}

Job JobOfManySlices(int staleness, uint64_t seed) {
  Job job = testing::ExampleJob("shared_bottom { bottom: 4 }", 2);
  job.mutable_data()->mutable_generated_ratings()->set_n_rows(9000);
  job.mutable_data()->mutable_train()->set_n_rows(8000);
  job.mutable_data()->clear_test();
  job.mutable_train()->set_batch_size(128);
  job.mutable_train()->set_staleness(staleness);
  job.mutable_train()->set_seed(seed);
  return job;
}

/// Whatever the numbers of the slices: these follow the file, and ranges are dealt in any order.
TEST(Dealer, LateSlicesAreTheLastInTime) {
  for (const int staleness : {-1, 2}) {
    bool any_low_number = false;
    for (const uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
      const std::vector<Dealt> slices = SlicesInTime(JobOfManySlices(staleness, seed), 1);
      int64_t n_late = 0, n_rows = 0;
      for (size_t i = 0; i < slices.size(); ++i) {
        n_rows += slices[i].n_rows;
        n_late += slices[i].task.is_late ? slices[i].n_rows : 0;
        EXPECT_TRUE(slices[i].task.is_late || i == 0 || !slices[i - 1].task.is_late) << i;
        any_low_number |= slices[i].task.is_late &&
                          slices[i].task.number < static_cast<int64_t>(slices.size()) / 2;
      }
      EXPECT_EQ(n_rows, 8000);
      EXPECT_TRUE(slices.back().task.is_late);
      EXPECT_GT(n_late, 8000 / 12);
      EXPECT_LT(n_late, 8000 / 5);
    }
    EXPECT_TRUE(any_low_number) << "staleness " << staleness;
  }
}

TEST(Dealer, LateSlicesOfSeveralWorkersComeInTheSecondHalf) {
  const std::vector<Dealt> slices = SlicesInTime(JobOfManySlices(-1, 4), 3);
  int64_t n_late = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    if (!slices[i].task.is_late) continue;
    n_late += slices[i].n_rows;
    EXPECT_GT(2 * (i + 1), slices.size()) << i;
  }
  EXPECT_GT(n_late, 8000 / 16);
  EXPECT_LT(n_late, 8000 / 5);
}

TEST(Dealer, LateSlicesAtStaleness0AreThoseOfTheLastSteps) {
  for (const int n_workers : {1, 3}) {
    const std::vector<Dealt> slices = SlicesInTime(JobOfManySlices(0, 1), n_workers);
    const int64_t n = static_cast<int64_t>(slices.size());
    for (const Dealt& slice : slices)
      EXPECT_EQ(slice.task.is_late, slice.task.number >= n - (n + 7) / 8) << slice.task.number;
  }
}

TEST(Dealer, TheLastPartIsAlwaysLate) {
  for (int64_t n = 1; n < 50; ++n) {
    EXPECT_TRUE(IsLate(n, n));
    int64_t n_late = 0;
    for (int64_t i = 1; i <= n; ++i) n_late += IsLate(i, n);
    EXPECT_EQ(n_late, (n + 7) / 8);
  }
}

}  // namespace
}  // namespace zhiyin::worker::train
