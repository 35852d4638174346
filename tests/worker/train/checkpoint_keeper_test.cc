#include "worker/train/checkpoint_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/saved/saved_model.h"
#include "worker/saved/state_file.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// `train_text` is added to the field train.
Job MmoeJob(const std::string& train_text) {
  return testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", 2, 0, false, train_text);
}

Manifest ManifestAt(const Job& job, int64_t step) {
  const size_t n = static_cast<size_t>(job.numeric_size());
  return saved::ManifestOf(job, {std::vector<double>(n), std::vector<double>(n)}, 0, step, 0);
}

/// The keeper of a job with two servers and one worker, which has a few rows to save.
class CheckpointKeeperTest : public ::testing::Test {
 protected:
  ~CheckpointKeeperTest() override { WatchFiles({}); }

  /// Runs the job's cluster with `work` as its worker; `train_text` is added to the job.
  void Run(const std::string& train_text, const std::function<void(CheckpointKeeper*)>& work) {
    WatchFiles({});
    job_ = MmoeJob(train_text);
    const auto worker = [&](int, net::Mailbox*, ps::client::Client* client) {
      const std::vector<Key> keys = {1, 2, 3, 4, 5, 6, 7};
      client->Assign(1, keys, std::vector<float>(keys.size() * 2, 0.5f));
      CheckpointKeeper keeper(job_, folder_.Path(), client,
                              [&](const std::string& line) { said_.push_back(line); });
      work(&keeper);
    };
    testing::RunCluster(job_, {.n_servers = 2, .n_workers = 1}, 1, worker, folder_.Path());
  }
  void Start(CheckpointKeeper* keeper, int64_t step, bool is_last = false) {
    keeper->Start(ManifestAt(job_, step), /*state=*/"", is_last);
  }
  /// Begins a checkpoint and waits until it is written, or could not be.
  void Write(CheckpointKeeper* keeper, int64_t step) {
    Start(keeper, step);
    keeper->Finish(/*wait=*/true);
  }

  std::string PathOf(int64_t step) const { return saved::CheckpointPath(folder_.Path(), step); }
  /// Whether anything of an unfinished checkpoint of this step is on the disk.
  bool HasRemains(int64_t step) const {
    return std::filesystem::exists(PathOf(step) + saved::kUnfinished);
  }
  std::vector<std::string> Found() const { return saved::FindCheckpoints(folder_.Path()); }

  /// The disk is full for the files of this step's checkpoint whose paths have this part.
  void FillDiskAt(int64_t step, const std::string& part = "") {
    const std::string folder = PathOf(step);
    WatchFiles([=](const FileStep& file) {
      if (file.path.starts_with(folder) && file.path.find(part) != file.path.npos)
        throw FileError(file.path + ": the disk is full");
    });
  }

  testing::TempFolder folder_{testing::TempFolder::kInMemory};
  Job job_;
  std::vector<std::string> said_;
};

TEST_F(CheckpointKeeperTest, TheLastIsCompleteOnReturn) {
  Run("checkpoint { every_steps: 1 }", [&](CheckpointKeeper* keeper) {
    Manifest manifest = ManifestAt(job_, 5);
    manifest.mutable_progress()->set_next_step(5);
    manifest.mutable_progress()->set_n_workers(1);
    manifest.mutable_progress()->set_epoch(manifest.epoch());
    keeper->Start(manifest, /*state=*/"", /*is_last=*/true);
    EXPECT_THAT(Found(), ElementsAre(PathOf(5)));
    EXPECT_THAT(said_, ElementsAre(AllOf(StartsWith("checkpoint at step 5, written in "),
                                         EndsWith(" s: the job ends here, as it was asked to"))));
  });
  int n_ticks = 0;
  const ps::save::SavedChain saved = saved::NewestCheckpoint(
      folder_.Path(), [](const std::string& note) { ADD_FAILURE() << note; }, /*check=*/{},
      [&] { ++n_ticks; });
  EXPECT_GE(n_ticks, 2) << "for each of two files";
  const auto verify = [&] {
    saved::NewestCheckpoint(
        folder_.Path(), [](const std::string& note) { FAIL() << note; }, /*check=*/{},
        [] { Fail("the job was stopped"); });
  };
  EXPECT_THAT(verify, ::testing::ThrowsMessage<Error>("the job was stopped"))
      << "which is no defect of the checkpoint";
  EXPECT_EQ(saved.back().manifest.step(), 5);
  int64_t n_rows = 0;
  for (const Manifest::RowFile& file : saved.back().manifest.file()) n_rows += file.n_rows();
  EXPECT_EQ(n_rows, 7);
}

