#include "worker/model/metric/curves.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/random.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::model::metric {
namespace {

// By score: 0.9 yes, 0.8 no and yes, 0.3 no; a row without a label.
const std::vector<float> kPredictions = {0.3f, 0.8f, 0.9f, 0.8f, 0.5f};
const std::vector<double> kLabels = {0, 1, 1, 0, kMissing};

TEST(RocCurve, StepsThroughTheThresholds) {
  const std::vector<RocPoint> curve = RocCurve(kPredictions, kLabels, {}, 100);
  ASSERT_EQ(curve.size(), 4u);
  EXPECT_EQ(curve[1].false_positives, 0);
  EXPECT_EQ(curve[1].true_positives, 0.5);
  EXPECT_EQ(curve[2].false_positives, 0.5) << "rows of the same score are passed together";
  EXPECT_EQ(curve[2].true_positives, 1);
  EXPECT_EQ(curve[3].false_positives, 1);
  const std::vector<RocPoint> few = RocCurve(kPredictions, kLabels, {}, 2);
  ASSERT_EQ(few.size(), 2u);
  EXPECT_EQ(few[0].true_positives, 0);
  EXPECT_EQ(few[1].true_positives, 1);
  EXPECT_TRUE(RocCurve(kPredictions, std::vector<double>(5, 1), {}, 100).empty());
}

TEST(RocCurve, TheAreaUnderItIsTheAuc) {
  Random random(1);
  std::vector<float> predictions;
  std::vector<double> labels;
  for (int i = 0; i < 500; ++i) {
    predictions.push_back(std::round(10 * static_cast<float>(random.Uniform())) / 10);
    labels.push_back(random.Uniform() < predictions.back() ? 1 : 0);
  }
  double area = 0;
  const std::vector<RocPoint> curve = RocCurve(predictions, labels, {}, 1000);
  for (size_t i = 1; i < curve.size(); ++i)
    area += (curve[i].false_positives - curve[i - 1].false_positives) *
            (curve[i].true_positives + curve[i - 1].true_positives) / 2;
  EXPECT_NEAR(area, *Auc(predictions, labels), 1e-12);
}

TEST(Calibration, BinsHaveAsManyRowsEach) {
  const std::vector<CalibrationBin> bins = CalibrationBins(kPredictions, kLabels, {}, 2);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].n, 2);
  EXPECT_NEAR(bins[0].prediction, 0.55, 1e-6);
  EXPECT_EQ(bins[0].label, 0.5);
  EXPECT_NEAR(bins[1].prediction, 0.85, 1e-6);
  EXPECT_EQ(bins[1].label, 0.5);
  EXPECT_NEAR(*ExpectedCalibrationError(bins), (0.05 + 0.35) / 2, 1e-6);
  EXPECT_EQ(CalibrationBins(kPredictions, kLabels, {}, 10).size(), 4u) << "empty bins are none";
  EXPECT_FALSE(ExpectedCalibrationError({}).has_value());
}

TEST(GroupAuc, WeighsGroupsThatHaveBothClasses) {
  //                                group 1: 1 of 2 pairs won      group 2: all yes     group 3: a
  //                                tie
  const std::vector<float> scores = {0.1f, 0.5f, 0.3f, /**/ 0.7f, 0.6f, /**/ 0.2f, 0.2f, 0.9f};
  const std::vector<double> labels = {0, 0, 1, /**/ 1, 1, /**/ 0, 1, kMissing};
  const std::vector<Key> groups = {1, 1, 1, 2, 2, 3, 3, 3};
  const auto found = ComputeGroupAuc(scores, labels, {}, groups);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->n_groups, 2);
  EXPECT_NEAR(found->auc, (3 * 0.5 + 2 * 0.5) / 5, 1e-12);
  const std::vector<Key> one_is_none = {1, 1, 1, 2, 2, 0, 0, 0};
  EXPECT_EQ(ComputeGroupAuc(scores, labels, {}, one_is_none)->n_groups, 1);
  EXPECT_FALSE(
      ComputeGroupAuc(std::vector<float>{0.1f}, std::vector<double>{1}, {}, std::vector<Key>{1})
          .has_value());
}

TEST(AucInterval, HoldsTheAucAndShrinksWithTheRows) {
  const auto width = [](int n) {
    Random random(3);
    std::vector<float> predictions;
    std::vector<double> labels;
    for (int i = 0; i < n; ++i) {
      predictions.push_back(static_cast<float>(random.Uniform()));
      labels.push_back(random.Uniform() < predictions.back() ? 1 : 0);
    }
    const auto interval = AucInterval(predictions, labels, {}, 300, 1);
    const double auc = *Auc(predictions, labels);
    EXPECT_LT(interval->low, auc);
    EXPECT_GT(interval->high, auc);
    // Hanley and McNeil, Radiology 143, 1982, for as many of both classes.
    const double q1 = auc / (2 - auc);
    const double q2 = 2 * auc * auc / (1 + auc);
    const double m = n / 2.0;
    const double deviation =
        std::sqrt((auc * (1 - auc) + (m - 1) * (q1 + q2 - 2 * auc * auc)) / m / m);
    EXPECT_NEAR(interval->high - interval->low, 2 * 1.96 * deviation, 0.25 * 2 * 1.96 * deviation);
    return interval->high - interval->low;
  };
  EXPECT_NEAR(width(400) / width(6400), 4, 1.2);
  EXPECT_FALSE(
      AucInterval(std::vector<float>{0.1f}, std::vector<double>{1}, {}, 10, 1).has_value());
}

