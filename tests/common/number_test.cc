#include "common/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/random.h"

namespace zhiyin {
namespace {

/// To a type and back.
float Through(NumberType type, float x) {
  uint32_t bits = 0;
  FromFloats(type, &x, 1, &bits);
  ToFloats(type, &bits, 1, &x);
  return x;
}

TEST(Number, RoundsToTheNearest) {
  EXPECT_EQ(Through(FP32, 1.1f), 1.1f);
  EXPECT_EQ(Through(FP16, 1 + 0x1p-11f), 1) << "a tie, to even";
  EXPECT_EQ(Through(FP16, 1 + 3 * 0x1p-11f), 1 + 0x1p-9f) << "a tie, to even";
  EXPECT_EQ(Through(BF16, 1 + 0x1p-8f), 1);
  EXPECT_EQ(Through(FP16, 1e6f), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(Through(FP16, std::nanf(""))));
  EXPECT_TRUE(std::isnan(Through(BF16, std::nanf(""))));
}

TEST(Number, EveryHalfGoesThereAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t half = static_cast<uint16_t>(bits);
    for (const NumberType type : {FP16, BF16}) {
      float x = 0;
      ToFloats(type, &half, 1, &x);
      if (std::isnan(x) || (type == BF16 && std::fpclassify(x) == FP_SUBNORMAL)) continue;
      uint16_t back = 0;
      FromFloats(type, &x, 1, &back);
      ASSERT_EQ(back, half) << NumberType_Name(type);
    }
  }
}

class StochasticRounding : public ::testing::TestWithParam<NumberType> {};

TEST_P(StochasticRounding, GivesANeighbourAndIsRightOnAverage) {
  Random random(3);
  const size_t n = 1000;
  for (int i = 0; i < 200; ++i) {
    const float x = static_cast<float>(random.Normal() *
                                       std::exp2(static_cast<double>(random.Below(24)) - 17.0));
    const std::vector<float> from(n, x);
    std::vector<uint16_t> rounded(n);
    double mean = 0;
    float low = std::numeric_limits<float>::infinity();
    float high = -low;
    for (uint64_t seed = 0; seed < 4; ++seed) {
      RoundStochastically(GetParam(), from.data(), n, Mix(seed + 100 * static_cast<uint64_t>(i)),
                          rounded.data());
      std::vector<float> back(n);
      ToFloats(GetParam(), rounded.data(), n, back.data());
      for (const float y : back) {
        mean += y / (4.0 * n);
        low = std::min(low, y);
        high = std::max(high, y);
      }
    }
    ASSERT_LE(low, x);
    ASSERT_GE(high, x);
    const float unit = high - low;
    EXPECT_NEAR(mean, x, 0.05 * unit + 1e-12) << x;
    const float exact = low;
    RoundStochastically(GetParam(), &exact, 1, 77, rounded.data());
    float back = 0;
    ToFloats(GetParam(), rounded.data(), 1, &back);
    EXPECT_EQ(back, exact) << "what fits is not changed";
    if (unit > 0) {
      const float middle = (low + high) / 2;
      EXPECT_TRUE(Through(GetParam(), middle) == low || Through(GetParam(), middle) == high)
          << low << " and " << high << " are neighbours";
    }
  }
}

TEST_P(StochasticRounding, KeepsZeroAndTheLargest) {
  const float values[] = {0, -0.0f, 60000, -60000, 1e30f};
  uint16_t rounded[5];
  RoundStochastically(GetParam(), values, 5, 1, rounded);
  float back[5];
  ToFloats(GetParam(), rounded, 5, back);
  EXPECT_EQ(back[0], 0);
  EXPECT_EQ(back[1], 0);
  EXPECT_NEAR(back[2], 60000, 300);
  EXPECT_NEAR(back[3], -60000, 300);
  EXPECT_TRUE(std::isfinite(back[4]));
}

INSTANTIATE_TEST_SUITE_P(Types, StochasticRounding, ::testing::Values(FP16, BF16),
                         [](const auto& test) { return NumberType_Name(test.param); });

}  // namespace
}  // namespace zhiyin
