#include "worker/train/epoch_evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"
#include "worker/train/model_weights.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::StartsWith;

/// What the chief of so many workers finds of a model that was never trained.
EpochEvaluation EvaluateWith(const Job& job, int n_workers) {
  const net::RoleMap roles = {.n_servers = 2, .n_workers = n_workers};
  const size_t n_numerics = static_cast<size_t>(job.numeric_size());
  const data::Normalizer normalizer = {std::vector<float>(n_numerics),
                                       std::vector<float>(n_numerics, 1.0f)};
  EpochEvaluation found;
  testing::RunCluster(job, roles, 1, [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
    Tools tools(job, roles, /*evaluates=*/true, /*n_threads=*/1, mailbox);
    tools.evaluator->Load([](const data::BadLine& line) { ADD_FAILURE() << line.what; });
    InitModelWeights(job, &tools);
    EpochEvaluation own = EvaluateModel(normalizer, &tools);
    if (worker == 0) {
      found = std::move(own);
    } else {
      EXPECT_EQ(own.n_rows_made, 0);
    }
  });
  return found;
}

TEST(EvaluateModel, FindsTheSameWithAnyNumberOfWorkersAndMakesNoRow) {
  const Job job = testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3);
  const EpochEvaluation alone = EvaluateWith(job, 1);
  EXPECT_EQ(alone.result.n_rows, 1000);
  EXPECT_EQ(alone.result.tasks.size(), 2u);
  EXPECT_GT(alone.result.loss, 0);
  EXPECT_EQ(alone.n_rows_made, 0);
  const EpochEvaluation together = EvaluateWith(job, 3);
  EXPECT_EQ(together.result.n_rows, 1000);
  EXPECT_EQ(together.result.loss, alone.result.loss);
  EXPECT_EQ(together.n_rows_made, 0);
}

/// A result with the tasks a, which has an AUC, b, which has none, and c, which has no metric.
EvaluationResult ResultOfThreeTasks() {
  EvaluationResult found;
  found.loss = 0.5;
  found.tasks.resize(3);
  found.tasks[0].task = "a";
  found.tasks[0].auc = 0.75;
  found.tasks[0].mse = 0.125;
  found.tasks[1].task = "b";
  found.tasks[1].mse = 0.0625;
  found.tasks[2].task = "c";
  return found;
}

TEST(EpochEvaluation, HasALineOfMetricsForEachTask) {
  const std::vector<Json> lines = TestLines(2, 14, ResultOfThreeTasks());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0].dump(),
              StartsWith(R"({"epoch":2,"step":14,"split":"test","task":"a","auc":0.75,)"));
  EXPECT_THAT(lines[1].dump(),
              StartsWith(R"({"epoch":2,"step":14,"split":"test","task":"b","auc":null,)"));
}

TEST(EpochEvaluation, IsALineOnTheScreen) {
  EXPECT_EQ(EvaluationLine(2, 3, 0.4, ResultOfThreeTasks()),
            "epoch 2/3  train loss 0.40000  test loss 0.50000  a AUC 0.75000  b MSE 0.06250");
}

}  // namespace
}  // namespace zhiyin::worker::train
