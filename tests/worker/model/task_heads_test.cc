// Weights, smoothing and groups of tasks, between rows and losses.
#include "worker/model/task_heads.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

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
data::Examples ThreeLabels() {
  data::Examples rows(0, 0, 2);
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

std::vector<float> ClickDerivatives(const Job& job, const data::Examples& rows) {
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

TEST(Targets, LeaveExamplesOut) {
  Targets targets;
  targets.labels = {1, 10, 2, 20, 3, 30};
  targets.weights = {1, 2, 3, 4, 5, 6};
  targets.groups = {{}, {7, 8, 9}};
  targets.items = {4, 5, 6};
  targets.LeaveOut(std::vector<int64_t>{1}, 2);
  EXPECT_THAT(targets.labels, ElementsAre(1, 10, 3, 30));
  EXPECT_THAT(targets.weights, ElementsAre(1, 2, 5, 6));
  EXPECT_THAT(targets.groups, ElementsAre(ElementsAre(), ElementsAre(7, 9)));
  EXPECT_THAT(targets.items, ElementsAre(4, 6));
}

TEST(TaskHeads, ARowWithoutAFinitePredictionCountsInNoSum) {
  TaskHeads heads(TwoTasks());
  Targets targets;
  heads.TakeTargets(ThreeLabels(), &targets);
  Matrix outputs = Outputs();
  outputs(1, 0) = NAN;
  outputs(0, 1) = INFINITY;  // a probability of 1 that no loss can be computed for
  std::vector<float> predictions(6);
  heads.Predictions(outputs, predictions);
  EXPECT_TRUE(std::isnan(predictions[2]));
  EXPECT_TRUE(std::isnan(predictions[1]));
  EXPECT_THAT(heads.LeaveOutUndefined(predictions, &targets), ElementsAre(0, 1));
  std::vector<TaskSums> sums(2);
  heads.Sums(outputs, predictions, targets, sums);
  EXPECT_EQ(sums[0].n, 2);
  EXPECT_EQ(sums[1].n, 1);
  for (const TaskSums& sum : sums) EXPECT_TRUE(std::isfinite(sum.loss + sum.squared_error));
}

TEST(TaskHeads, ARowCountsInGradientsAndFiguresAsItsWeightSays) {
  const Job job = TwoTasks();
  data::Examples rows = ThreeLabels();
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
  EXPECT_EQ(sums[1].weight, 6);
  EXPECT_NEAR(sums[1].loss, 6 * std::log(2.0), 1e-12);
  EXPECT_NEAR(sums[1].MeanLoss().value(), std::log(2.0), 1e-12);
  EXPECT_EQ(sums[1].label, 2);
  EXPECT_EQ(sums[1].prediction, 3);
  EXPECT_EQ(sums[1].squared_error, 1.5);
  EXPECT_NEAR(sums[0].loss, 0.25, 1e-12);
  rows.weights = {1, 0, 1, 0, 1, 0};
  heads.TakeTargets(rows, &targets);
  heads.Sums(Outputs(), predictions, targets, sums);
  EXPECT_FALSE(sums[1].MeanLoss()) << "none counts";
}

TEST(TaskHeads, GradientsHaveWeightsAsFloatsAndFiguresHaveThemAsTheyAre) {
  TaskHeads heads(TwoTasks());
  Targets targets;
  const auto objectives_of = [&](double weight) {
    data::Examples rows = ThreeLabels();
    rows.weights.assign(6, weight);
    heads.TakeTargets(rows, &targets);
    Matrix doutputs;
    std::vector<double> objectives(2);
    heads.Derivatives(Outputs(), targets, /*n_rows_of_step=*/1, &doutputs, objectives);
    return objectives;
  };
  const std::vector<double> of_float = objectives_of(0.1f);
  EXPECT_EQ(objectives_of(0.1), of_float) << "bit for bit";
  std::vector<float> predictions(6);
  heads.Predictions(Outputs(), predictions);
  std::vector<TaskSums> sums(2);
  heads.Sums(Outputs(), predictions, targets, sums);
  EXPECT_EQ(sums[1].weight, 0.2);
  EXPECT_EQ(sums[1].label, 0.1);
  EXPECT_NEAR(sums[1].loss, 0.2 * std::log(2.0), 1e-15);
}

TEST(TaskHeads, PositiveWeightAndSmoothingAreNoFigures) {
  const auto loss_of = [](const Job& job) {
    TaskHeads heads(job);
    Targets targets;
    heads.TakeTargets(ThreeLabels(), &targets);
    std::vector<float> predictions(6);
    heads.Predictions(Outputs(), predictions);
    std::vector<TaskSums> sums(2);
    heads.Sums(Outputs(), predictions, targets, sums);
    return sums[1].loss;
  };
  Job job = TwoTasks();
  const double loss = loss_of(job);
  job.mutable_task(1)->set_positive_weight(3);
  job.mutable_task(1)->set_label_smoothing(0.2);
  EXPECT_EQ(loss_of(job), loss);
}

TEST(TaskHeads, SmoothedLabelsAreForTrainingAlone) {
  Job job = TwoTasks();
  job.mutable_task(1)->set_label_smoothing(0.2);
  EXPECT_THAT(ClickDerivatives(job, ThreeLabels()),
              ElementsAre(FloatNear(-0.4f, 1e-6f), FloatNear(0.4f, 1e-6f), 0.0f));
}

TEST(TaskHeads, ABatchWithoutALabelHasNoGradient) {
  data::Examples rows = ThreeLabels();
  for (const size_t at : {1u, 3u, 5u}) rows.labels[at] = kMissing;
  for (const auto set :
       {+[](Task* t) { t->mutable_binary_cross_entropy(); }, +[](Task* t) { t->mutable_hinge(); },
        +[](Task* t) { t->mutable_pairwise(); }, +[](Task* t) { t->mutable_sampled_softmax(); }}) {
    Job job = TwoTasks();
    set(job.mutable_task(1));
    EXPECT_THAT(ClickDerivatives(job, rows), ElementsAre(0.0f, 0.0f, 0.0f));
  }
}

TEST(TaskHeads, ANegativeOfAShareCountsAsWhatItStandsFor) {
  Job job = TwoTasks();
  job.mutable_task(1)->mutable_sampled_softmax();
  data::Examples rows = ThreeLabels();
  rows.weights = {1, 1, 1, 4, 1, 1};
  // Outputs are equal: 1 positive against 4 negatives.
  EXPECT_THAT(ClickDerivatives(job, rows),
              ElementsAre(FloatNear(-0.8f, 1e-6f), FloatNear(0.8f, 1e-6f), 0.0f));
  job.mutable_task(1)->mutable_pairwise();
  EXPECT_THAT(ClickDerivatives(job, rows), ElementsAre(-0.5f, 0.5f, 0.0f))
      << "a mean over the negatives";
  rows.weights = {1, 1, 1, 0, 1, 1};
  EXPECT_THAT(ClickDerivatives(job, rows), ElementsAre(0.0f, 0.0f, 0.0f)) << "of weight 0";
}

/// Values of the four fields and of a numeric, of some examples of the job of TwoTasks.
data::Examples RowsOf(const std::vector<std::vector<std::vector<Key>>>& examples,
                      const std::vector<float>& qualities) {
  data::Examples rows(4, 2, 2);
  for (size_t i = 0; i < examples.size(); ++i) {
    ++rows.n;
    for (const std::vector<Key>& keys : examples[i]) {
      rows.keys.insert(rows.keys.end(), keys.begin(), keys.end());
      rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
    }
    rows.numerics.insert(rows.numerics.end(), {0.0f, qualities[i]});
    rows.labels.insert(rows.labels.end(), {0, 0});
  }
  return rows;
}

Job TwoTowers(const std::string& in_batch) {
  return testing::ExampleJob(
      R"(two_tower { user { field: "user_group" field: "user_region" numeric: "user_age" hidden: 2 }
                     item { field: "item_genre" field: "item_tags" numeric: "item_quality" hidden: 2 }
                     dim: 2 )" +
          in_batch + "}",
      2);
}

std::vector<Key> ItemsOf(const Job& job, const data::Examples& rows) {
  Targets targets;
  TaskHeads(job).TakeTargets(rows, &targets);
  return targets.items;
}

TEST(TaskHeads, ItemsAreKnownByTheInputsOfTheirTower) {
  const data::Examples rows = RowsOf({{{1}, {2}, {3}, {4, 5}},
                                      {{7}, {8}, {3}, {4, 5}},
                                      {{1}, {2}, {3}, {4}},
                                      {{1}, {2}, {3, 4}, {5}},
                                      {{1}, {2}, {3}, {4, 5}},
                                      {{1}, {2}, {}, {}},
                                      {{9}, {9}, {}, {}}},
                                     {0.5f, 0.5f, 0.5f, 0.5f, 0.75f, 0, 0});
  const std::vector<Key> items = ItemsOf(TwoTowers("in_batch {}"), rows);
  ASSERT_EQ(items.size(), 7u);
  EXPECT_EQ(items[0], items[1]) << "the user is another";
  EXPECT_EQ(items[5], items[6]) << "of neither anything is known";
  EXPECT_EQ(std::set<Key>(items.begin(), items.end()).size(), 5u);
  EXPECT_TRUE(ItemsOf(TwoTowers(""), rows).empty()) << "nothing asks for them";
}

TEST(TaskHeads, ItemsAreThoseOfTheDataWhateverAugmentationDoes) {
  data::Examples rows = RowsOf({{{1}, {2}, {3}, {4, 5}}, {{1}, {2}, {}, {}}}, {0.5f, 0.5f});
  rows.data_keys = {1, 2, 3, 4, 5, 1, 2, 3, 4, 5};
  rows.data_key_begin = {0, 1, 2, 3, 5, 6, 7, 8, 10};
  const std::vector<Key> items = ItemsOf(TwoTowers("in_batch {}"), rows);
  EXPECT_EQ(items[0], items[1]);
}

TEST(TaskHeads, ItemsMayBeKnownByOneField) {
  const data::Examples rows = RowsOf(
      {{{1}, {2}, {3}, {4, 5}}, {{1}, {2}, {3}, {}}, {{1}, {2}, {6}, {}}}, {0.5f, 0.75f, 0.75f});
  const auto expect_genre = [&](const Job& job) {
    const std::vector<Key> items = ItemsOf(job, rows);
    EXPECT_EQ(items[0], items[1]);
    EXPECT_NE(items[1], items[2]);
  };
  expect_genre(TwoTowers(R"(in_batch { item: "item_genre" })"));
  Job of_behaviour = TwoTowers("in_batch {}");
  of_behaviour.mutable_data()->mutable_behaviour()->set_item("item_genre");
  expect_genre(of_behaviour);
}

TEST(TaskHeads, GroupsAreTheValuesOfAFieldInTheData) {
  Job job = TwoTasks();
  job.mutable_task(1)->mutable_pairwise()->set_group("user_group");
  data::Examples rows = RowsOf({{{5}, {}, {}, {}}, {{}, {}, {}, {}}}, {0, 0});
  rows.labels = {0, 1, 0, 0};
  TaskHeads heads(job);
  Targets targets;
  heads.TakeTargets(rows, &targets);
  EXPECT_NE(targets.groups[1][0], targets.groups[1][1]);
  rows.data_keys = {5, 5};
  rows.data_key_begin = {0, 1, 1, 1, 1, 2, 2, 2, 2};
  heads.TakeTargets(rows, &targets);
  EXPECT_EQ(targets.groups[1][0], targets.groups[1][1]) << "augmentation dropped it";
}

TEST(TaskHeads, GroupsAreTheValuesOfAField) {
  Job job = TwoTasks();
  job.mutable_task(1)->mutable_pairwise()->set_group("user_group");
  data::Examples rows(4, 2, 2);
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
