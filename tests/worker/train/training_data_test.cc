#include "worker/train/training_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

/// A checkpoint in the second epoch of a job with 100 examples in 10 slices, 5 steps an epoch.
Progress InTheSecondEpoch() {
  Progress progress;
  progress.set_n_rows(100);
  progress.set_n_slices(10);
  progress.set_epoch(1);
  progress.set_next_step(7);
  return progress;
}

TEST(CheckResumedData, TakesTheDataOfTheEarlierRun) {
  Progress progress = InTheSecondEpoch();
  CheckResumedData(progress, 100, 10, 5);
  progress.set_next_step(5);
  CheckResumedData(progress, 100, 10, 5);
  progress.set_next_step(10);
  CheckResumedData(progress, 100, 10, 5);
}

TEST(CheckResumedData, RefusesOtherData) {
  EXPECT_THROW(CheckResumedData(InTheSecondEpoch(), 101, 10, 5), Error);
  EXPECT_THROW(CheckResumedData(InTheSecondEpoch(), 100, 11, 5), Error);
}

TEST(CheckResumedData, RefusesAFileOfAnotherContentByName) {
  Progress progress = InTheSecondEpoch();
  const std::vector<data::FileDigest> files = {{"/a.csv", 10, 7}, {"/b.csv", 20, 8}};
  CheckResumedFiles(progress, files);  // a checkpoint of an earlier version
  for (const data::FileDigest& file : files) {
    Progress::DataFile* saved = progress.add_data_file();
    saved->set_path(file.path);
    saved->set_n_bytes(file.n_bytes);
    saved->set_digest(file.digest);
  }
  CheckResumedFiles(progress, files);
  progress.mutable_data_file(1)->set_digest(9);
  EXPECT_THAT([&] { CheckResumedFiles(progress, files); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr(
                  "--resume: /b.csv: has another content than when the checkpoint was written (20 "
                  "bytes then, 20 now)")));
}

TEST(CheckResumedData, RefusesAStepOfAnotherEpoch) {
  Progress progress = InTheSecondEpoch();
  progress.set_next_step(4);
  EXPECT_THROW(CheckResumedData(progress, 100, 10, 5), Error);
  progress.set_next_step(11);
  EXPECT_THROW(CheckResumedData(progress, 100, 10, 5), Error);
}

TEST(CheckSteps, RefusesMoreThanATableKeeps) {
  constexpr int64_t kMost = 2147483647;  // of each of two epochs
  Job job;
  job.mutable_train()->set_epochs(2);
  job.mutable_train()->mutable_dense_optimizer()->mutable_sgd();
  zhiyin::Table* table = job.add_table();
  table->set_name("users");
  table->set_dim(1);
  table->mutable_optimizer()->mutable_sgd();
  CheckSteps(job, kMost + 1);
  table->mutable_eviction()->set_min_pulls(2);
  CheckSteps(job, kMost);
  EXPECT_THAT([&] { CheckSteps(job, kMost + 1); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr(
                  "train.epochs: 2 epochs of 2147483648 steps, expected at most 4294967295 steps "
                  "in all with table.eviction or table.admission.exact, which table users has")));
  job.mutable_train()->mutable_early_stopping();
  CheckSteps(job, kMost + 1);
}

}  // namespace
}  // namespace zhiyin::worker::train
