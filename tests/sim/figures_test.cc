// Figures of training and of test mean the same: equal data gives equal figures.
#include <gmock/gmock.h>

#include <cmath>
#include <string>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using worker::train::Json;

/// Examples with a category, a weight, a click, and a rating where there was a click. One in five
/// has no weight, which then is 1.
std::string SomeExamples(int n) {
  std::string lines = "a,w,click,rating\n";
  Random random(3);
  for (int i = 0; i < n; ++i) {
    const uint64_t a = random.Below(20);
    const bool click = random.Uniform() < 0.1 + 0.02 * static_cast<double>(a);
    lines += std::to_string(a) + ",";
    if (i % 5 != 0) lines += std::to_string(0.25 * static_cast<double>(random.Below(40)));
    lines += std::string(click ? ",1," : ",0,") + std::to_string(1 + random.Below(5)) + "\n";
  }
  return lines;
}

/// A job that learns nothing from the examples of a file: its weights stay as they are made, so
/// that the predictions in training are those of the evaluation. `click` is text of that task.
Job JobThatStays(const std::string& train, const std::string& test, const std::string& click,
                 const std::string& rating) {
  return launch::job::ParseJob(R"(data { text { header: true } train { file: ")" + train +
                                   R"(" } test { file: ")" + test +
                                   R"(" } }
      table { name: "t" dim: 4 optimizer { sgd { learning_rate: 1e-30 } }
              init { normal { stddev: 3 } } }
      field { name: "a" }
      task { name: "click" label { equals: "1" } binary_cross_entropy {} )" +
                                   click + R"( }
      task { name: "rating" weight: 0.5 sample_space { column: "click" equals: "1" }
             label { number {} } squared_error {} )" +
                                   rating + R"( }
      model { shared_bottom { bottom: 4 } }
      train { epochs: 1 batch_size: 64 start_at_zero: true
              dense_optimizer { sgd { learning_rate: 1e-30 } } })",
                               "job", ".", {});
}

class Figures : public ::testing::Test {
 protected:
  Outcome Run(const std::string& click, const std::string& rating, int staleness, int n_rows) {
    const std::string lines = SomeExamples(n_rows);
    Job job = JobThatStays(folder_.Write("train.csv", lines), folder_.Write("test.csv", lines),
                           click, rating);
    job.mutable_train()->set_staleness(staleness);
    const Outcome outcome = RunJob(job, 1, 2, 1);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
    return outcome;
  }
  /// Expects every figure of the task that both splits have within a share of each other; the AUC
  /// in training is from a histogram.
  static void ExpectEqualFigures(const Outcome& outcome, const std::string& task, double share) {
    const Json train = LinesOf(outcome.metrics, "train", task).back();
    const Json test = LinesOf(outcome.metrics, "test", task).back();
    for (const char* key :
         {"auc", "log_loss", "normalized_entropy", "mse", "rmse", "calibration", "label_mean"}) {
      EXPECT_EQ(train[key].is_null(), test[key].is_null()) << task << " " << key;
      if (test[key].is_null()) continue;
      const double expected = test[key];
      const double bound =
          std::string(key) == "auc" ? std::max(share, 0.003) : share * std::abs(expected);
      EXPECT_NEAR(train[key].get<double>(), expected, bound) << task << " " << key;
    }
  }

  TempFolder folder_{TempFolder::kInMemory};
};

TEST_F(Figures, OfEqualDataAreEqualWithWeightsAndMissingLabels) {
  for (const int staleness : {0, -1}) {
    const Outcome outcome = Run("weight_column: \"w\"", "weight_column: \"w\"", staleness, 1000);
    ExpectEqualFigures(outcome, "click", 1e-5);
    ExpectEqualFigures(outcome, "rating", 1e-5);
    EXPECT_NEAR(outcome.summary["train_loss"], outcome.summary["test_loss"],
                1e-9 * outcome.summary["test_loss"].get<double>());
    const Json line = LinesOf(outcome.metrics, "test", "rating").back();
    EXPECT_EQ(LinesOf(outcome.metrics, "train", "rating").back()["samples"], line["samples"]);
    EXPECT_LT(line["samples"], 600) << "or no label is missing";
  }
}

TEST_F(Figures, CountAnExampleAsItsWeightSays) {
  const Outcome weighted = Run("weight_column: \"w\"", "weight_column: \"w\"", 0, 1000);
  const Outcome plain = Run("", "", 0, 1000);
  for (const char* split : {"train", "test"}) {
    for (const char* task : {"click", "rating"}) {
      EXPECT_NE(LinesOf(weighted.metrics, split, task).back()["label_mean"],
                LinesOf(plain.metrics, split, task).back()["label_mean"])
          << split << " " << task;
    }
  }
}

TEST_F(Figures, OfSampledNegativesAreThoseOfAll) {
  const Outcome outcome = Run("negative_share: 0.25 weight_column: \"w\"", "", 0, 6000);
  const Json train = LinesOf(outcome.metrics, "train", "click").back();
  const Json test = LinesOf(outcome.metrics, "test", "click").back();
  EXPECT_LT(train["samples"], 0.6 * test["samples"].get<double>());
  ExpectEqualFigures(outcome, "click", 0.05);
  EXPECT_NEAR(outcome.summary["train_loss"], outcome.summary["test_loss"],
              0.02 * outcome.summary["test_loss"].get<double>());
}

TEST_F(Figures, LeaveOutWhatIsForTrainingAlone) {
  const Outcome plain = Run("", "", 0, 500);
  const Outcome skewed = Run("positive_weight: 5 label_smoothing: 0.2", "", 0, 500);
  EXPECT_EQ(skewed.metrics, plain.metrics);
  EXPECT_EQ(skewed.summary["train_loss"], plain.summary["train_loss"]);
}

TEST_F(Figures, WithWeightsDoNotDependOnWhoComputesThem) {
  const std::string lines = SomeExamples(800);
  Job job = JobThatStays(folder_.Write("train.csv", lines), folder_.Write("test.csv", lines),
                         "negative_share: 0.5 weight_column: \"w\"", "weight_column: \"w\"");
  job.mutable_train()->set_slices(4);
  const Outcome expected = RunJob(job, 1, 1, 1);
  ASSERT_EQ(expected.exit_code, 0) << expected.error();
  EXPECT_EQ(RunJob(job, 2, 3, 5).metrics, expected.metrics);
}

}  // namespace
}  // namespace zhiyin::testing
