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
  const data::Normalizer normalizer = {std::vector<double>(n_numerics),
                                       std::vector<double>(n_numerics, 1.0f)};
  EpochEvaluation found;
  testing::RunCluster(job, roles, 1, [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
    Tools tools(job, roles, {data::SplitKind::kTest}, /*n_threads=*/1, mailbox);
    EXPECT_EQ(tools.evaluators[0]->Load(nullptr).n_bad, 0);
    InitModelWeights(job, std::vector<double>(static_cast<size_t>(job.task_size())), &tools);
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
  Job job = testing::ExampleJob("mmoe { n_experts: 2 expert: 3 }", 3);
  job.mutable_evaluation()->set_gauc_field("user_region");
  const EpochEvaluation alone = EvaluateWith(job, 1);
  ASSERT_TRUE(alone.found.test);
  EXPECT_FALSE(alone.found.validation);
  EXPECT_EQ(alone.found.test->n_rows, 1000);
  ASSERT_EQ(alone.found.test->tasks.size(), 2u);
  EXPECT_GT(alone.found.test->loss, 0);
  EXPECT_EQ(alone.n_rows_made, 0);
  EXPECT_TRUE(alone.found.test->tasks[1].gauc);
  for (const int n_workers : {3, 4}) {
    const EpochEvaluation together = EvaluateWith(job, n_workers);
    EXPECT_EQ(together.found.test->n_rows, 1000);
    EXPECT_EQ(together.found.test->loss, alone.found.test->loss);
    EXPECT_EQ(together.n_rows_made, 0);
    for (size_t t = 0; t < 2; ++t) {
      for (const model::metric::Metric& metric : model::metric::Metrics()) {
        EXPECT_EQ(together.found.test->tasks[t].*metric.value,
                  alone.found.test->tasks[t].*metric.value)
            << metric.key;
      }
    }
  }
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
  const std::vector<Json> lines =
      EvaluationLines(2, 14, {.validation = {}, .test = ResultOfThreeTasks()});
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0].dump(),
              StartsWith(R"({"epoch":2,"step":14,"split":"test","task":"a","auc":0.75,)"));
  EXPECT_THAT(lines[1].dump(),
              StartsWith(R"({"epoch":2,"step":14,"split":"test","task":"b","auc":null,)"));
}

TEST(EpochEvaluation, IsALineOnTheScreen) {
  EXPECT_EQ(EvaluationLine(2, 3, 0.4, {.validation = {}, .test = ResultOfThreeTasks()}),
            "epoch 2/3  train loss 0.40000  test loss 0.50000  a AUC 0.75000  b MSE 0.06250");
  EvaluationResult validation;
  validation.loss = 0.25;
  EXPECT_EQ(EvaluationLine(2, 3, 0.4, {.validation = validation, .test = ResultOfThreeTasks()}),
            "epoch 2/3  train loss 0.40000  validation loss 0.25000  test loss 0.50000  a AUC "
            "0.75000  b MSE 0.06250");
}

}  // namespace
}  // namespace zhiyin::worker::train