struct Examples {
  std::vector<float> predictions;
  std::vector<double> labels, weights;
  std::vector<Key> groups;
};

/// Each example as many times as its weight, a small integer, says.
Examples Repeated(const Examples& some) {
  Examples all;
  for (size_t i = 0; i < some.labels.size(); ++i) {
    const size_t n = static_cast<size_t>(some.weights[i]);
    all.predictions.insert(all.predictions.end(), n, some.predictions[i]);
    all.labels.insert(all.labels.end(), n, some.labels[i]);
    all.groups.insert(all.groups.end(), n, some.groups[i]);
  }
  return all;
}

TEST(WeightedMetrics, CountAnExampleAsManyTimesAsItsWeightSays) {
  Random random(5);
  Examples some;
  for (int i = 0; i < 60; ++i) {
    some.predictions.push_back((static_cast<float>(random.Below(10)) + 0.5f) / 10);
    some.labels.push_back(i % 7 == 0 ? kMissing : static_cast<float>(random.Below(2)));
    some.weights.push_back(static_cast<double>(random.Below(4)));
    some.groups.push_back(random.Below(4));
  }
  const Examples all = Repeated(some);
  const TaskMetrics weighted =
      ComputeMetrics("t", loss::PredictionKind::kProbability, some.predictions, some.labels,
                     some.weights, SumLogLosses(some.predictions, some.labels, some.weights));
  const TaskMetrics repeated =
      ComputeMetrics("t", loss::PredictionKind::kProbability, all.predictions, all.labels, {},
                     SumLogLosses(all.predictions, all.labels));
  EXPECT_NEAR(*weighted.auc, *repeated.auc, 1e-12);
  EXPECT_NEAR(*weighted.average_precision, *repeated.average_precision, 1e-12);
  EXPECT_NEAR(*weighted.log_loss, *repeated.log_loss, 1e-12);
  EXPECT_NEAR(*weighted.normalized_entropy, *repeated.normalized_entropy, 1e-12);
  EXPECT_NEAR(*weighted.mse, *repeated.mse, 1e-12);
  EXPECT_NEAR(*weighted.r2, *repeated.r2, 1e-12);
  EXPECT_NEAR(*weighted.calibration, *repeated.calibration, 1e-12);
  EXPECT_NEAR(weighted.label_mean, repeated.label_mean, 1e-12);
  EXPECT_EQ(weighted.weight, static_cast<double>(repeated.n_samples));
  EXPECT_NEAR(ComputeGroupAuc(some.predictions, some.labels, some.weights, some.groups)->auc,
              ComputeGroupAuc(all.predictions, all.labels, {}, all.groups)->auc, 1e-12);
  const std::vector<RocPoint> curve = RocCurve(some.predictions, some.labels, some.weights, 100);
  const std::vector<RocPoint> expected = RocCurve(all.predictions, all.labels, {}, 100);
  ASSERT_EQ(curve.size(), expected.size());
  for (size_t i = 0; i < curve.size(); ++i) {
    EXPECT_NEAR(curve[i].false_positives, expected[i].false_positives, 1e-12);
    EXPECT_NEAR(curve[i].true_positives, expected[i].true_positives, 1e-12);
  }
  EXPECT_NEAR(
      *ExpectedCalibrationError(CalibrationBins(some.predictions, some.labels, some.weights, 1)),
      *ExpectedCalibrationError(CalibrationBins(all.predictions, all.labels, {}, 1)), 1e-12);
}

TEST(WeightedMetrics, OfExamplesThatWeighNothingAreUndefined) {
  const std::vector<float> predictions = {0.1f, 0.9f};
  const std::vector<double> labels = {0, 1};
  const std::vector<double> weights = {0, 0};
  const TaskMetrics m = ComputeMetrics("t", loss::PredictionKind::kProbability, predictions, labels,
                                       weights, SumLogLosses(predictions, labels, weights));
  EXPECT_EQ(m.n_samples, 2);
  EXPECT_FALSE(m.auc || m.log_loss || m.mse || m.r2 || m.calibration);
  EXPECT_TRUE(CalibrationBins(predictions, labels, weights, 2).empty());
}

}  // namespace
}  // namespace zhiyin::worker::model::metric
