#include "worker/train/sync_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The sync points of two servers and three workers, with ten steps in an epoch.
class SyncPointsTest : public ::testing::Test {
 protected:
  /// Runs `work` as every worker.
  void Run(const std::function<void(SyncPoints*, Group*)>& work) {
    const net::RoleMap roles = {.n_servers = 2, .n_workers = 3};
    testing::RunCluster(
        job_, roles, 1,
        [&](int, net::Mailbox* mailbox, ps::client::Client* client) {
          Group group(mailbox, roles);
          SyncPoints sync_points(
              job_,
              {.output = folder_.Path(),
               .steps_per_epoch = 10,
               .stop_requested = [this] { return stop_; },
               .say = [this](const std::string& line) { said_.push_back(line); }},
              &mailbox->endpoint(), client, &group);
          work(&sync_points, &group);
        },
        folder_.Path());
  }
  Manifest ManifestAtStep(int64_t step) const {
    const size_t n = static_cast<size_t>(job_.numeric_size());
    return saved::ManifestOf(job_, {std::vector<double>(n), std::vector<double>(n)}, 0, step, 0);
  }

  testing::TempFolder folder_{testing::TempFolder::kInMemory};
  Job job_ = testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", 2, 0, false,
                                 "checkpoint { every_steps: 4 every_epochs: 1 }");
  bool stop_ = false;
  std::vector<std::string> said_;
};

TEST_F(SyncPointsTest, AllWorkersLearnWhatTheChiefWants) {
  Run([](SyncPoints* sync_points, Group*) {
    std::vector<uint64_t> saved;
    for (uint64_t step = 0; step != SyncPoint::kNone;) {
      const SyncPoint sync_point = sync_points->InEpoch(0, step);
      EXPECT_FALSE(sync_point.stop);
      if (sync_point.save) saved.push_back(step);
      step = sync_point.next;
    }
    EXPECT_THAT(saved, ElementsAre(4, 8));
    EXPECT_TRUE(sync_points->AfterEpoch(0, /*is_last=*/false).save);
    EXPECT_FALSE(sync_points->AfterEpoch(1, /*is_last=*/true).save);
  });
}

TEST_F(SyncPointsTest, AllWorkersEndWhereTheJobIsAskedTo) {
  stop_ = true;
  Run([](SyncPoints* sync_points, Group*) {
    for (const SyncPoint& sync_point :
         {sync_points->InEpoch(0, 0), sync_points->AfterEpoch(0, /*is_last=*/false)}) {
      EXPECT_TRUE(sync_point.save);
      EXPECT_TRUE(sync_point.stop);
    }
  });
}

TEST_F(SyncPointsTest, TheChiefWritesCheckpoints) {
  Run([&](SyncPoints* sync_points, Group* group) {
    if (group->IsChief()) sync_points->Start(ManifestAtStep(4), /*state=*/"", /*is_last=*/false);
    group->Barrier("a checkpoint");
    sync_points->Finish();
    sync_points->Finish();
  });
  EXPECT_EQ(said_.size(), 1u);
  EXPECT_THAT(saved::FindCheckpoints(folder_.Path()),
              ElementsAre(saved::CheckpointPath(folder_.Path(), 4)));
}

TEST_F(SyncPointsTest, ACheckpointThatIsCompleteIsToldAtASyncPoint) {
  Run([&](SyncPoints* sync_points, Group* group) {
    if (group->IsChief()) {
      sync_points->Start(ManifestAtStep(4), /*state=*/"", /*is_last=*/false);
      EXPECT_THAT(said_, IsEmpty());
    }
    bool is_told = false;
    while (!is_told) {
      sync_points->InEpoch(0, 5);
      is_told = group->Broadcast(said_.empty() ? "" : "told", "whether it is told") == "told";
    }
  });
  EXPECT_EQ(said_.size(), 1u);
}

}  // namespace
}  // namespace zhiyin::worker::train
