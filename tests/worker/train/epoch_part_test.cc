#include "worker/train/epoch_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/error.h"
#include "common/net/sim_network.h"
#include "worker/model/balance/task_balance.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// The parts of an epoch with four slices, two tasks and ten weights, two of them kept by a layer.
class EpochParts : public ::testing::Test {
 protected:
  /// What a worker, or an earlier run, has seen of a slice; `x` tells it from others.
  EpochPart PartOf(int64_t slice, double x) const {
    EpochPart part;
    part.sums.numbers = {slice};
    part.sums.sums = {{2, x, 0, 1, 0, 0}, {1, 10 * x, 0, 1, 0, 0}};
    part.sums.balance.assign(shape_.n_balance, x);
    part.tally.n_rows = 2;
    part.tally.loss_sum = x;
    part.tally.waited_s = 0.5;
    part.tally.aucs.resize(2);
    part.tally.aucs[0].Add(0.5f, 1);
    part.batch_statistics = StatisticsOf(x).Serialize();
    return part;
  }
  model::nn::BatchStatistics StatisticsOf(double x) const {
    model::nn::BatchStatistics statistics(weights_);
    statistics.Add(std::span(weights_).subspan(4, 2), 1, std::vector{static_cast<float>(x)},
                   std::vector{1.0f});
    return statistics;
  }
  static WorkerParts Serialized(const std::vector<EpochPart>& parts) {
    WorkerParts serialized;
    for (const EpochPart& part : parts) {
      serialized.sums.push_back(part.sums.Serialize());
      serialized.tallies.push_back(part.tally.Serialize());
      serialized.batch_statistics.push_back(part.batch_statistics);
    }
    return serialized;
  }
  /// The mean of the layer, over all slices of the part.
  float MeanOf(const EpochPart& part) const {
    model::nn::BatchStatistics statistics(weights_);
    statistics.Add(part.batch_statistics, shape_.n_weights);
    std::vector<float> written(weights_.size());
    statistics.Write(written);
    return written[4];
  }
  /// A checkpoint with this part, of a job with the tasks a and b.
  static Progress CheckpointWith(const EpochPart& part) {
    Progress progress;
    progress.add_task_name("a");
    progress.add_task_name("b");
    SavePart(part, &progress);
    return progress;
  }

  const net::RoleMap roles_ = {.n_servers = 1, .n_workers = 2};
  const std::vector<int64_t> rows_of_slices_ = {2, 2, 2, 2};
  const std::vector<float> weights_ = std::vector<float>(10);
  EpochShape shape_ = {rows_of_slices_, 8, 2, 0, 10};
};

TEST_F(EpochParts, AreAddedToWhatWasLeft) {
  const EpochPart merged =
      MergeParts(PartOf(3, 1), Serialized({PartOf(2, 2), PartOf(0, 6)}), shape_, roles_);
  EXPECT_THAT(merged.sums.numbers, ElementsAre(3, 2, 0));
  EXPECT_THAT(merged.sums.sums, SizeIs(6));
  EXPECT_EQ(merged.sums.sums[5].loss, 60);
  EXPECT_EQ(merged.tally.n_rows, 6);
  EXPECT_EQ(merged.tally.loss_sum, 9);
  EXPECT_EQ(merged.tally.waited_s, 1.5);
  EXPECT_THAT(merged.tally.aucs, SizeIs(2));
  EXPECT_EQ(MeanOf(merged), 3);
}

TEST_F(EpochParts, NeedNothingThatWasLeft) {
  const EpochPart merged =
      MergeParts(EpochPart(), Serialized({PartOf(2, 2), PartOf(0, 6)}), shape_, roles_);
  EXPECT_THAT(merged.sums.numbers, ElementsAre(2, 0));
  EXPECT_EQ(merged.tally.n_rows, 4);
  EXPECT_EQ(MeanOf(merged), 4);
}

TEST_F(EpochParts, OfNoSenseNameTheRank) {
  const WorkerParts good = Serialized({PartOf(2, 2), PartOf(0, 6)});
  for (auto field : {&WorkerParts::sums, &WorkerParts::tallies, &WorkerParts::batch_statistics}) {
    WorkerParts parts = good;
    (parts.*field)[1] = "nonsense that is no part";
    EXPECT_THAT([&] { MergeParts(EpochPart(), parts, shape_, roles_); },
                ThrowsMessage<Error>(StartsWith("rank 2: ")));
  }
  // A slice that no epoch of this shape has.
  EXPECT_THAT(
      [&] {
        MergeParts(EpochPart(), Serialized({PartOf(2, 2), PartOf(4, 6)}), shape_, roles_);
      },
      ThrowsMessage<Error>(AllOf(StartsWith("rank 2: "), HasSubstr("slice 4"))));
}

