#include "worker/model/metric/metric.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/random.h"
#include "common/types.h"

namespace zhiyin::worker::model::metric {
namespace {

/// The definition: every pair of a positive and a negative row.
double NaiveAuc(const std::vector<float>& predictions, const std::vector<float>& labels) {
  double right = 0;
  double n = 0;
  for (size_t p = 0; p < labels.size(); ++p) {
    for (size_t q = 0; q < labels.size(); ++q) {
      if (labels[p] < 0.5f || labels[q] > 0.5f) continue;
      n += 1;
      right += predictions[p] > predictions[q] ? 1 : predictions[p] == predictions[q] ? 0.5 : 0;
    }
  }
  return right / n;
}

TEST(Auc, CountsTiesAsHalf) {
  const std::vector<float> labels = {0, 0, 1, 1};
  EXPECT_EQ(Auc(std::vector<float>{.1f, .4f, .35f, .8f}, labels), 0.75);
  EXPECT_EQ(Auc(std::vector<float>{.5f, .5f, .5f, .5f}, labels), 0.5);
  EXPECT_EQ(Auc(std::vector<float>{.1f, .2f, .2f, .3f}, labels), 0.875);
}

TEST(Auc, TellsAnInvertedModel) {
  EXPECT_EQ(Auc(std::vector<float>{.9f, .1f}, std::vector<float>{0, 1}), 0.0);
}

TEST(Auc, IsUndefinedForOneClass) {
  EXPECT_FALSE(Auc(std::vector<float>{.9f, .1f}, std::vector<float>{1, 1}));
  EXPECT_FALSE(Auc(std::vector<float>{.9f, .1f}, std::vector<float>{0, 0}));
  EXPECT_FALSE(Auc({}, {}));
}

TEST(Auc, EqualsItsDefinition) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    std::vector<float> predictions(2 + random.Below(60));
    std::vector<float> labels(predictions.size());
    const uint64_t n_levels = 1 + random.Below(20);
    for (float& p : predictions) p = static_cast<float>(random.Below(n_levels)) / 20;
    for (float& y : labels) y = static_cast<float>(random.Below(2));
    labels[0] = 0;
    labels[1] = 1;
    ASSERT_DOUBLE_EQ(*Auc(predictions, labels), NaiveAuc(predictions, labels)) << "seed " << seed;
  }
}

TEST(RunningAuc, IsCloseToTheExactOneAndMerges) {
  Random random(3);
  std::vector<float> predictions(20000);
  std::vector<float> labels(predictions.size());
  RunningAuc all;
  RunningAuc halves[2];
  for (size_t i = 0; i < predictions.size(); ++i) {
    predictions[i] = static_cast<float>(random.Uniform());
    labels[i] = random.Uniform() < predictions[i] ? 1.0f : 0.0f;
    all.Add(predictions[i], labels[i]);
    halves[i % 2].Add(predictions[i], labels[i]);
  }
  EXPECT_NEAR(*all.Value(), *Auc(predictions, labels), 1e-3);
  halves[0].Merge(halves[1]);
  EXPECT_EQ(halves[0].Value(), all.Value());
}

TEST(RunningAuc, IsUndefinedForOneClass) {
  RunningAuc auc;
  auc.Add(0.5f, 1);
  EXPECT_FALSE(auc.Value());
  auc.Add(1.0f, 0);
  EXPECT_EQ(auc.Value(), 0.0);
}

TEST(TaskMetrics, OfABinaryTask) {
  // scikit-learn 1.2: roc_auc_score, log_loss, brier_score_loss of the same vectors.
  const TaskMetrics m =
      ComputeMetrics("t", loss::PredictionKind::kProbability,
                     std::vector<float>{0.9f, 0.2f, 0.6f, 0.4f}, std::vector<float>{1, 0, 0, 1});
  EXPECT_EQ(m.n_samples, 4);
  EXPECT_DOUBLE_EQ(*m.auc, 0.75);
  EXPECT_NEAR(*m.log_loss, (-std::log(0.9) - std::log(0.8) - std::log(0.4) - std::log(0.4)) / 4,
              1e-7);
  EXPECT_NEAR(*m.mse, (0.01 + 0.04 + 0.36 + 0.36) / 4, 1e-7);
  EXPECT_NEAR(*m.calibration, 2.1 / 2, 1e-7);
}

TEST(TaskMetrics, OfARegression) {
  const TaskMetrics m =
      ComputeMetrics("t", loss::PredictionKind::kNumber, std::vector<float>{2.5f, 0.0f, 2.0f, 8.0f},
                     std::vector<float>{3, -0.5f, 2, 7});
  EXPECT_FALSE(m.auc);
  EXPECT_FALSE(m.log_loss);
  EXPECT_DOUBLE_EQ(*m.mse, 0.375);
  EXPECT_DOUBLE_EQ(*m.rmse, std::sqrt(0.375));
  EXPECT_NEAR(*m.r2, 0.9486081370449679, 1e-12);  // scikit-learn's own example
}

TEST(TaskMetrics, LeavesOutRowsWithoutLabel) {
  const TaskMetrics m =
      ComputeMetrics("t", loss::PredictionKind::kProbability, std::vector<float>{0.9f, 0.5f, 0.1f},
                     std::vector<float>{1, kMissing, 0});
  EXPECT_EQ(m.n_samples, 2);
  EXPECT_EQ(m.auc, 1.0);
}

TEST(TaskMetrics, OfNothingAreUndefined) {
  const TaskMetrics m = ComputeMetrics("t", loss::PredictionKind::kProbability,
                                       std::vector<float>{0.9f}, std::vector<float>{kMissing});
  EXPECT_EQ(m.n_samples, 0);
  EXPECT_FALSE(m.auc || m.log_loss || m.mse || m.rmse || m.r2 || m.calibration);
}

TEST(TaskMetrics, ACertainMistakeCostsMuchButNotEverything) {
  const TaskMetrics m = ComputeMetrics("t", loss::PredictionKind::kProbability,
                                       std::vector<float>{1, 0}, std::vector<float>{0, 1});
  EXPECT_NEAR(*m.log_loss, -std::log(1e-15), 0.1);
}

}  // namespace
}  // namespace zhiyin::worker::model::metric