TEST_F(CheckpointKeeperTest, OthersAreWrittenAfterTheReturn) {
  Run("checkpoint { every_steps: 1 }", [&](CheckpointKeeper* keeper) {
    Start(keeper, 5);
    EXPECT_THAT(Found(), IsEmpty());
    EXPECT_THAT(said_, IsEmpty());
    // The simulated network lets others work at every look into the mailbox.
    while (said_.empty()) keeper->Finish(/*wait=*/false);
    EXPECT_THAT(Found(), ElementsAre(PathOf(5)));
    EXPECT_THAT(said_, ElementsAre(AllOf(StartsWith("checkpoint at step 5, written in "),
                                         EndsWith(" s"), Not(HasSubstr("ends here")))));
  });
  saved::VerifyModel(PathOf(5));
}

TEST_F(CheckpointKeeperTest, FinishingWithNoneUnderWayDoesNothing) {
  Run("checkpoint { every_steps: 1 }", [&](CheckpointKeeper* keeper) {
    keeper->Finish(/*wait=*/false);
    keeper->Finish(/*wait=*/true);
    Write(keeper, 5);
    keeper->Finish(/*wait=*/true);
  });
  EXPECT_THAT(said_, SizeIs(1));
}

TEST_F(CheckpointKeeperTest, TheNextWaitsForTheOneBefore) {
  Run("checkpoint { every_steps: 1 }", [&](CheckpointKeeper* keeper) {
    Start(keeper, 5);
    Start(keeper, 6);
    EXPECT_THAT(Found(), ElementsAre(PathOf(5)));
    EXPECT_THAT(said_, ElementsAre(StartsWith("checkpoint at step 5, ")));
    Start(keeper, 7, /*is_last=*/true);
    EXPECT_THAT(said_, ElementsAre(StartsWith("checkpoint at step 5, "),
                                   StartsWith("checkpoint at step 6, "),
                                   StartsWith("checkpoint at step 7, ")));
  });
}

TEST_F(CheckpointKeeperTest, WhatWasSetAsideTakesNoPlace) {
  Run("checkpoint { every_steps: 1 keep: 2 }", [&](CheckpointKeeper* keeper) {
    for (const int64_t step : {1, 8, 9}) Write(keeper, step);
  });
  Run("checkpoint { every_steps: 1 keep: 3 }", [&](CheckpointKeeper* keeper) {
    for (const int64_t step : {1, 8, 9}) Write(keeper, step);
    // A run that has resumed at step 1, since the others are damaged.
    std::vector<std::string> notes;
    saved::SetNewerAside(folder_.Path(), PathOf(1),
                         [&](const std::string& note) { notes.push_back(note); });
    EXPECT_THAT(notes, ElementsAre("set aside: " + PathOf(9) + ".set-aside",
                                   "set aside: " + PathOf(8) + ".set-aside"));
    EXPECT_THAT(Found(), ElementsAre(PathOf(1)));
    for (const int64_t step : {6, 8, 10}) Write(keeper, step);
  });
  EXPECT_THAT(Found(), ElementsAre(PathOf(10), PathOf(8), PathOf(6)));
  EXPECT_TRUE(saved::HasManifest(PathOf(9) + ".set-aside"));
}

TEST_F(CheckpointKeeperTest, LeavesLaterStepsAlone) {
  Run("checkpoint { every_steps: 1 keep: 1 }", [&](CheckpointKeeper* keeper) {
    for (const int64_t step : {9, 3, 4}) Write(keeper, step);
  });
  EXPECT_THAT(Found(), ElementsAre(PathOf(9), PathOf(4)));
}

TEST_F(CheckpointKeeperTest, KeepsTheOldOneWhereTheNewOneCouldNotBeLoaded) {
  Run("checkpoint { every_steps: 1 keep: 1 }", [&](CheckpointKeeper* keeper) {
    Write(keeper, 1);
    Manifest large = ManifestAt(job_, 2);
    large.mutable_progress()->set_n_workers(1);
    large.mutable_progress()->set_next_step(2);
    large.mutable_progress()->set_metrics(std::string(size_t{65} << 20, 'x'));
    keeper->Start(large, /*state=*/"", /*is_last=*/false);
    keeper->Finish(/*wait=*/true);
    Manifest forged = ManifestAt(job_, 3);
    forged.set_epoch(-1);
    keeper->Start(forged, /*state=*/"", /*is_last=*/false);
    keeper->Finish(/*wait=*/true);
  });
  EXPECT_THAT(Found(), ElementsAre(PathOf(1)));
  ASSERT_THAT(said_, SizeIs(3));
  EXPECT_THAT(said_[1], AllOf(HasSubstr("no checkpoint at step 2"), HasSubstr("expected at most")));
  EXPECT_THAT(said_[2],
              AllOf(HasSubstr("no checkpoint at step 3"), HasSubstr("could not be read back")));
}

