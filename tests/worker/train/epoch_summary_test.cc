#include "worker/train/epoch_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/error.h"
#include "launch/job/load_job.h"
#include "worker/model/balance/task_balance.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::Optional;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// A job with a probability "a" and a number "b", which weighs twice as much.
Job JobOfTwoTasks() {
  return launch::job::ParseJob(R"(
      data { text { column_name: ["id", "a", "b"] } train { file: "a.csv" } }
      table { name: "ids" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "id" }
      task { name: "a" label { equals: "1" } binary_cross_entropy {} }
      task { name: "b" weight: 2 label { number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 9 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                               "job", ".", {});
}

/// What was seen of a slice, without labels of the task b.
EpochPart SliceWith(int64_t number, int64_t n_rows, double loss, const model::TaskSums& of_b = {},
                    std::vector<double> balance = {}) {
  EpochPart part;
  part.sums = EpochSums({.n_slices = 3, .n_tasks = 2, .n_balance = balance.size()});
  const double n = static_cast<double>(n_rows);
  part.sums.Add(number, std::vector<model::TaskSums>{{n, n, loss, 0.5, 1, 0.25, 0}, of_b}, balance);
  part.tally = EpochTally(2);
  part.tally.n_rows = n_rows;
  part.tally.waited_s = 0.25;
  return part;
}

/// An epoch of ten examples in three slices: one was done before a resume, two workers did the
/// others.
class EpochSummaries : public ::testing::Test {
 protected:
  EpochSummary SumUp() const {
    WorkerParts parts;
    for (const EpochPart& part : workers_) {
      parts.sums.push_back(part.sums.Serialize());
      parts.tallies.push_back(part.tally.Serialize());
    }
    return SumUpEpoch(heads_, shape_, left_, parts, {.n_servers = 1, .n_workers = 2});
  }
  std::vector<EpochPart*> AllParts() { return {&left_, &workers_[0], &workers_[1]}; }

  const Job job_ = JobOfTwoTasks();
  const model::TaskHeads heads_{job_};
  EpochShape shape_ = {{.n_slices = 3, .n_tasks = 2, .n_balance = 0}, 10, 0};
  EpochPart left_ = SliceWith(1, 3, 0.5);
  std::vector<EpochPart> workers_ = {SliceWith(2, 3, 1.5), SliceWith(0, 4, 3)};
};

TEST_F(EpochSummaries, AddWhatWasLeftAndWhatWorkersDid) {
  workers_[0] = SliceWith(2, 3, 1.5, {2, 2, 3, 0, 1, 1, 0});
  const EpochSummary summary = SumUp();
  EXPECT_THAT(summary.mean_losses, ElementsAre(0.5, 1.5));
  EXPECT_DOUBLE_EQ(summary.train_loss, 5 / 10.0 + 2 * (3 / 2.0));
  EXPECT_EQ(summary.n_samples, 10);
  EXPECT_THAT(summary.worker_samples, ElementsAre(3, 4));
  EXPECT_EQ(summary.waited_s, 0.5) << "this run's";
  ASSERT_EQ(summary.metrics.size(), 2u);
  EXPECT_EQ(summary.metrics[0].task, "a");
  EXPECT_EQ(summary.metrics[0].n_samples, 10);
  EXPECT_DOUBLE_EQ(summary.metrics[0].label_mean, 0.3);
  EXPECT_THAT(summary.metrics[0].log_loss, Optional(0.5));
  EXPECT_EQ(summary.metrics[1].n_samples, 2);
  EXPECT_THAT(summary.metrics[1].mse, Optional(0.5));
  EXPECT_FALSE(summary.metrics[1].log_loss);
  EXPECT_THAT(summary.own_losses, ElementsAre(std::nullopt, std::nullopt));
  EXPECT_TRUE(summary.task_balance.is_null());
}

TEST_F(EpochSummaries, CountExamplesByTheirWeights) {
  workers_[0] = SliceWith(2, 3, 1.5, {2, 5, 3, 0, 1, 1, 0});
  const EpochSummary summary = SumUp();
  EXPECT_THAT(summary.mean_losses, ElementsAre(0.5, 0.6));
  EXPECT_DOUBLE_EQ(summary.train_loss, 0.5 + 2 * 0.6);
  EXPECT_EQ(summary.metrics[1].n_samples, 2);
  EXPECT_EQ(summary.metrics[1].label_mean, 0.2);
  EXPECT_THAT(summary.metrics[1].mse, Optional(0.2));
}

TEST_F(EpochSummaries, NeedNothingThatWasLeft) {
  workers_[0].sums.Merge(left_.sums);
  workers_[0].tally.Merge(left_.tally);
  left_ = EpochPart();
  const EpochSummary summary = SumUp();
  EXPECT_THAT(summary.worker_samples, ElementsAre(6, 4));
  EXPECT_EQ(summary.n_samples, 10);
  EXPECT_EQ(summary.mean_losses[0], 0.5);
}

TEST_F(EpochSummaries, ATaskWithoutLabelsHasNoMeanLossAndAddsNone) {
  const EpochSummary summary = SumUp();
  EXPECT_THAT(summary.mean_losses, ElementsAre(0.5, IsNan()));
  EXPECT_DOUBLE_EQ(summary.train_loss, 0.5);
}

TEST_F(EpochSummaries, TheirBitsDoNotDependOnWhoTookASlice) {
  const std::vector<EpochPart> slices = {SliceWith(0, 4, 0.1), SliceWith(1, 3, 0.2),
                                         SliceWith(2, 3, 1e9 / 3)};
  std::vector<size_t> order = {0, 1, 2};
  std::vector<double> losses;
  do {
    left_ = slices[order[0]];
    workers_ = {slices[order[1]], slices[order[2]]};
    losses.push_back(SumUp().train_loss);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_THAT(losses, ::testing::AllOf(::testing::SizeIs(6), ::testing::Each(losses[0])));
}

TEST_F(EpochSummaries, TheAucIsThatOfAllPredictions) {
  for (EpochPart* part : AllParts()) part->tally.aucs[0].Add(0.25f, 0);
  workers_[0].tally.aucs[0].Add(0.75f, 1);
  left_.tally.aucs[0].Add(0.125f, 1);
  EXPECT_THAT(SumUp().metrics[0].auc, Optional(0.5));
  EXPECT_FALSE(SumUp().metrics[1].auc);
}

TEST_F(EpochSummaries, TellOfAuxiliaryLossesAndTheBalance) {
  shape_.sums.n_balance = model::balance::BalanceSums(2).numbers().size();
  int64_t slice = 0;
  for (EpochPart* part : AllParts()) {
    const double factor = static_cast<double>(slice);
    model::balance::TaskFactors factors(2);
    factors.shared = {factor, 2 * factor};
    factors.own = factors.shared;
    model::balance::BalanceSums numbers(2);
    numbers.AddFactors(factors);
    *part = SliceWith(slice++, 4, 2, {.own_loss = 2},
                      {numbers.numbers().begin(), numbers.numbers().end()});
  }
  const EpochSummary summary = SumUp();
  EXPECT_THAT(summary.own_losses, ElementsAre(std::nullopt, Optional(0.6)));
  EXPECT_DOUBLE_EQ(summary.train_loss, 0.5) << "an auxiliary loss has a figure of its own";
  EXPECT_EQ(summary.task_balance,
            (Json{{"a", {{"task_weight", 1.0}}}, {"b", {{"task_weight", 2.0}}}}));
  const std::vector<Json> lines = TrainLines(3, 15, summary);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0].dump(),
              StartsWith(R"({"epoch":3,"step":15,"split":"train","task":"a","auc":null,)"));
  EXPECT_EQ(lines[0]["task_weight"], 1.0);
  EXPECT_FALSE(lines[0].contains("own_loss"));
  EXPECT_THAT(lines[1].dump(), HasSubstr(R"("task_weight":2.0,"own_loss":0.6})"));
}

TEST_F(EpochSummaries, LinesLeaveOutWhatIsNotKnown) {
  for (const Json& line : TrainLines(1, 5, SumUp())) {
    EXPECT_FALSE(line.contains("task_weight"));
    EXPECT_FALSE(line.contains("own_loss"));
  }
}

TEST_F(EpochSummaries, APartOfNoSenseNamesTheRank) {
  workers_[1] = SliceWith(0, 11, 1);
  EXPECT_THAT([&] { SumUp(); }, ThrowsMessage<Error>(StartsWith("rank 2: ")));
  workers_[1] = SliceWith(0, 4, 1);
  workers_[1].tally.left_out.n = 5;
  EXPECT_THAT([&] { SumUp(); },
              ThrowsMessage<Error>(HasSubstr("rank 2: progress of a worker: 5 of 4 rows were left "
                                             "out")));
  workers_[1].tally.left_out.n = 0;
  workers_[0].tally.n_rows = -1;
  EXPECT_THAT([&] { SumUp(); }, ThrowsMessage<Error>(StartsWith("rank 1: ")));
}

TEST_F(EpochSummaries, EverySliceIsTakenOnce) {
  workers_[1] = SliceWith(1, 3, 1);
  EXPECT_THAT([&] { SumUp(); }, ThrowsMessage<Error>(HasSubstr("slice 1 was taken twice")));
  workers_[1].sums = EpochSums(shape_.sums);
  EXPECT_THAT([&] { SumUp(); }, ThrowsMessage<Error>(HasSubstr("slice 0 was taken by nobody")));
}

TEST_F(EpochSummaries, AreAddedToTheTotals) {
  TrainingTotals totals;
  totals.worker_samples = {100, 200};
  totals.n_left_out = 5;
  left_.tally.left_out.n = 1;
  workers_[1].tally.left_out.n = 2;
  workers_[1].tally.left_out.first = {{0, 3, "that one"}};
  totals.n_samples = 300;
  totals.waited_s = 1;
  totals.train_loss = 7;
  EpochSummary summary = SumUp();
  AddEpoch(summary, &totals);
  EXPECT_THAT(totals.worker_samples, ElementsAre(103, 204));
  EXPECT_EQ(totals.n_samples, 310);
  EXPECT_EQ(summary.left_out.first.at(0).name, "that one");
  EXPECT_EQ(totals.n_left_out, 8);
  EXPECT_EQ(totals.waited_s, 1.5);
  EXPECT_EQ(totals.train_loss, summary.train_loss);
  EXPECT_TRUE(totals.task_balance.is_null());
  // The balance of the last epoch is told; tasks stay in the order in which they were first told.
  totals.task_balance = {{"b", 1}, {"gone", 2}};
  AddEpoch(summary, &totals);
  EXPECT_EQ(totals.task_balance.dump(), R"({"b":1,"gone":2})");
  summary.task_balance = {{"a", 3}, {"b", 4}};
  AddEpoch(summary, &totals);
  EXPECT_EQ(totals.task_balance.dump(), R"({"b":4,"gone":2,"a":3})");
}

}  // namespace
}  // namespace zhiyin::worker::train
