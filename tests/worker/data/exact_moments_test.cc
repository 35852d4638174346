#include "worker/data/exact_moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::worker::data {
namespace {

ExactMoments ExactMomentsOf(const std::vector<double>& numbers) {
  ExactMoments moments;
  for (const double x : numbers) moments.Add(x);
  return moments;
}

std::string BytesOf(const ExactMoments& moments) {
  ByteWriter out;
  moments.Write(&out);
  return out.Take();
}

ExactMoments ReadMoments(const std::string& bytes, int64_t n_max = 1'000'000) {
  ByteReader in(bytes, "moments");
  const ExactMoments moments = ExactMoments::Read(&in, n_max);
  if (!in.AtEnd()) in.Refuse("not the last");
  return moments;
}

TEST(ExactMoments, AreThoseOfTheBook) {
  const Moments moments = ExactMomentsOf({2, 4, 4, 4, 5, 5, 7, 9}).Rounded();
  EXPECT_EQ(moments.n, 8);
  EXPECT_EQ(moments.mean, 5);
  EXPECT_EQ(moments.m2, 32);
  EXPECT_EQ(moments.Stddev(), 2);
  EXPECT_EQ(ExactMoments().Rounded().Stddev(), 0);
}

TEST(ExactMoments, OfEqualNumbersAreThatNumberAndNothing) {
  for (const double x : {0.1, -3.7e37, 1e-310, 1.7e9}) {
    const ExactMoments moments = ExactMomentsOf({x, x, x});
    EXPECT_TRUE(moments.IsConstant());
    EXPECT_EQ(moments.Rounded().mean, x);
    EXPECT_EQ(moments.Rounded().m2, 0);
  }
  EXPECT_FALSE(ExactMomentsOf({0, 1}).IsConstant());
}

TEST(ExactMoments, KeepTheDigitsThatAnOffsetTakesUp) {
  ExactMoments plain;
  ExactMoments late;
  for (int i = 0; i <= 100; ++i) {
    plain.Add(i - 50);
    late.Add(1.7e9 + (i - 50));
  }
  EXPECT_EQ(plain.Rounded().m2, 85850);
  EXPECT_EQ(late.Rounded().m2, 85850);
  EXPECT_EQ(late.Rounded().mean, 1.7e9);
}

TEST(ExactMoments, AreEqualForAnyOrderAndGrouping) {
  Random random(3);
  std::vector<double> numbers;
  for (int i = 0; i < 1000; ++i)
    numbers.push_back(random.Normal() * std::pow(10, static_cast<double>(random.Below(60)) - 25));
  const std::string expected = BytesOf(ExactMomentsOf(numbers));
  for (const size_t n_parts : {1, 2, 7}) {
    random.Shuffle(std::span(numbers));
    std::vector<ExactMoments> parts(n_parts);
    for (size_t i = 0; i < numbers.size(); ++i) parts[i % n_parts].Add(numbers[i]);
    ExactMoments all;
    for (const ExactMoments& part : parts) all.Merge(ReadMoments(BytesOf(part)));
    EXPECT_EQ(BytesOf(all), expected);
    EXPECT_EQ(all.Rounded().m2, ReadMoments(expected).Rounded().m2);
  }
}

TEST(ExactMoments, OfDamagedBytesAreRefusedOrHaveAMeanAndADeviation) {
  const std::string bytes = BytesOf(ExactMomentsOf({1.5, -2.25, 1e30, 3}));
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_THROW(ReadMoments(bytes.substr(0, n)), Error) << n;
  EXPECT_THROW(ReadMoments(bytes, 3), Error) << "more numbers than there are examples";
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    try {
      const Moments moments = ReadMoments(flipped).Rounded();
      EXPECT_TRUE(std::isfinite(moments.mean));
      EXPECT_TRUE(std::isfinite(moments.Stddev()));
    } catch (const Error&) {  // refused is as good
    }
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
