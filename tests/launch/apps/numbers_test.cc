#include "launch/apps/numbers.h"

#include <gtest/gtest.h>

#include <cmath>

namespace zhiyin::launch::apps {
namespace {

TEST(ReportNumbers, HaveFiveDigitsOrAFormat) {
  EXPECT_EQ(Number(0.123456), "0.12346");
  EXPECT_EQ(Number(-2.5), "-2.50000");
  EXPECT_EQ(Number(2.5, "%.2f"), "2.50");
}

TEST(ReportNumbers, HaveNoMinusSignInFrontOfZero) {
  EXPECT_EQ(Number(-0.000001), "0.00000");
  EXPECT_EQ(Number(-0.00001), "-0.00001");
}

TEST(ReportNumbers, AreADashWhereThereIsNone) {
  EXPECT_EQ(Number(std::optional<double>()), "–");
  EXPECT_EQ(Number(std::optional<double>(1), "%.1f"), "1.0");
}

TEST(ReportNumbers, MayBeInfinite) {
  EXPECT_EQ(Number(INFINITY), "∞");
  EXPECT_EQ(Number(-INFINITY, "%.1f"), "-∞");
}

TEST(ReportNumbers, HaveAnIntervalBehindThem) {
  EXPECT_EQ(WithInterval(0.94123, 0.9388, 0.94361), "0.9412 (0.9388–0.9436)");
}

}  // namespace
}  // namespace zhiyin::launch::apps
