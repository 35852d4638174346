// Figures of columns that are filled by hand.
#include "worker/data/survey/signal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "common/random.h"
#include "common/types.h"

namespace zhiyin::worker::data {
namespace {

constexpr size_t kManyValues = 1 << 16;

/// A column of n examples of each split; `value` and `label` are of the number of an example.
ColumnSurvey NumericOf(int64_t n, const std::function<double(SplitKind, int64_t)>& value,
                       const std::function<double(int64_t)>& label) {
  ColumnSurvey column("x", "x", /*is_numeric=*/true, 1, kManyValues);
  for (const SplitKind split : {SplitKind::kTrain, SplitKind::kTest}) {
    for (int64_t i = 0; i < n; ++i) {
      const double y = label(i);
      const ExampleView example = {split, i, {&y, 1}};
      const double x = value(split, i);
      if (!std::isnan(x)) column.AddNumber(example, x);
      column.EndExample(example);
    }
  }
  return column;
}

TEST(Signal, InOrderIsTheAuc) {
  // Positives have 1, 2, 3, negatives 0, 1, 2: of nine pairs six are won and two are ties: 7 of 9.
  const ColumnSurvey column = NumericOf(
      6000, [](SplitKind, int64_t i) { return static_cast<double>(i % 3 + (i / 3) % 2); },
      [](int64_t i) { return static_cast<double>((i / 3) % 2); });
  const Signal signal = SignalOf(column, 0, true);
  ASSERT_TRUE(signal.in_order);
  EXPECT_NEAR(*signal.in_order, 7.0 / 9, 1e-12);
  ASSERT_TRUE(signal.by_value);
  EXPECT_NEAR(*signal.by_value, 7.0 / 9, 0.02);
}

TEST(Signal, ByValueSeesWhatHasNoOrder) {
  const ColumnSurvey column = NumericOf(
      4000, [](SplitKind, int64_t i) { return static_cast<double>(i % 4); },
      [](int64_t i) { return static_cast<double>(i % 2); });
  const Signal signal = SignalOf(column, 0, true);
  EXPECT_EQ(signal.by_value, 1);
  EXPECT_NEAR(*signal.in_order, 0.75, 1e-12);
}

TEST(Signal, OfRegressionsIsExplainedVariance) {
  const ColumnSurvey line = NumericOf(
      500, [](SplitKind, int64_t i) { return static_cast<double>(i); },
      [](int64_t i) { return 3 - 2 * static_cast<double>(i); });
  EXPECT_NEAR(*SignalOf(line, 0, false).in_order, 1, 1e-12);
  EXPECT_LE(*SignalOf(line, 0, false).by_value, 1e-9);  // each value occurs once
  const ColumnSurvey curve = NumericOf(
      500, [](SplitKind, int64_t i) { return static_cast<double>(i % 5 - 2); },
      [](int64_t i) { return std::pow(static_cast<double>(i % 5 - 2), 2); });
  EXPECT_NEAR(*SignalOf(curve, 0, false).in_order, 0, 1e-12);
  EXPECT_GT(*SignalOf(curve, 0, false).by_value, 0.99);
}

TEST(Signal, IsAbsentWhereLabelsAreFew) {
  const ColumnSurvey column = NumericOf(
      100, [](SplitKind, int64_t i) { return static_cast<double>(i); },
      [](int64_t i) { return i < 9 ? 1.0 : 0.0; });
  EXPECT_FALSE(SignalOf(column, 0, true).in_order);
  EXPECT_FALSE(SignalOf(column, 0, true).by_value);
}

TEST(Drift, IsThePopulationStabilityIndex) {
  // A value of two has a share of 1/2 in training and 1/4 in the test split.
  const ColumnSurvey column = NumericOf(
      40000,
      [](SplitKind split, int64_t i) {
        return i % 4 < (split == SplitKind::kTrain ? 2 : 1) ? 1.0 : 0.0;
      },
      [](int64_t) { return 0.0; });
  const std::optional<Drift> drift = DriftOf(column, SplitKind::kTest);
  ASSERT_TRUE(drift);
  EXPECT_NEAR(drift->psi, 0.25 * std::log(2) + 0.25 * std::log(0.75 / 0.5), 1e-3);
  EXPECT_NEAR(drift->by_chance, (1 + 3 * std::sqrt(2)) / 20000, 1e-12);
}

TEST(Drift, IsWithinChanceBetweenDrawsOfOneDistribution) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Random random(seed);
    const ColumnSurvey column = NumericOf(
        1000,
        [&](SplitKind, int64_t) { return random.Below(10) == 0 ? kMissing : random.Normal(); },
        [](int64_t) { return 0.0; });
    EXPECT_LT(DriftOf(column, SplitKind::kTest)->psi, DriftOf(column, SplitKind::kTest)->by_chance)
        << seed;
  }
}

TEST(Drift, IsAbsentWithOneGroup) {
  const ColumnSurvey column = NumericOf(
      10, [](SplitKind, int64_t) { return 1.0; }, [](int64_t) { return 0.0; });
  EXPECT_FALSE(DriftOf(column, SplitKind::kTest));
}

}  // namespace
}  // namespace zhiyin::worker::data