TEST_F(EpochParts, ComeToTheChiefFromAllWorkers) {
  net::SimNetwork network(roles_.n_ranks(), {});
  network.Run([&](net::Endpoint& endpoint) {
    if (roles_.IsServer(endpoint.rank())) return;
    net::Mailbox mailbox(&endpoint, 1000);
    Group group(&mailbox, roles_);
    const int worker = group.worker();
    const EpochPart own = PartOf(worker, worker + 1);
    const WorkerParts parts = GatherParts(own.sums, own.tally, StatisticsOf(worker + 1), &group);
    if (!group.IsChief()) {
      EXPECT_THAT(parts.sums, IsEmpty());
      EXPECT_THAT(parts.tallies, IsEmpty());
      EXPECT_THAT(parts.batch_statistics, IsEmpty());
      return;
    }
    const EpochPart merged = MergeParts(EpochPart(), parts, shape_, roles_);
    EXPECT_THAT(merged.sums.numbers, ElementsAre(0, 1));
    EXPECT_EQ(merged.tally.loss_sum, 3);
    EXPECT_EQ(MeanOf(merged), 1.5);
  });
}

TEST_F(EpochParts, SurviveACheckpoint) {
  shape_.n_balance = model::balance::BalanceSums(2).numbers().size();
  const EpochPart saved = PartOf(1, 3);
  const EpochPart found = PartOfCheckpoint(CheckpointWith(saved), {"a", "b"}, shape_);
  EXPECT_EQ(found.sums.Serialize(), saved.sums.Serialize());
  EXPECT_EQ(found.tally.Serialize(), saved.tally.Serialize());
  EXPECT_EQ(found.batch_statistics, saved.batch_statistics);
}

TEST_F(EpochParts, AreTranslatedForOtherTasks) {
  shape_.n_balance = model::balance::BalanceSums(2).numbers().size();
  const Progress progress = CheckpointWith(PartOf(1, 3));
  EpochShape now = shape_;
  now.n_tasks = 3;
  now.n_balance = model::balance::BalanceSums(3).numbers().size();
  const EpochPart found = PartOfCheckpoint(progress, {"b", "new", "a"}, now);
  EXPECT_THAT(found.sums.numbers, ElementsAre(1));
  ASSERT_THAT(found.sums.sums, SizeIs(3));
  EXPECT_EQ(found.sums.sums[0].loss, 30);
  EXPECT_EQ(found.sums.sums[1].n, 0);
  EXPECT_EQ(found.sums.sums[2].loss, 3);
  EXPECT_THAT(found.sums.balance, AllOf(SizeIs(now.n_balance), Each(0)));
  EXPECT_EQ(found.tally.n_rows, 2);
  ASSERT_THAT(found.tally.aucs, SizeIs(3));
  EXPECT_THAT(found.tally.aucs[0].counts(), Each(0));
  const std::vector<int64_t> counts(found.tally.aucs[2].counts().begin(),
                                    found.tally.aucs[2].counts().end());
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 1), 1);
  // The workers of the job that resumes can add theirs to it.
  EXPECT_NO_THROW(SliceSums::Parse(found.sums.Serialize(), rows_of_slices_, 3, now.n_balance));
}

TEST_F(EpochParts, OfACheckpointBetweenEpochsAreEmpty) {
  Progress progress;
  progress.add_task_name("a");
  const EpochPart found = PartOfCheckpoint(progress, {"a", "b"}, shape_);
  EXPECT_THAT(found.sums.numbers, IsEmpty());
  EXPECT_EQ(found.tally.n_rows, 0);
  EXPECT_EQ(found.batch_statistics, "");
}

TEST_F(EpochParts, OfADamagedCheckpointAreRefused) {
  Progress progress = CheckpointWith(PartOf(1, 3));
  progress.set_tally("nonsense");
  EXPECT_THROW(PartOfCheckpoint(progress, {"a", "b"}, shape_), Error);
  progress = CheckpointWith(PartOf(4, 3));
  EXPECT_THROW(PartOfCheckpoint(progress, {"a", "b"}, shape_), Error);
  progress = CheckpointWith(PartOf(1, 3));
  progress.add_task_name("c");
  EXPECT_THROW(PartOfCheckpoint(progress, {"a", "b"}, shape_), Error);
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
