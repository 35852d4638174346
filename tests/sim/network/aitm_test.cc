// Whole jobs of AITM: its calibrator.
#include <gtest/gtest.h>

#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::testing {
namespace {

using worker::train::Json;

TEST(WholeJobOfAitm, LearnsFromTheCalibratorsLoss) {
  Job job = ExampleJob("aitm { hidden: 4 calibration_weight: 2 }", 3, 0, true);
  job.mutable_data()->mutable_train()->set_n_rows(700);
  job.mutable_data()->mutable_test()->set_n_rows(300);
  const Outcome outcome = RunJob(job, 1, 1, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  const Json before = LinesOf(outcome.metrics, "train", "rating").back();
  const Json after = LinesOf(outcome.metrics, "train", "first_group").back();
  EXPECT_EQ(before.count("own_loss"), 0u);
  const double own_loss = after["own_loss"];
  EXPECT_GT(own_loss, 0.001);
  EXPECT_NEAR(
      static_cast<double>(outcome.summary["train_loss"]),
      static_cast<double>(before["log_loss"]) + 0.5 * static_cast<double>(after["log_loss"]), 1e-9)
      << "an auxiliary loss has a figure of its own";
  EXPECT_EQ(RunJob(job, 2, 3, 2).metrics, outcome.metrics);

  job.mutable_model()->mutable_aitm()->set_calibration_weight(0);
  const Outcome without = RunJob(job, 1, 1, 1);
  const double mean_before = LinesOf(without.metrics, "test", "rating").back()["label_mean"];
  const double mean_after = LinesOf(without.metrics, "test", "first_group").back()["label_mean"];
  EXPECT_GT(mean_after, mean_before) << "or the calibrator has nothing to do";
  const auto calibration = [](const Outcome& of) {
    return static_cast<double>(LinesOf(of.metrics, "test", "first_group").back()["calibration"]);
  };
  EXPECT_LT(calibration(outcome), calibration(without)) << "it holds the later task down";
}

}  // namespace
}  // namespace zhiyin::testing
