// The log loss of whole jobs: that of the logits, everywhere.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/types.h"
#include "configs/manifest.pb.h"
#include "launch/job/load_frozen.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"
#include "worker/saved/scored_split.h"

namespace zhiyin::testing {
namespace {

TEST(LogLoss, OfSureAndWrongPredictionsIsThatOfTheLogits) {
  TempFolder folder;
  std::string train = "x,a\n", test = "x,a\n";
  for (int i = 0; i < 512; ++i) train += i % 2 == 0 ? "-1,0\n" : "1,1\n";
  // Trained on numbers of -1 and 1, a model is sure of 40, and wrong once.
  for (int i = 0; i < 10; ++i) test += "40,1\n";
  test += "40,0\n";
  const std::string output = folder.Path("output");
  const Job job = launch::job::ParseJob(
      R"(
      data { text { header: true }
             train { file: ")" +
          folder.Write("train.csv", train) + R"(" }
             test { file: ")" +
          folder.Write("test.csv", test) + R"(" } }
      numeric { name: "x" standardise: false }
      task { name: "a" label { equals: "1" } binary_cross_entropy {} }
      model { linear {} }
      train { epochs: 4 batch_size: 64 slices: 1
              dense_optimizer { adam { learning_rate: 0.1 } }
              early_stopping { patience: 9 keep_best: false term { task: "a" metric: LOG_LOSS weight: 1 } } })",
      "job", ".", {});
  SimulatedJob simulated;
  simulated.job = job;
  simulated.output = output;
  const Outcome outcome = Simulate(simulated);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  const double loss = outcome.summary["test_loss"];
  EXPECT_GT(11 * loss, 50) << "a logit that float32 predictions of 1 do not tell";
  EXPECT_NEAR(outcome.summary["tasks"]["a"]["log_loss"], loss, 1e-12 * loss);
  for (const worker::train::Json& line : LinesOf(outcome.metrics, "test", "a"))
    EXPECT_TRUE(std::isfinite(static_cast<double>(line["log_loss"])));

  Manifest manifest;
  const auto model = launch::job::LoadFrozen(output, {}, &manifest);
  const worker::saved::ScoredSplit split =
      worker::saved::ScoreSplit(*model, worker::data::SplitKind::kTest);
  ASSERT_EQ(split.losses.size(), 1u);
  EXPECT_EQ(split.predictions[0], std::vector<float>(11, 1.0f));
  EXPECT_NEAR(split.losses[0] / 11, loss, 1e-6 * loss);

  // One example without a prediction is left out and noted.
  const std::string odd_file = folder.Write("odd.csv", test + "3e38,1\n");
  const worker::saved::ScoredSplit odd = worker::saved::ScoreSplit(
      *launch::job::LoadFrozen(output, {"data.test.file=" + odd_file}, &manifest),
      worker::data::SplitKind::kTest);
  EXPECT_EQ(odd.n, 12);
  ASSERT_EQ(odd.unpredicted.n, 1);
  EXPECT_EQ(odd.unpredicted.first[0].name.find(odd_file + ":13: numeric \"x\" is 3e+38"), 0u);
  EXPECT_TRUE(std::isnan(odd.predictions[0][11]));
  EXPECT_TRUE(std::isnan(odd.labels[0][11]));
  EXPECT_NEAR(odd.losses[0], split.losses[0], 1e-6 * split.losses[0]);

  // What is not a number has no place among the others: a sort by it may never end.
  worker::saved::FrozenModel broken(manifest);
  broken.AddRow(kDenseTable, 0, std::vector<float>(kDenseRowDim, std::nanf("")));
  EXPECT_THROW(worker::saved::ScoreSplit(broken, worker::data::SplitKind::kTest), Error);
}

}  // namespace
}  // namespace zhiyin::testing
