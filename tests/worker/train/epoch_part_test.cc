#include "worker/train/epoch_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    part.sums = EpochSums(shape_.sums);
    part.sums.Add(slice,
                  std::vector<model::TaskSums>{{2, 2, x, 0, 1, 0, 0}, {1, 3, 10 * x, 0, 1, 0, 0}},
                  std::vector<double>(shape_.sums.n_balance, x));
    part.tally = EpochTally(2);
    part.tally.n_rows = 2;
    part.tally.losses = {{2, x}, {3, 20 * x}};
    part.tally.waited_s = 0.5;
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
  const net::RoleMap roles_ = {.n_servers = 1, .n_workers = 2};
  const std::vector<float> weights_ = std::vector<float>(10);
  EpochShape shape_ = {{.n_slices = 4, .n_tasks = 2, .n_balance = 0}, 8, 10};
};

TEST_F(EpochParts, AreAddedToWhatWasLeft) {
  const EpochPart merged =
      MergeParts(PartOf(3, 1), Serialized({PartOf(2, 2), PartOf(0, 6)}), shape_, roles_);
  EXPECT_THAT(merged.sums.Slices(), ElementsAre(0, 2, 3));
  EXPECT_EQ(merged.sums.OfTask(1).n, 3);
  EXPECT_EQ(merged.sums.OfTask(1).weight, 9);
  EXPECT_EQ(merged.sums.OfTask(1).loss, 90);
  EXPECT_EQ(merged.tally.n_rows, 6);
  EXPECT_EQ(merged.tally.MeanLoss(), 9.0 / 6 + 20 * 9.0 / 9);
  EXPECT_EQ(merged.tally.waited_s, 1.5);
  EXPECT_THAT(merged.tally.aucs, SizeIs(2));
  EXPECT_EQ(MeanOf(merged), 3);
}

TEST_F(EpochParts, NeedNothingThatWasLeft) {
  const EpochPart merged =
      MergeParts(EpochPart(), Serialized({PartOf(2, 2), PartOf(0, 6)}), shape_, roles_);
  EXPECT_THAT(merged.sums.Slices(), ElementsAre(0, 2));
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
  EXPECT_THAT(
      [&] {
        MergeParts(EpochPart(), Serialized({PartOf(2, 2), PartOf(2, 6)}), shape_, roles_);
      },
      ThrowsMessage<Error>(AllOf(StartsWith("rank 2: "), HasSubstr("slice 2 was taken twice"))));
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
    EXPECT_THAT(merged.sums.Slices(), ElementsAre(0, 1));
    EXPECT_EQ(merged.tally.losses[0].loss, 3);
    EXPECT_EQ(MeanOf(merged), 1.5);
  });
}

TEST_F(EpochParts, AreTranslatedForOtherTasks) {
  shape_.sums.n_balance = model::balance::BalanceSums(2).numbers().size();
  const EpochPart saved = PartOf(1, 3);
  const EpochPart same = OrderedPart(saved, {"a", "b"}, {"a", "b"}, shape_.sums.n_balance);
  EXPECT_EQ(same.sums.Serialize(), saved.sums.Serialize());
  const size_t n_balance = model::balance::BalanceSums(3).numbers().size();
  const EpochPart found = OrderedPart(saved, {"a", "b"}, {"b", "new", "a"}, n_balance);
  EXPECT_THAT(found.sums.Slices(), ElementsAre(1));
  EXPECT_EQ(found.sums.OfTask(0).loss, 30);
  EXPECT_EQ(found.sums.OfTask(1).n, 0);
  EXPECT_EQ(found.sums.OfTask(2).loss, 3);
  EXPECT_THAT(found.sums.OfBalance(), AllOf(SizeIs(n_balance), Each(0)));
  EXPECT_EQ(found.tally.n_rows, 2);
  ASSERT_THAT(found.tally.losses, SizeIs(3));
  EXPECT_EQ(found.tally.losses[0].loss, 60);
  EXPECT_EQ(found.tally.losses[1].weight, 0);
  ASSERT_THAT(found.tally.aucs, SizeIs(3));
  const int middle = model::metric::RunningAuc::kNumBins / 2;
  EXPECT_EQ(found.tally.aucs[1].WeightOf(middle, true), 0);
  EXPECT_EQ(found.tally.aucs[2].WeightOf(middle, true), 1);
  // The workers of the job that resumes can add theirs to it.
  EXPECT_NO_THROW(EpochSums::Parse(found.sums.Serialize(),
                                   {.n_slices = 4, .n_tasks = 3, .n_balance = n_balance}, 8));
}

TEST_F(EpochParts, WithoutFiguresOfABalanceThatTheJobHasNow) {
  const EpochPart found = OrderedPart(PartOf(1, 3), {"a", "b"}, {"a", "b"}, 7);
  EXPECT_EQ(found.sums.OfTask(0).loss, 3);
  EXPECT_THAT(found.sums.OfBalance(), AllOf(SizeIs(7), Each(0)));
}

TEST(EpochSums, HaveTheSizeOfTheTasksNotOfTheSlices) {
  const auto size = [](size_t n_done) {
    const SumsShape shape = {.n_slices = 6400, .n_tasks = 50, .n_balance = 0};
    EpochSums sums(shape);
    for (size_t slice = 0; slice < n_done; ++slice)
      sums.Add(static_cast<int64_t>(slice),
               std::vector<model::TaskSums>(
                   50, {64, 64, 0.69 * static_cast<double>(slice % 7), 31.7, 32, 15.9, 0.1}),
               {});
    return sums.Serialize().size();
  };
  EXPECT_LT(size(6000), 50 * 7 * 20);
  EXPECT_LT(size(6000), size(60) * 3 / 2);
}

}  // namespace
}  // namespace zhiyin::worker::train
