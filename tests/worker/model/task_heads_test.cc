// Weights, smoothing and groups of tasks, between rows and losses.
#include "worker/model/task_heads.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/example_jobs.h"

namespace zhiyin::worker::model {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

/// A job of two tasks: a rating, and a click whose loss the test chooses.
Job TwoTasks() {
  Job job = testing::ExampleJob("linear {}", 2);
  job.mutable_task(1)->set_weight(1);
  return job;
}

/// Three rows of two labels; the last has no click.
data::Rows ThreeLabels() {
  data::Rows rows(0, 0, 2);
  rows.n = 3;
  rows.labels = {1, 1, 2, 0, 3, kMissing};
  rows.key_begin.assign(1, 0);
  return rows;
}

Matrix Outputs() {
  Matrix outputs(3, 2);
  outputs << 1.5, 0, 2, 0, 3, 7;
  return outputs;
}

std::vector<float> ClickDerivatives(const Job& job, const data::Rows& rows) {
  TaskHeads heads(job);
  Targets targets;
  heads.TakeTargets(rows, &targets);
  Matrix doutputs;
  std::vector<double> objectives(2);
  heads.Derivatives(Outputs(), targets, /*n_rows_of_step=*/1, &doutputs, objectives);
  return {doutputs(0, 1), doutputs(1, 1), doutputs(2, 1)};
}

TEST(TaskHeads, PositiveRowsWeighMore) {
  Job job = TwoTasks();
  EXPECT_THAT(ClickDerivatives(job, ThreeLabels()), ElementsAre(-0.5f, 0.5f, 0.0f));
  job.mutable_task(1)->set_positive_weight(3);
  EXPECT_THAT(ClickDerivatives(job, ThreeLabels()), ElementsAre(-1.5f, 0.5f, 0.0f));
}

TEST(TaskHeads, ARowsWeightMultipliesItsGradientAndNoMetric) {
  const Job job = TwoTasks();
  data::Rows rows = ThreeLabels();
  rows.weights = {1, 2, 1, 4, 1, 1};
  EXPECT_THAT(ClickDerivatives(job, rows), ElementsAre(-1.0f, 2.0f, 0.0f));
  TaskHeads heads(job);
  Targets targets;
  heads.TakeTargets(rows, &targets);
  std::vector<float> predictions(6);
  heads.Predictions(Outputs(), predictions);
  std::vector<TaskSums> sums(2);
  heads.Sums(Outputs(), predictions, targets, sums);
  EXPECT_EQ(sums[1].n, 2);
  EXPECT_NEAR(sums[1].loss, 2 * std::log(2.0), 1e-12);
  EXPECT_NEAR(sums[0].loss, 0.25, 1e-12);
}

TEST(TaskHeads, SmoothedLabelsAreForTrainingAlone) {
  Job job = TwoTasks();
  job.mutable_task(1)->set_label_smoothing(0.2);
  EXPECT_THAT(ClickDerivatives(job, ThreeLabels()),
              ElementsAre(FloatNear(-0.4f, 1e-6f), FloatNear(0.4f, 1e-6f), 0.0f));
}

TEST(TaskHeads, ABatchWithoutALabelHasNoGradient) {
  data::Rows rows = ThreeLabels();
  for (const size_t at : {1u, 3u, 5u}) rows.labels[at] = kMissing;
  for (const auto set :
       {+[](Task* t) { t->mutable_binary_cross_entropy(); }, +[](Task* t) { t->mutable_hinge(); },
        +[](Task* t) { t->mutable_pairwise(); }, +[](Task* t) { t->mutable_sampled_softmax(); }}) {
    Job job = TwoTasks();
    set(job.mutable_task(1));
    EXPECT_THAT(ClickDerivatives(job, rows), ElementsAre(0.0f, 0.0f, 0.0f));
  }
}

TEST(TaskHeads, GroupsAreTheValuesOfAField) {
  Job job = TwoTasks();
  job.mutable_task(1)->mutable_pairwise()->set_group("user_group");
  data::Rows rows(4, 2, 2);
  const std::vector<std::vector<Key>> groups = {{5}, {5}, {6}, {}};
  const std::vector<float> clicks = {1, 0, 0, 1};
  for (size_t i = 0; i < groups.size(); ++i) {
    ++rows.n;
    rows.keys.insert(rows.keys.end(), groups[i].begin(), groups[i].end());
    for (int f = 0; f < 4; ++f) rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
    rows.numerics.insert(rows.numerics.end(), {0, 0});
    rows.labels.insert(rows.labels.end(), {0, clicks[i]});
  }
  TaskHeads heads(job);
  Targets targets;
  heads.TakeTargets(rows, &targets);
  EXPECT_TRUE(targets.groups[0].empty());
  Matrix doutputs;
  std::vector<double> objectives(2);
  heads.Derivatives(Matrix::Zero(4, 2), targets, 1, &doutputs, objectives);
  EXPECT_NEAR(objectives[1], std::log(2.0), 1e-9) << "of the one pair";
  const Eigen::VectorXf of_clicks = doutputs.col(1);
  EXPECT_THAT(std::vector<float>(of_clicks.begin(), of_clicks.end()),
              ElementsAre(-0.5f, 0.5f, 0.0f, 0.0f))
      << "rows 2 and 3 have nobody to be compared with";
}

}  // namespace
}  // namespace zhiyin::worker::model
