#include "worker/train/chief_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/random.h"
#include "tests/support/files.h"
#include "worker/model/balance/task_balance.h"
#include "worker/saved/state_file.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr char kLines[] = "{\"epoch\":1}\n";

/// The state of a job with the tasks a and b, in the middle of an epoch of four slices.
class ChiefStates : public ::testing::Test {
 protected:
  ChiefStates() {
    Progress* progress = manifest_.mutable_progress();
    progress->set_n_rows(8);
    progress->set_n_slices(4);
    for (const char* task : {"a", "b"}) progress->add_task_name(task);
    state_.metrics = kLines;
    EpochPart& part = state_.part.emplace();
    part.sums = EpochSums({.n_slices = 4, .n_tasks = 2, .n_balance = n_balance_});
    part.sums.Add(2, std::vector<model::TaskSums>{{2, 3, 0.1, 0.2, 1, 0.3, 0}, {}},
                  std::vector<double>(n_balance_, 0.25));
    part.tally = EpochTally(2);
    part.tally.n_rows = 2;
    part.tally.aucs[0].Add(0.5f, 1, 1.5f);
  }
  /// Writes bytes as the state of the checkpoint, and reads them.
  ChiefState Reread(const std::string& bytes) {
    *manifest_.mutable_progress()->mutable_state() = saved::WriteState(folder_.Path(), bytes);
    return ReadChiefState(folder_.Path(), manifest_);
  }
  std::string WhatFails(const std::string& bytes) {
    try {
      Reread(bytes);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  testing::TempFolder folder_{testing::TempFolder::kInMemory};
  const size_t n_balance_ = model::balance::BalanceSums(2).numbers().size();
  Manifest manifest_;
  ChiefState state_;
};

TEST_F(ChiefStates, SurviveACheckpoint) {
  const ChiefState found = Reread(state_.Serialize());
  EXPECT_EQ(found.metrics, kLines);
  ASSERT_TRUE(found.part);
  EXPECT_EQ(found.part->sums.Serialize(), state_.part->sums.Serialize());
  EXPECT_EQ(found.part->tally.Serialize(), state_.part->tally.Serialize());
  EXPECT_EQ(found.Serialize(), state_.Serialize());
}

TEST_F(ChiefStates, BetweenEpochsAreTheLinesAlone) {
  state_.part.reset();
  const ChiefState found = Reread(state_.Serialize());
  EXPECT_EQ(found.metrics, kLines);
  EXPECT_FALSE(found.part);
}

TEST_F(ChiefStates, AHistoryMayBeLongerThanAManifest) {
  state_.metrics = std::string(size_t{65} << 20, 'x');
  EXPECT_EQ(Reread(state_.Serialize()).metrics.size(), state_.metrics.size());
}

TEST_F(ChiefStates, ThatAreDamagedAreRefusedByName) {
  const std::string path = saved::StatePath(folder_.Path());
  const std::string bytes = state_.Serialize();
  // Any cut, and numbers that no job could have written: the file itself is whole.
  for (size_t n = 0; n < bytes.size(); n += 7)
    EXPECT_THAT(WhatFails(bytes.substr(0, n)), StartsWith(path + ": damaged: ")) << n;
  ChiefState forged = state_;
  forged.part->tally.n_rows = 9;
  EXPECT_THAT(WhatFails(forged.Serialize()), HasSubstr(": damaged: the state of a job: 9 rows"));
  forged = state_;
  forged.part->tally.losses[1].loss = std::numeric_limits<double>::infinity();
  EXPECT_THAT(WhatFails(forged.Serialize()), HasSubstr("expected finite numbers"));
  forged = state_;
  forged.part->sums = EpochSums({.n_slices = 4, .n_tasks = 2, .n_balance = n_balance_});
  forged.part->sums.Add(0, std::vector<model::TaskSums>{{9, 9, 0, 0, 0, 0, 0}, {}},
                        std::vector<double>(n_balance_));
  EXPECT_THAT(WhatFails(forged.Serialize()), HasSubstr("task 0 has 9 labels, expected 0 to 8"));
  forged = state_;
  forged.part->batch_statistics = "nonsense";
  EXPECT_THAT(WhatFails(forged.Serialize()), StartsWith(path + ": damaged: batch statistics"));
  // Another file than the manifest's.
  Reread(bytes);
  saved::WriteState(folder_.Path(), bytes + "x");
  EXPECT_THAT([&] { ReadChiefState(folder_.Path(), manifest_); },
              ThrowsMessage<Error>(AllOf(StartsWith(path), HasSubstr("the manifest says"))));
  std::string flipped = testing::ReadFile(path);
  flipped[10] ^= 1;
  folder_.Write("state", flipped);
  EXPECT_THAT([&] { ReadChiefState(folder_.Path(), manifest_); },
              ThrowsMessage<Error>(StartsWith(path)));
  manifest_.mutable_progress()->set_balance("[");
  EXPECT_THAT(WhatFails(bytes), HasSubstr("its balance is no JSON object"));
}

TEST_F(ChiefStates, WithAnyBitChangedAreRefusedOrRead) {
  const std::string bytes = state_.Serialize();
  Random random(4);
  int n_read = 0;
  for (int round = 0; round < 150; ++round) {
    std::string changed = bytes;
    changed[random.Below(changed.size())] ^= static_cast<char>(1 << random.Below(8));
    n_read += WhatFails(changed).empty();
  }
  EXPECT_GT(n_read, 0);
  EXPECT_LT(n_read, 150);
}

TEST_F(ChiefStates, OfHugeCountsAreRefusedBeforeMemoryIsTaken) {
  const std::string bytes = state_.Serialize();
  manifest_.mutable_progress()->set_n_slices(int64_t{1} << 60);
  EXPECT_THAT(WhatFails(bytes), HasSubstr("slices, expected at most 2147483648"));
  manifest_.mutable_progress()->set_n_slices(4);
  for (int t = 0; t < 100'000; ++t) manifest_.mutable_progress()->add_task_name("more");
  EXPECT_THAT(WhatFails(bytes), HasSubstr("balance figures, expected 0 or "));
}

/// The progress as format 1 has it: sums of each slice, and counts of all bins.
TEST_F(ChiefStates, OfFormat1AreInTheManifest) {
  Progress* progress = manifest_.mutable_progress();
  progress->set_metrics(kLines);
  ByteWriter sums;
  sums.PutArray<int64_t>(std::vector<int64_t>{2, 0});
  sums.PutArray<double>(std::vector<double>{2, 0.5,  0.2, 1, 0.3, 0, /**/ 0, 0, 0, 0, 0, 0,
                                            1, 0.25, 0.4, 1, 0.1, 0, /**/ 2, 3, 4, 5, 6, 7});
  sums.PutArray<double>(std::vector<double>{});
  progress->set_slice_sums(sums.Take());
  ByteWriter tally;
  tally.Put<int64_t>(3);
  tally.Put<double>(0.75);
  tally.Put<double>(0.5);
  tally.Put<uint64_t>(2);
  std::vector<int64_t> counts(2 * model::metric::RunningAuc::kNumBins);
  counts[7] = 2;
  counts.back() = 1;
  for (int task = 0; task < 2; ++task) tally.PutArray<int64_t>(counts);
  progress->set_tally(tally.Take());

  const ChiefState found = ReadChiefState("folder", manifest_);
  EXPECT_EQ(found.metrics, kLines);
  ASSERT_TRUE(found.part);
  EXPECT_THAT(found.part->sums.Slices(), ElementsAre(0, 2));
  EXPECT_EQ(found.part->sums.OfTask(0).n, 3);
  EXPECT_EQ(found.part->sums.OfTask(0).weight, 3);
  EXPECT_EQ(found.part->sums.OfTask(0).loss, 0.75);
  EXPECT_EQ(found.part->sums.OfTask(1).own_loss, 7);
  EXPECT_EQ(found.part->tally.n_rows, 3);
  EXPECT_EQ(found.part->tally.waited_s, 0.5);
  EXPECT_EQ(found.part->tally.aucs[1].WeightOf(7, false), 2);
  EXPECT_EQ(found.part->tally.aucs[1].Value(), 1);

  progress->set_tally("nonsense");
  EXPECT_THAT([&] { ReadChiefState("folder", manifest_); },
              ThrowsMessage<Error>(StartsWith("folder: damaged: the state of a job")));
  progress->clear_slice_sums();
  EXPECT_FALSE(ReadChiefState("folder", manifest_).part);
}

/// A checkpoint after two epochs of a job with the tasks a and b.
Progress WithTwoEpochsOfLosses() {
  Progress progress;
  for (const char* task : {"a", "b"}) progress.add_task_name(task);
  for (const double loss : {1.0, 2.0}) {
    Progress::Losses* losses = progress.add_losses();
    losses->add_task(loss);
    losses->add_task(10 * loss);
  }
  return progress;
}

TEST(LossesOfCheckpoint, AreByTheTasksOfTheJobThatResumes) {
  const Progress progress = WithTwoEpochsOfLosses();
  EXPECT_THAT(LossesOfCheckpoint(progress, {"a", "b"}),
              ElementsAre(ElementsAre(1, 10), ElementsAre(2, 20)));
  EXPECT_THAT(LossesOfCheckpoint(progress, {"b", "new", "a"}),
              Each(ElementsAre(::testing::Ge(10), ::testing::IsNan(), ::testing::Le(2))));
  EXPECT_THAT(LossesOfCheckpoint(Progress(), {"a"}), IsEmpty());
}

TEST(LossesOfCheckpoint, OfAnotherNumberOfTasksAreRefused) {
  Progress progress = WithTwoEpochsOfLosses();
  progress.mutable_losses(1)->add_task(3);
  EXPECT_THAT(
      [&] {
        LossesOfCheckpoint(progress, {"a", "b"});
      },
      ThrowsMessage<Error>("the checkpoint: damaged: losses of 3 tasks of 2"));
}

}  // namespace
}  // namespace zhiyin::worker::train
