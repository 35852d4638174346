// Training examples without a finite prediction: one never ends a job, nor harms the others.
#include <gmock/gmock.h>

#include <set>
#include <string>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A class that the sum of two numerics decides, which are not standardised.
class LeftOut : public ::testing::Test {
 protected:
  static constexpr int kTrain = 400;

  /// Training examples, of which those of `extreme` have the number `value`.
  std::string Train(const std::set<int>& extreme, const std::string& value = "3e38") {
    return Write("train.csv", 1, kTrain, extreme, value);
  }
  Job JobOf(const std::string& train, const std::string& model, const std::string& more = "") {
    return launch::job::ParseJob(
        R"(name: "left_out"
        data { text { header: true } train { file: ")" +
            train + R"(" } test { file: ")" + Write("test.csv", 2, 200, {}, "") + R"(" } }
        numeric { name: "x" standardise: false } numeric { name: "y" standardise: false }
        task { name: "click" label { number {} } )" +
            click_loss_ + R"( }
        task { name: "sum" label { number {} } squared_error {} }
        model { )" +
            model + R"( }
        train { epochs: 2 batch_size: 40 slices: 4 seed: 1 )" +
            more + R"( dense_optimizer { adam { learning_rate: 0.05 } } })",
        "job", ".", {});
  }
  /// The results of a model whose examples of training have one extreme number or none.
  void ExpectOneIsLeftOut(const std::string& model, const std::string& value,
                          const std::string& more = "") {
    const Outcome clean = RunJob(JobOf(Train({}), model, more), 1, 1, 1);
    ASSERT_EQ(clean.exit_code, 0) << clean.error();
    EXPECT_EQ(clean.summary["samples_left_out"], 0);
    EXPECT_THAT(clean.printed, Not(HasSubstr("left out")));
    std::string metrics_of_one;
    for (const int n_workers : {1, 2, 3}) {
      const Outcome outcome = RunJob(JobOf(Train({137}, value), model, more), 1, n_workers, 1);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
      EXPECT_EQ(outcome.summary["samples_left_out"], 2) << "one in each epoch";
      EXPECT_EQ(outcome.summary["samples"], 2 * kTrain);
      EXPECT_TRUE(outcome.summary["pushes_poisoned"].empty()) << outcome.summary["pushes_poisoned"];
      EXPECT_EQ(LinesOf(outcome.metrics, "train", "click").back()["samples"], kTrain - 1);
      for (const char* task : {"click", "sum"}) {
        const auto rmse = [&](const Outcome& of) {
          return of.summary["tasks"][task]["rmse"].get<double>();
        };
        EXPECT_NEAR(rmse(outcome), rmse(clean), 0.2 * rmse(clean)) << task;
      }
      if (n_workers == 1) metrics_of_one = outcome.metrics;
      EXPECT_EQ(outcome.metrics, metrics_of_one) << n_workers << " workers";
      EXPECT_THAT(outcome.printed,
                  AllOf(HasSubstr("note: 1 of 400 rows has no finite prediction: left out of "
                                  "training\nno finite prediction: epoch 1, step "),
                        HasSubstr(": numeric \"x\" is "),
                        HasSubstr("2 samples were left out: the model had no finite prediction")));
      EXPECT_THAT(outcome.printed, Not(HasSubstr("no finite prediction: epoch 2")));
    }
  }

  TempFolder folder_{TempFolder::kInMemory};
  std::string click_loss_ = "binary_cross_entropy {}";

 private:
  std::string Write(const std::string& name, uint64_t seed, int n, const std::set<int>& extreme,
                    const std::string& value) {
    Random random(seed);
    std::string rows = "x,y,click,sum\n";
    for (int i = 0; i < n; ++i) {
      const double x = random.Normal();
      const double y = random.Normal();
      rows += (extreme.contains(i) ? value : std::to_string(x)) + "," + std::to_string(y) + "," +
              (x + y > 0 ? "1" : "0") + "," + std::to_string(x + y) + "\n";
    }
    return folder_.Write(name, rows);
  }
};

constexpr char kCrosses[] =
    "shared_bottom { bottom: 8 tower: 4 } interaction { cross_v2 { n_layers: 3 } }";

TEST_F(LeftOut, AnExampleWhosePredictionOverflowsIsLeftOutAlone) {
  ExpectOneIsLeftOut(kCrosses, "3e38");
}

TEST_F(LeftOut, BatchNormalisationIsComputedWithoutIt) {
  // The first number makes the variance of its slice infinite, the second is too large to sum up.
  for (const char* value : {"1e30", "-1e16"})
    ExpectOneIsLeftOut("shared_bottom { bottom: 8 tower: 4 } hidden { normalization: BATCH }",
                       value);
}

TEST_F(LeftOut, MethodsOfBalancingAreComputedWithoutIt) {
  // A product of the number and the derivative overflows where the prediction does not.
  click_loss_ = "squared_error {}";
  ExpectOneIsLeftOut("shared_bottom { bottom: 8 tower: 4 }", "1e37", "balance { pc_grad {} }");
}

TEST_F(LeftOut, OnePercentOfAnEpochMayBe) {
  const Outcome four = RunJob(JobOf(Train({3, 50, 120, 399}), kCrosses), 1, 2, 1);
  EXPECT_EQ(four.exit_code, 0) << four.error();
  EXPECT_EQ(four.summary["samples_left_out"], 8);
  const Outcome five = RunJob(JobOf(Train({3, 50, 120, 200, 399}), kCrosses), 1, 2, 1);
  EXPECT_EQ(five.exit_code, 1);
  EXPECT_THAT(five.error(),
              AllOf(HasSubstr("epoch 1: the loss of tasks is not finite for 5 of 400 examples, "
                              "expected at most 1 %: lower the learning rates, or look for extreme "
                              "values in the numeric columns; the first one: epoch 1, step "),
                    HasSubstr(": numeric \"x\" is 3e+38")));
}

TEST_F(LeftOut, ManyExtremeExamplesEndTheJob) {
  std::set<int> all;
  for (int i = 0; i < kTrain; ++i) all.insert(i);
  EXPECT_THAT(RunJob(JobOf(Train(all), kCrosses), 1, 2, 1).error(),
              HasSubstr("the loss of tasks is not finite for "));
}

TEST_F(LeftOut, AModelThatDivergesEndsTheJob) {
  Job job = JobOf(Train({}), "shared_bottom { bottom: 8 tower: 4 }");
  job.mutable_train()->mutable_dense_optimizer()->mutable_sgd()->set_learning_rate(1e30);
  const Outcome outcome = RunJob(job, 1, 2, 1);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.error(),
              AllOf(HasSubstr("the loss of task"), HasSubstr("lower the learning rates")));
}

}  // namespace
}  // namespace zhiyin::testing
