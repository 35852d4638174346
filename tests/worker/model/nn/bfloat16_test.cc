#include "worker/model/nn/bfloat16.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/random.h"

namespace zhiyin::worker::model::nn {
namespace {

constexpr uint32_t kSignBit = 0x80000000;
constexpr Bfloat16 kSignOfHalf = 0x8000;

float FloatOf(uint32_t bits) {
  return std::bit_cast<float>(bits);
}

Bfloat16 RoundedBits(uint32_t bits) {
  return ToBfloat16(FloatOf(bits));
}

/// The nearest bfloat16, the even one of two, of a number that is not NaN: counted in steps between
/// bfloat16 numbers of its size, which doubles do without a rounding.
Bfloat16 NearestBfloat16(float x) {
  constexpr double kLargest = 0x1.FEp127;
  double nearest = x;
  if (x != 0 && !std::isinf(x)) {
    int exponent = 0;  // of |x| in [2^(exponent - 1), 2^exponent)
    std::frexp(static_cast<double>(x), &exponent);
    const double step = std::ldexp(1.0, std::max(exponent - 1, -126) - 7);
    nearest = std::nearbyint(x / step) * step;
    if (std::abs(nearest) > kLargest)
      nearest = std::copysign(std::numeric_limits<double>::infinity(), nearest);
  }
  const uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(nearest));
  EXPECT_EQ(bits & 0xffff, 0u) << x << ": " << nearest << " is no bfloat16";
  return static_cast<Bfloat16>(bits >> 16);
}

TEST(Bfloat16, IsTheNearestOfAnyNumber) {
  Random random(1);
  const auto check = [](uint32_t bits) {
    const float x = FloatOf(bits);
    if (std::isnan(x)) return;
    ASSERT_EQ(ToBfloat16(x), NearestBfloat16(x)) << std::hex << bits;
  };
  for (int i = 0; i < 20'000; ++i) {
    const uint32_t bits = static_cast<uint32_t>(random.Next());
    check(bits);
    // Half-way between two, and beside that.
    const uint32_t upper = bits & 0xffff0000;
    for (const uint32_t lower : {0x7fffu, 0x8000u, 0x8001u}) check(upper | lower);
  }
  for (const float x : {0.1f, 1.0f / 3, 3.14159265f, 65504.0f, 1e-30f, 1e30f, 1e-40f,
                        std::numeric_limits<float>::max(), std::numeric_limits<float>::min(),
                        std::numeric_limits<float>::denorm_min()}) {
    check(std::bit_cast<uint32_t>(x));
    check(std::bit_cast<uint32_t>(-x));
  }
}

TEST(Bfloat16, OfTwoThatAreAsNearIsTheEvenOne) {
  for (const uint32_t sign : {0u, kSignBit}) {
    const auto rounded = [&](uint32_t bits) { return RoundedBits(sign | bits) & ~kSignOfHalf; };
    EXPECT_EQ(rounded(0x3f800000), 0x3f80) << "1";
    EXPECT_EQ(rounded(0x3f808000), 0x3f80) << "1 + 2^-8, down to 1";
    EXPECT_EQ(rounded(0x3f808001), 0x3f81);
    EXPECT_EQ(rounded(0x3f817fff), 0x3f81);
    EXPECT_EQ(rounded(0x3f818000), 0x3f82) << "1 + 3 * 2^-8, up to 1 + 2^-6";
    EXPECT_EQ(rounded(0x3fff8000), 0x4000) << "up to another exponent";
  }
}

TEST(Bfloat16, KeepsSignsInfinitiesAndZeros) {
  for (const uint32_t sign : {0u, kSignBit}) {
    const Bfloat16 half = static_cast<Bfloat16>(sign >> 16);
    EXPECT_EQ(RoundedBits(sign), half);
    EXPECT_EQ(RoundedBits(sign | 0x7f800000), half | 0x7f80) << "infinity";
    EXPECT_EQ(RoundedBits(sign | 0x3f800000), half | 0x3f80);
  }
}

TEST(Bfloat16, IsInfiniteBeyondTheLargest) {
  EXPECT_EQ(RoundedBits(0x7f7f7fff), 0x7f7f) << "the largest one";
  EXPECT_EQ(RoundedBits(0x7f7f8000), 0x7f80);
  EXPECT_EQ(RoundedBits(0x7f7fffff), 0x7f80) << "the largest float";
  EXPECT_EQ(RoundedBits(0xff7f7fff), 0xff7f);
  EXPECT_EQ(RoundedBits(0xff7fffff), 0xff80);
}

TEST(Bfloat16, RoundsDenormalsAsAllOthers) {
  EXPECT_EQ(RoundedBits(0x00000001), 0);
  EXPECT_EQ(RoundedBits(0x00008000), 0) << "half of the smallest, down to the even one";
  EXPECT_EQ(RoundedBits(0x00008001), 1);
  EXPECT_EQ(RoundedBits(0x00018000), 2);
  EXPECT_EQ(RoundedBits(0x80000001), kSignOfHalf);
  EXPECT_EQ(RoundedBits(0x80008001), kSignOfHalf | 1);
  EXPECT_EQ(RoundedBits(0x007fffff), 0x0080) << "up to the smallest that is none";
}

TEST(Bfloat16, OfNaNIsNaN) {
  for (const uint32_t sign : {0u, kSignBit}) {
    // Those whose payload is in the lower half alone, and those that a carry would make 0.
    for (const uint32_t bits : {0x7f800001u, 0x7f807fffu, 0x7f80ffffu, 0x7f810000u, 0x7fc00000u,
                                0x7fff8000u, 0x7fffffffu}) {
      const Bfloat16 rounded = RoundedBits(sign | bits);
      EXPECT_GT(rounded & 0x7fff, 0x7f80) << std::hex << bits;
      EXPECT_EQ(rounded & kSignOfHalf, sign >> 16) << std::hex << bits;
      EXPECT_TRUE(std::isnan(FromBfloat16(rounded))) << std::hex << bits;
    }
  }
}

TEST(Bfloat16, IsItsOwnNearest) {
  for (uint32_t half = 0; half <= 0xffff; ++half) {
    const float x = FromBfloat16(static_cast<Bfloat16>(half));
    if (std::isnan(x)) continue;
    ASSERT_EQ(ToBfloat16(x), half);
  }
}

/// Loops over several numbers at once have a rest of every length.
TEST(Bfloat16, ManyAreRoundedAsEach) {
  Random random(2);
  std::vector<float> numbers(1100);
  for (float& x : numbers) x = FloatOf(static_cast<uint32_t>(random.Next()));
  std::vector<size_t> lengths = {127, 128, 1000, 1023, 1025};
  for (size_t n = 0; n <= 70; ++n) lengths.push_back(n);
  for (const size_t n : lengths) {
    for (const size_t begin : {0, 1, 3}) {
      const std::span<const float> from = std::span(numbers).subspan(begin, n);
      constexpr Bfloat16 kUntouched = 0x1234;
      std::vector<Bfloat16> halves(n + 2, kUntouched);
      std::vector<float> floats(n + 2, 7.0f);
      RoundTo(from, std::span(halves).subspan(1, n));
      RoundTo(from, std::span(floats).subspan(1, n));
      for (size_t i = 0; i < n; ++i) {
        const Bfloat16 expected = ToBfloat16(from[i]);
        ASSERT_EQ(halves[i + 1], expected) << i << " of " << n;
        ASSERT_EQ(std::bit_cast<uint32_t>(floats[i + 1]), uint32_t{expected} << 16)
            << i << " of " << n;
      }
      EXPECT_TRUE(halves[0] == kUntouched && halves[n + 1] == kUntouched) << n;
      EXPECT_TRUE(floats[0] == 7.0f && floats[n + 1] == 7.0f) << n;
    }
  }
}

}  // namespace
}  // namespace zhiyin::worker::model::nn