TEST_F(CheckpointKeeperTest, TheStateIsAFileThatIsVerified) {
  const std::string content = "the state of the job";
  Run("checkpoint { every_steps: 1 keep: 1 }", [&](CheckpointKeeper* keeper) {
    Write(keeper, 1);
    for (const int64_t step : {2, 3}) {
      Manifest manifest = ManifestAt(job_, step);
      manifest.mutable_progress()->set_n_workers(1);
      manifest.mutable_progress()->set_next_step(step);
      if (step == 3) FillDiskAt(3, "state");
      keeper->Start(manifest, content, /*is_last=*/false);
      keeper->Finish(/*wait=*/true);
    }
  });
  EXPECT_THAT(Found(), ElementsAre(PathOf(2)));
  const Progress progress = saved::VerifyModel(PathOf(2)).back().manifest.progress();
  EXPECT_EQ(saved::ReadState(PathOf(2), progress.state()), content);
  RemoveFile(saved::StatePath(PathOf(2)));
  EXPECT_THAT([&] { saved::VerifyModel(PathOf(2)); },
              ThrowsMessage<Error>(HasSubstr(saved::StatePath(PathOf(2)))));
}

TEST_F(CheckpointKeeperTest, KeepsTheNewest) {
  Run("checkpoint { every_steps: 1 keep: 3 }", [&](CheckpointKeeper* keeper) {
    for (int64_t step = 1; step <= 5; ++step) Write(keeper, step);
  });
  EXPECT_THAT(Found(), ElementsAre(PathOf(5), PathOf(4), PathOf(3)));
}

TEST_F(CheckpointKeeperTest, AJobWithoutCheckpointsCanBeAskedForOne) {
  Run("", [&](CheckpointKeeper* keeper) { Start(keeper, 5, /*is_last=*/true); });
  EXPECT_THAT(Found(), ElementsAre(PathOf(5)));
  saved::VerifyModel(PathOf(5));
}

TEST_F(CheckpointKeeperTest, OneThatCannotBeBegunIsToldAndTheJobContinues) {
  Run("checkpoint { every_steps: 1 }", [&](CheckpointKeeper* keeper) {
    FillDiskAt(1);
    Start(keeper, 1);
    EXPECT_THAT(said_, ElementsAre("WARNING: no checkpoint at step 1: " + PathOf(1) +
                                   ".unfinished: the disk is full: the job goes on, there is none "
                                   "before it"));
    Write(keeper, 2);
    FillDiskAt(3);
    Write(keeper, 3);
    EXPECT_THAT(said_.back(), EndsWith("the job goes on, the newest is " + PathOf(2)));
    Write(keeper, 4);
  });
  EXPECT_THAT(said_, SizeIs(4));
  EXPECT_THAT(Found(), ElementsAre(PathOf(4), PathOf(2)));
}

TEST_F(CheckpointKeeperTest, OneThatAServerCannotWriteIsToldWhenItIsFinished) {
  Run("checkpoint { every_steps: 1 }", [&](CheckpointKeeper* keeper) {
    Write(keeper, 1);
    FillDiskAt(2, "rows-1-of-2");
    Start(keeper, 2);
    EXPECT_THAT(said_, SizeIs(1));
    keeper->Finish(/*wait=*/true);
    EXPECT_THAT(said_, SizeIs(2));
    EXPECT_FALSE(HasRemains(2)) << "its server 0 could write";
    EXPECT_THAT(said_.back(), AllOf(StartsWith("WARNING: no checkpoint at step 2: "),
                                    HasSubstr("rows-1-of-2.bin: the disk is full: the job goes on"),
                                    EndsWith("the newest is " + PathOf(1))));
    Write(keeper, 3);
  });
  EXPECT_THAT(Found(), ElementsAre(PathOf(3), PathOf(1)));
}

