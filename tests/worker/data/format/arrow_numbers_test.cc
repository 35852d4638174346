#include "worker/data/format/arrow_numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "common/random.h"

namespace zhiyin::worker::data {
namespace {

std::string FloatText(float x) {
  std::array<char, kMaxNumberBytes> text;
  return {text.data(), WriteFloat(x, text.data())};
}
std::string FloatText(double x) {
  std::array<char, kMaxNumberBytes> text;
  return {text.data(), WriteFloat(x, text.data())};
}
std::string FractionText(int64_t value, int digits) {
  std::array<char, kMaxNumberBytes> text;
  return {text.data(), WriteFraction(value, digits, text.data())};
}
/// The decimal of these 64-bit words, the lowest first.
std::string DecimalText(const std::array<uint64_t, 4>& words, int bytes, int scale) {
  std::array<char, kMaxNumberBytes> text;
  return {text.data(), WriteDecimal(reinterpret_cast<const std::byte*>(words.data()), bytes, scale,
                                    text.data())};
}
double DecimalNumber(const std::array<uint64_t, 4>& words, int bytes, int scale) {
  return DecimalOf(reinterpret_cast<const std::byte*>(words.data()), bytes, scale);
}

/// What a CSV would give: the shortest text, parsed.
double ByText(float x) {
  const std::string text = FloatText(x);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

TEST(ArrowNumbers, AFloatIsTheDoubleOfItsShortestText) {
  EXPECT_EQ(ShortestDouble(0.1f), 0.1);
  EXPECT_EQ(ShortestDouble(-123.45f), -123.45);
  EXPECT_EQ(ShortestDouble(16777216.0f), 16777216.0);
  EXPECT_EQ(ShortestDouble(0.5f), 0.5);
  EXPECT_EQ(ShortestDouble(1e20f), 1e20);
  EXPECT_EQ(ShortestDouble(1e-30f), 1e-30);
  EXPECT_TRUE(std::isnan(ShortestDouble(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(ShortestDouble(-std::numeric_limits<float>::infinity()),
            -std::numeric_limits<double>::infinity());
  Random random(7);
  for (int i = 0; i < 200'000; ++i) {
    const auto bits = static_cast<uint32_t>(random.Next());
    // All floats, and more often those of ordinary size.
    const float x = std::bit_cast<float>(i % 2 == 0 ? bits : (bits & 0x83ffffffu) | 0x3c000000u);
    if (!std::isfinite(x)) continue;
    ASSERT_EQ(ShortestDouble(x), ByText(x)) << x;
  }
  for (int exponent = -149; exponent < 128; ++exponent) {
    const float power = std::ldexp(1.0f, exponent);
    for (const float x : {power, std::nextafter(power, 0.0f), std::nextafter(power, 1e38f)})
      ASSERT_EQ(ShortestDouble(x), ByText(x)) << x;
  }
}

TEST(ArrowNumbers, HalfPrecisionHasItsOwnShortestText) {
  EXPECT_EQ(ShortestDoubleOfHalf(0x2e66), 0.1);       // 0.0999755859375
  EXPECT_EQ(ShortestDoubleOfHalf(0xc248), -3.14);     // -3.140625
  EXPECT_EQ(ShortestDoubleOfHalf(0x0001), 6e-8);      // the smallest
  EXPECT_EQ(ShortestDoubleOfHalf(0x0400), 6.104e-5);  // the smallest normal one
  EXPECT_EQ(ShortestDoubleOfHalf(0x7bff), 65504);     // the largest
  EXPECT_EQ(ShortestDoubleOfHalf(0x3c00), 1);
  EXPECT_EQ(ShortestDoubleOfHalf(0x8000), 0);
  EXPECT_TRUE(std::isnan(ShortestDoubleOfHalf(0x7e00)));
  EXPECT_EQ(ShortestDoubleOfHalf(0xfc00), -std::numeric_limits<double>::infinity());
}

TEST(ArrowNumbers, FloatsAreWrittenShort) {
  EXPECT_EQ(FloatText(0.1f), "0.1");
  EXPECT_EQ(FloatText(0.1), "0.1");
  EXPECT_EQ(FloatText(3.0f), "3");
  EXPECT_EQ(FloatText(-0.0), "0");
  EXPECT_EQ(FloatText(1e7f), "10000000");
  EXPECT_EQ(FloatText(123456789012345678.0), "123456789012345680");
  EXPECT_EQ(FloatText(1e300), "1e+300");
  EXPECT_EQ(FloatText(-std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(FloatText(-std::numeric_limits<float>::infinity()), "-inf");
}

TEST(ArrowNumbers, FractionsOfSecondsAreExact) {
  EXPECT_EQ(FractionText(1'700'000'000'123'456'789, 9), "1700000000.123456789");
  EXPECT_EQ(FractionText(1'700'000'000'120'000'000, 9), "1700000000.12");
  EXPECT_EQ(FractionText(1'700'000'000'000, 3), "1700000000");
  EXPECT_EQ(FractionText(-1, 3), "-0.001");
  EXPECT_EQ(FractionText(-1500, 3), "-1.5");
  EXPECT_EQ(FractionText(std::numeric_limits<int64_t>::min(), 9), "-9223372036.854775808");
  EXPECT_EQ(FractionText(-7, 0), "-7");
  EXPECT_EQ(FractionOf(1500, 3), 1.5);
  EXPECT_EQ(FractionOf(1'700'000'000'123'456'789, 9), 1700000000.123456789);
  EXPECT_EQ(FractionOf(-1, 6), -1e-6);
}

TEST(ArrowNumbers, DecimalsHaveAllTheirDigits) {
  const auto minus = [](uint64_t low) {
    return std::array<uint64_t, 4>{~low + 1, ~0ull, ~0ull, ~0ull};
  };
  EXPECT_EQ(DecimalText({500, 0, 0, 0}, 16, 2), "5.00");
  EXPECT_EQ(DecimalText(minus(5), 16, 2), "-0.05");
  EXPECT_EQ(DecimalText(minus(5), 4, 0), "-5");
  EXPECT_EQ(DecimalText({0, 0, 0, 0}, 8, 3), "0.000");
  EXPECT_EQ(DecimalText({7, 0, 0, 0}, 8, -3), "7000");
  EXPECT_EQ(DecimalText({0, 0, 0, 0}, 8, -3), "0");
  EXPECT_EQ(DecimalText({0, 1, 0, 0}, 16, 0), "18446744073709551616");
  EXPECT_EQ(DecimalText({0, 0, 0, 1ull << 63}, 32, 0),
            "-57896044618658097711785492504343953926634992332820282019728792003956564819968");
  EXPECT_EQ(DecimalText({1'000'000'000'000'000'000, 0, 0, 0}, 16, 0), "1000000000000000000");
  EXPECT_EQ(DecimalNumber(minus(1234567), 16, 3), -1234.567);
  EXPECT_EQ(DecimalNumber({0, 1, 0, 0}, 16, 2), 184467440737095516.16);
  EXPECT_EQ(DecimalNumber({3, 0, 0, 0}, 16, -2), 300);
}

}  // namespace
}  // namespace zhiyin::worker::data
