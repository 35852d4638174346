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
const std::vector<float> kLabels = {0, 1, 1, 0, kMissing};

TEST(RocCurve, StepsThroughTheThresholds) {
  const std::vector<RocPoint> curve = RocCurve(kPredictions, kLabels, 100);
  ASSERT_EQ(curve.size(), 4u);
  EXPECT_EQ(curve[1].false_positives, 0);
  EXPECT_EQ(curve[1].true_positives, 0.5);
  EXPECT_EQ(curve[2].false_positives, 0.5) << "rows of the same score are passed together";
  EXPECT_EQ(curve[2].true_positives, 1);
  EXPECT_EQ(curve[3].false_positives, 1);
  const std::vector<RocPoint> few = RocCurve(kPredictions, kLabels, 2);
  ASSERT_EQ(few.size(), 2u);
  EXPECT_EQ(few[0].true_positives, 0);
  EXPECT_EQ(few[1].true_positives, 1);
  EXPECT_TRUE(RocCurve(kPredictions, std::vector<float>(5, 1), 100).empty());
}

TEST(RocCurve, TheAreaUnderItIsTheAuc) {
  Random random(1);
  std::vector<float> predictions, labels;
  for (int i = 0; i < 500; ++i) {
    predictions.push_back(std::round(10 * static_cast<float>(random.Uniform())) / 10);
    labels.push_back(random.Uniform() < predictions.back() ? 1 : 0);
  }
  double area = 0;
  const std::vector<RocPoint> curve = RocCurve(predictions, labels, 1000);
  for (size_t i = 1; i < curve.size(); ++i)
    area += (curve[i].false_positives - curve[i - 1].false_positives) *
            (curve[i].true_positives + curve[i - 1].true_positives) / 2;
  EXPECT_NEAR(area, *Auc(predictions, labels), 1e-12);
}

TEST(Calibration, BinsHaveAsManyRowsEach) {
  const std::vector<CalibrationBin> bins = CalibrationBins(kPredictions, kLabels, 2);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].n, 2);
  EXPECT_NEAR(bins[0].prediction, 0.55, 1e-6);
  EXPECT_EQ(bins[0].label, 0.5);
  EXPECT_NEAR(bins[1].prediction, 0.85, 1e-6);
  EXPECT_EQ(bins[1].label, 0.5);
  EXPECT_NEAR(*ExpectedCalibrationError(bins), (0.05 + 0.35) / 2, 1e-6);
  EXPECT_EQ(CalibrationBins(kPredictions, kLabels, 10).size(), 4u) << "empty bins are none";
  EXPECT_FALSE(ExpectedCalibrationError({}).has_value());
}

TEST(GroupAuc, WeighsGroupsThatHaveBothClasses) {
  //                                group 1: 1 of 2 pairs won      group 2: all yes     group 3: a
  //                                tie
  const std::vector<float> scores = {0.1f, 0.5f, 0.3f, /**/ 0.7f, 0.6f, /**/ 0.2f, 0.2f, 0.9f};
  const std::vector<float> labels = {0, 0, 1, /**/ 1, 1, /**/ 0, 1, kMissing};
  const std::vector<Key> groups = {1, 1, 1, 2, 2, 3, 3, 3};
  const auto found = ComputeGroupAuc(scores, labels, groups);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->n_groups, 2);
  EXPECT_NEAR(found->auc, (3 * 0.5 + 2 * 0.5) / 5, 1e-12);
  EXPECT_FALSE(ComputeGroupAuc(std::vector<float>{0.1f}, std::vector<float>{1}, std::vector<Key>{1})
                   .has_value());
}

TEST(AucInterval, HoldsTheAucAndShrinksWithTheRows) {
  const auto width = [](int n) {
    Random random(3);
    std::vector<float> predictions, labels;
    for (int i = 0; i < n; ++i) {
      predictions.push_back(static_cast<float>(random.Uniform()));
      labels.push_back(random.Uniform() < predictions.back() ? 1 : 0);
    }
    const auto interval = AucInterval(predictions, labels, 300, 1);
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
  EXPECT_FALSE(AucInterval(std::vector<float>{0.1f}, std::vector<float>{1}, 10, 1).has_value());
}

}  // namespace
}  // namespace zhiyin::worker::model::metric
