#include "worker/train/stopping_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "launch/job/load_job.h"
#include "tests/support/refused_jobs.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::HasSubstr;

Job JobThatStops(const std::string& stopping, const std::string& evaluation = "") {
  return launch::job::ParseJob(R"(
      data { text { column_name: ["id", "a", "b"] } train { file: "a.csv" } test { file: "b.csv" } }
      table { name: "ids" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "id" }
      task { name: "a" label { equals: "1" } binary_cross_entropy {} }
      task { name: "b" label { number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 9 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } early_stopping { )" +
                                   stopping + "} } evaluation { " + evaluation + " }",
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

TEST(StoppingRule, ComparesEveryMetric) {
  EvaluationResult found = Found(1);
  found.tasks[0].average_precision = 0.5;
  found.tasks[0].gauc = 0.25;
  found.tasks[0].normalized_entropy = 0.125;
  const auto value = [&](const std::string& metric) {
    const Job job =
        JobThatStops("term { task: \"a\" metric: " + metric + " }", "gauc_field: \"id\"");
    return StoppingRule(job).ValueOf(found);
  };
  EXPECT_EQ(value("AVERAGE_PRECISION"), 0.5);
  EXPECT_EQ(value("GAUC"), 0.25);
  EXPECT_EQ(value("NORMALIZED_ENTROPY"), -0.125);
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

/// A first value that is not a number would be the best for ever, since nothing compares as better.
TEST(StoppingRule, AValueThatIsNotFiniteIsNeverTheBest) {
  for (const double loss : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    const Job job = JobThatStops("patience: 3");
    StoppingRule rule(job);
    EXPECT_FALSE(rule.Judge(1, Found(loss)).is_best) << loss;
    EXPECT_TRUE(rule.Judge(2, Found(5)).is_best) << loss;
    EXPECT_FALSE(rule.Judge(3, Found(loss)).is_best) << loss;
    EXPECT_EQ(rule.best_epoch(), 2);
    const Job of_terms = JobThatStops(R"(term { task: "b" metric: RMSE })");
    EXPECT_FALSE(StoppingRule(of_terms).ValueOf(Found(1, {}, loss)));
  }
}

TEST(EarlyStopping, IsRefusedWhereItsMetricIsUndefined) {
  const auto refusal = [](const std::string& stopping, data::LabelRange a,
                          data::SplitKind split = data::SplitKind::kTest) {
    data::SplitSummary test;
    test.n_observed = {40, 40};
    test.labels = {a, {0, 9}};
    try {
      CheckStoppingMetrics(JobThatStops(stopping, "gauc_field: \"id\""), split, test);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string by_auc = R"(term { task: "b" metric: RMSE } term { task: "a" metric: AUC })";
  EXPECT_EQ(refusal(by_auc, {0, 1}), "");
  EXPECT_EQ(refusal(by_auc, {1, 1}),
            "train.early_stopping.term[1]: AUC of task a is undefined: all 40 labels of data.test "
            "are 1, expected both classes, or a metric that one class has");
  EXPECT_THAT(refusal(by_auc, {1, 1}, data::SplitKind::kValidation),
              HasSubstr("all 40 labels of data.validation are 1"));
  EXPECT_NE(refusal(by_auc, {0, 0.25f}), "");
  const auto by = [](const std::string& metric) {
    return "term { task: \"a\" metric: " + metric + " }";
  };
  EXPECT_NE(refusal(by("GAUC"), {1, 1}), "");
  EXPECT_NE(refusal(by("NORMALIZED_ENTROPY"), {0, 0}), "");
  EXPECT_NE(refusal(by("NORMALIZED_ENTROPY"), {1, 1}), "");
  EXPECT_EQ(refusal(by("NORMALIZED_ENTROPY"), {0, 0.25}), "") << "its mean is between 0 and 1";
  EXPECT_NE(refusal(by("AVERAGE_PRECISION"), {0, 0}), "");
  EXPECT_EQ(refusal(by("AVERAGE_PRECISION"), {1, 1}), "") << "it is 1";
  EXPECT_EQ(refusal(R"(term { task: "a" metric: LOG_LOSS })", {1, 1}), "");
  EXPECT_EQ(refusal(R"(term { task: "a" metric: LOG_LOSS })", {}),
            "train.early_stopping.term[0]: LOG_LOSS of task a is undefined: no label of data.test "
            "has a weight above 0, expected some");
  EXPECT_EQ(refusal("patience: 1", {1, 1}), "") << "the loss is defined";
}

TEST(StoppingRule, ComparesEvaluationsOfOneSplitAndOneSum) {
  const Job job = JobThatStops("");
  const auto compares = [&](const Job& before, const std::function<void(Job*)>& change) {
    Job now = before;
    change(&now);
    return ComparesAlike(before, now);
  };
  const auto weigh = [](Job* now) { now->mutable_task(1)->set_weight(2); };
  EXPECT_TRUE(compares(job, [](Job* now) {
    now->mutable_train()->mutable_early_stopping()->set_patience(7);
    now->mutable_train()->set_epochs(3);
  }));
  EXPECT_FALSE(compares(job, weigh));
  EXPECT_FALSE(compares(job, [](Job* now) { *now->add_task() = now->task(0); }));
  EXPECT_FALSE(compares(job, [](Job* now) { now->mutable_data()->mutable_test()->set_n_rows(5); }));
  EXPECT_FALSE(compares(
      job, [](Job* now) { now->mutable_train()->mutable_early_stopping()->set_keep_best(false); }));
  const Job of_terms = JobThatStops(R"(term { task: "b" metric: RMSE })");
  EXPECT_FALSE(ComparesAlike(job, of_terms));
  EXPECT_TRUE(compares(of_terms, weigh));
  EXPECT_FALSE(compares(of_terms, [](Job* now) {
    now->mutable_train()->mutable_early_stopping()->mutable_term(0)->set_weight(3);
  }));
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
  for (const char* stopping : {"", "patience: 3", "keep_best: true", "patience: 3 keep_best: false",
                               "patience: 3 min_delta: 0.1"}) {
    EXPECT_EQ(line(stopping),
              "job:7: train.early_stopping: compares the tasks' losses, and all tasks have weight "
              "0: expected a term")
        << stopping;
  }
  for (const char* metric : {"AUC", "RMSE", "LOG_LOSS", "AVERAGE_PRECISION", "NORMALIZED_ENTROPY"})
    EXPECT_EQ(line(std::string("term { task: \"one\" metric: ") + metric + " }"),
              testing::kNoError);
  EXPECT_EQ(
      line("term { task: \"one\" metric: GAUC }"),
      "job:7: train.early_stopping.term[0].metric: is GAUC, and there are no groups: expected "
      "a field in evaluation.gauc_field");
  EXPECT_EQ(line("term { task: \"one\" weight: 0 }"),
            "job:7: train.early_stopping.term[0].weight: is 0, expected a number above 0");
}

}  // namespace
}  // namespace zhiyin::worker::train