TEST_F(CheckpointKeeperTest, EndsTheJobAfterTooManyFailuresInARow) {
  Run("checkpoint { every_steps: 1 max_failures: 2 }", [&](CheckpointKeeper* keeper) {
    const auto fail = [&](int64_t step, const std::string& part) {
      FillDiskAt(step, part);
      Write(keeper, step);
      EXPECT_FALSE(HasRemains(step)) << step;
    };
    fail(1, "");
    fail(2, "manifest");
    Write(keeper, 3);  // ends the row
    fail(4, "rows-0-of-2");
    fail(5, "");
    EXPECT_THAT([&] { fail(6, "rows-0-of-2"); },
                ThrowsMessage<Error>(AllOf(StartsWith("checkpoint at step 6: "),
                                           HasSubstr("the disk is full: the job ends, "),
                                           EndsWith("the newest is " + PathOf(3)))));
  });
  saved::VerifyModel(PathOf(3));
  EXPECT_THAT(Found(), ElementsAre(PathOf(3)));
}

TEST_F(CheckpointKeeperTest, AnOldOneThatCannotBeRemovedIsToldOnce) {
  Run("checkpoint { every_steps: 1 keep: 1 max_failures: 0 }", [&](CheckpointKeeper* keeper) {
    for (int64_t step = 1; step <= 2; ++step) Write(keeper, step);
    EXPECT_THAT(Found(), ElementsAre(PathOf(2)));
    WatchFiles([path = PathOf(2)](const FileStep& file) {
      if (file.kind == FileStep::kRemove && file.path.starts_with(path))
        throw FileError(file.path + ": it is in use");
    });
    for (int64_t step = 3; step <= 4; ++step) Write(keeper, step);
    EXPECT_THAT(Found(), ElementsAre(PathOf(4), PathOf(2)));
    WatchFiles({});
    Write(keeper, 5);
  });
  EXPECT_THAT(
      said_, ElementsAre(StartsWith("checkpoint at step 1, "), StartsWith("checkpoint at step 2, "),
                         AllOf(StartsWith("WARNING: an old model stays: " + PathOf(2)),
                               HasSubstr("it is in use: the newer one is complete")),
                         StartsWith("checkpoint at step 3, "), StartsWith("checkpoint at step 4, "),
                         StartsWith("checkpoint at step 5, ")));
  EXPECT_THAT(Found(), ElementsAre(PathOf(5)));
}

TEST_F(CheckpointKeeperTest, WhatAnOldOneThatStaysBuildsOnStaysToo) {
  Run("checkpoint { every_steps: 1 keep: 1 full_every: 3 }", [&](CheckpointKeeper* keeper) {
    for (int64_t step = 1; step <= 2; ++step) Write(keeper, step);
    WatchFiles([path = PathOf(2)](const FileStep& file) {
      if (file.kind == FileStep::kRemove && file.path.starts_with(path))
        throw FileError(file.path + ": it is in use");
    });
    for (int64_t step = 3; step <= 4; ++step) Write(keeper, step);
  });
  EXPECT_THAT(Found(), ElementsAre(PathOf(4), PathOf(2), PathOf(1))) << "4 is full";
  EXPECT_THAT(saved::VerifyModel(PathOf(2)), SizeIs(2));
}

TEST_F(CheckpointKeeperTest, NoFailureIsToleratedWhereNoneIsAllowed) {
  Run("checkpoint { every_steps: 1 max_failures: 0 }", [&](CheckpointKeeper* keeper) {
    FillDiskAt(1);
    EXPECT_THAT([&] { Start(keeper, 1); },
                ThrowsMessage<Error>(EndsWith("the job ends, there is none before it")));
  });
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(CheckpointKeeperTest, AFailureOfTheLastEndsTheJobAtOnce) {
  for (const char* part : {"", "rows-1-of-2", "manifest"}) {
    Run("checkpoint { every_steps: 1 max_failures: 9 }", [&](CheckpointKeeper* keeper) {
      Write(keeper, 1);
      FillDiskAt(2, part);
      EXPECT_THAT([&] { Start(keeper, 2, /*is_last=*/true); },
                  ThrowsMessage<Error>(AllOf(StartsWith("checkpoint at step 2: "),
                                             EndsWith("the newest is " + PathOf(1)))));
    });
    saved::VerifyModel(PathOf(1));
    EXPECT_THAT(Found(), ElementsAre(PathOf(1)));
  }
}

}  // namespace
}  // namespace zhiyin::worker::train
