#include "worker/train/stopping_rule.h"

#include <gtest/gtest.h>

#include <vector>

#include "launch/job/load_job.h"
#include "tests/support/refused_jobs.h"

namespace zhiyin::worker::train {
namespace {

Job JobThatStops(const std::string& stopping) {
  return launch::job::ParseJob(R"(
      data { text { column_name: ["id", "a", "b"] } train { file: "a.csv" } test { file: "b.csv" } }
      table { name: "ids" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "id" }
      task { name: "a" label { equals: "1" } binary_cross_entropy {} }
      task { name: "b" label { number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 9 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } early_stopping { )" +
                                   stopping + "} }",
                               "job", ".", {});
}

EvaluationResult Found(double loss, std::optional<double> auc = {},
                       std::optional<double> rmse = {}) {
  EvaluationResult found;
  found.loss = loss;
  found.tasks.resize(2);
  found.tasks[0].task = "a";
  found.tasks[0].auc = auc;
  found.tasks[1].task = "b";
  found.tasks[1].rmse = rmse;
  return found;
}

/// Of the losses of an epoch each: where it stops, 0 if nowhere, and the best.
std::pair<int64_t, int64_t> RunOf(const Job& job, const std::vector<double>& losses) {
  StoppingRule rule(job);
  int64_t epoch = 0;
  for (const double loss : losses) {
    if (rule.Judge(++epoch, Found(loss)).stop) return {epoch, rule.best_epoch()};
  }
  return {0, rule.best_epoch()};
}

TEST(StoppingRule, StopsAfterAsManyEvaluationsWithoutANewBest) {
  EXPECT_EQ(RunOf(JobThatStops("patience: 2"), {5, 4, 4.5, 4.2, 1}),
            std::pair(int64_t{4}, int64_t{2}));
  EXPECT_EQ(RunOf(JobThatStops("patience: 2"), {5, 4, 4.5, 3, 3.5}),
            std::pair(int64_t{0}, int64_t{4}));
  EXPECT_EQ(RunOf(JobThatStops("patience: 1"), {5, 5}), std::pair(int64_t{2}, int64_t{1}))
      << "as good is no better";
  EXPECT_EQ(RunOf(JobThatStops(""), {5, 6, 7, 8}), std::pair(int64_t{0}, int64_t{1}))
      << "it only looks for the best";
}

TEST(StoppingRule, ALittleBetterIsNoBetter) {
  EXPECT_EQ(RunOf(JobThatStops("patience: 3 min_delta: 0.5"), {5, 4.6, 4.55, 4.52}),
            std::pair(int64_t{4}, int64_t{1}));
  // Compared with the best, not with the one before.
  EXPECT_EQ(RunOf(JobThatStops("patience: 3 min_delta: 0.5"), {5, 4.6, 4.4, 4.3}),
            std::pair(int64_t{0}, int64_t{3}));
}

TEST(StoppingRule, KnowsWhatIsBetter) {
  const Job job =
      JobThatStops(R"(term { task: "a" metric: AUC weight: 2 } term { task: "b" metric: RMSE })");
  const StoppingRule rule(job);
  EXPECT_DOUBLE_EQ(*rule.ValueOf(Found(1, 0.75, 0.25)), 1.25);
  EXPECT_FALSE(rule.ValueOf(Found(1, {}, 0.25)));
  EXPECT_DOUBLE_EQ(*StoppingRule(JobThatStops("patience: 1")).ValueOf(Found(3)), -3);
}

TEST(StoppingRule, AnUndefinedValueIsNeverTheBest) {
  const Job job = JobThatStops(R"(patience: 2 term { task: "a" })");
  StoppingRule rule(job);
  EXPECT_FALSE(rule.Judge(1, Found(1)).is_best);
  EXPECT_EQ(rule.best_epoch(), 0);
  EXPECT_TRUE(rule.Judge(2, Found(1, 0.5)).is_best);
  EXPECT_FALSE(rule.Judge(3, Found(1)).stop);
  EXPECT_TRUE(rule.Judge(4, Found(1)).stop);
}

TEST(EarlyStopping, IsRefusedWhereNothingIsCompared) {
  const auto line = [](const std::string& stopping) {
    return testing::LineOfJob(
        R"(data { text { header: true } train { file: "a" } test { file: "b" } }
table { name: "ids" dim: 8 optimizer { sgd { learning_rate: 0.1 } } }
field { name: "user" } field { name: "item" }
task { name: "one" label { equals: "1" } binary_cross_entropy {} weight: 0 }
model { two_tower { user { field: "user" } item { field: "item" } dim: 8 in_batch {} } }
train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 0.1 } }
early_stopping { )" +
        stopping + " } }");
  };
  EXPECT_EQ(line(""),
            "job:7: train.early_stopping: compares the tasks' losses, and all tasks have weight 0: "
            "expected a term");
  EXPECT_EQ(line("term { task: \"one\" metric: AUC }"), testing::kNoError);
}

}  // namespace
}  // namespace zhiyin::worker::train
