// Where whole jobs start: at the means of their labels.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <string>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

/// Labels of mean 12 that are linear in three numbers, the first of which is a Unix time, and
/// noise of variance 1.
class Regression {
 public:
  explicit Regression(int n) : x_(n, 4), y_(n) {
    Random random(1);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < 3; ++j) x_(i, j) = std::round(random.Normal() * 1e4) / 1e4;
      x_(i, 3) = 1;
      y_(i) = 12 + 0.8 * x_(i, 0) - 0.5 * x_(i, 1) + 0.3 * x_(i, 2) + random.Normal();
    }
  }

  std::string Csv(int begin, int end) const {
    std::string text = "time,b,c,y\n";
    for (int i = begin; i < end; ++i) {
      text += std::to_string(1'700'000'000 + std::lround(50 * x_(i, 0))) + "," +
              std::to_string(x_(i, 1)) + "," + std::to_string(x_(i, 2)) + "," +
              std::to_string(y_(i)) + "\n";
    }
    return text;
  }

  /// The error on all rows from n_train on of ridge regression on those before.
  double RidgeRmse(int n_train) const {
    const Eigen::Index n_test = y_.size() - n_train;
    const Eigen::MatrixXd x = x_.topRows(n_train);
    const Eigen::MatrixXd a = x.transpose() * x + 1e-3 * Eigen::MatrixXd::Identity(4, 4);
    const Eigen::VectorXd w = a.ldlt().solve(x.transpose() * y_.head(n_train));
    return (x_.bottomRows(n_test) * w - y_.tail(n_test)).norm() /
           std::sqrt(static_cast<double>(n_test));
  }

 private:
  Eigen::MatrixXd x_;  // [n, 4], the last column 1
  Eigen::VectorXd y_;
};

TEST(FirstOutputs, OneEpochFitsLabelsFarFromZero) {
  constexpr int kTrain = 4000;
  constexpr int kAll = 5000;
  const Regression data(kAll);
  const double ridge = data.RidgeRmse(kTrain);
  const TempFolder folder;
  const std::string train = folder.Write("train.csv", data.Csv(0, kTrain));
  const std::string test = folder.Write("test.csv", data.Csv(kTrain, kAll));
  for (const std::string model : {"linear {}", "shared_bottom { bottom: 8 tower: 4 }"}) {
    SCOPED_TRACE(model);
    Job job = launch::job::ParseJob(
        R"(name: "regression"
        data { text { header: true } train { file: ")" +
            train + R"(" } test { file: ")" + test + R"(" } }
        numeric { name: "time" } numeric { name: "b" } numeric { name: "c" }
        task { name: "y" label { number {} } squared_error {} }
        model { )" +
            model + R"( }
        train { epochs: 1 batch_size: 32 slices: 4 seed: 1
                dense_optimizer { adam { learning_rate: )" +
            (model == "linear {}" ? "0.02" : "0.01") + R"( } } })",
        "job", ".", {});
    std::string metrics_of_one;
    for (const int n_workers : {1, 3}) {
      const Outcome outcome = RunJob(job, 1, n_workers, 1);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
      EXPECT_LT(outcome.summary["tasks"]["y"]["rmse"].get<double>(), 1.05 * ridge);
      const std::string metrics = LinesOf(outcome.metrics, "test", "y").back()["rmse"].dump();
      if (n_workers == 1) metrics_of_one = metrics;
      EXPECT_EQ(metrics, metrics_of_one);
    }
    job.mutable_train()->set_start_at_zero(true);
    EXPECT_GT(RunJob(job, 1, 1, 1).summary["tasks"]["y"]["rmse"].get<double>(), 1.5 * ridge);
  }
}

TEST(FirstOutputs, BeforeAnyStepPredictionsHaveTheMeanOfTheLabelsAndThePrior) {
  const TempFolder folder;
  std::string rows = "x,click,count,number,weight\n";
  for (int i = 0; i < 700; ++i)
    rows += std::to_string(i) + "," + (i % 50 == 0 ? "1" : "0") + "," + std::to_string(i % 7) +
            "," + std::to_string(1000 + i % 3) + "," + std::to_string(1 + i % 2) + "\n";
  const std::string file = folder.Write("rows.csv", rows);
  const Job job = launch::job::ParseJob(R"(name: "means"
      data { text { header: true } train { file: ")" +
                                            file + R"(" } test { file: ")" + file + R"(" } }
      numeric { name: "x" }
      task { name: "click" label { number {} } weight_column: "weight" binary_cross_entropy {} }
      task { name: "count" label { number {} } poisson {} }
      task { name: "number" label { number {} } squared_error {} }
      model { linear {} }
      train { epochs: 1 batch_size: 64 dense_optimizer { sgd { learning_rate: 1e-30 } } })",
                                        "job", ".", {});
  const Outcome outcome = RunJob(job, 2, 2, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  // Beside the labels there is half an example of each class, and half an event.
  const auto expect = [&](const char* task, double calibration) {
    EXPECT_NEAR(outcome.summary["tasks"][task]["calibration"].get<double>(), calibration, 1e-5)
        << task;
  };
  expect("click", (14.5 / 1051) / (14.0 / 1050));
  expect("count", 2100.5 / 2100);
  expect("number", 1);
}

}  // namespace
}  // namespace zhiyin::testing
