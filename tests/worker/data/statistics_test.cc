#include "worker/data/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "worker/data/examples.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;

Moments MomentsOf(std::initializer_list<double> numbers) {
  Moments moments;
  for (const double x : numbers) moments.Add(x);
  return moments;
}

TEST(Moments, AreThoseOfTheBook) {
  const Moments moments = MomentsOf({2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(moments.n, 8);
  EXPECT_DOUBLE_EQ(moments.mean, 5);
  EXPECT_DOUBLE_EQ(moments.Stddev(), 2);
  EXPECT_EQ(Moments().Stddev(), 0);
}

TEST(Moments, MergeIsAddingAll) {
  Moments merged = MomentsOf({2, 4, 4});
  merged.Merge(Moments());
  merged.Merge(MomentsOf({4, 5, 5, 7, 9}));
  EXPECT_EQ(merged.n, 8);
  EXPECT_DOUBLE_EQ(merged.mean, 5);
  EXPECT_DOUBLE_EQ(merged.Stddev(), 2);
  Moments from_nothing;
  from_nothing.Merge(MomentsOf({1, 3}));
  EXPECT_DOUBLE_EQ(from_nothing.mean, 2);
  EXPECT_DOUBLE_EQ(from_nothing.Stddev(), 1);
}

TEST(Normalizer, StandardisesAndPutsTheMeanForWhatIsMissing) {
  std::vector<double> numerics = {1, 7, 3, kMissing, kMissing, -2};
  const Normalizer normalizer = {{2, 0}, {0.5f, 1}};
  normalizer.Apply(numerics);
  EXPECT_THAT(numerics, ElementsAre(-0.5f, 7, 0.5f, 0, 0, -2));
  Normalizer().Apply({});
}

TEST(Normalizer, KeepsTheDigitsThatAnOffsetTakesUp) {
  constexpr double kUnixTime = 1.7e9;  // its floats are 128 apart
  std::vector<double> plain;
  std::vector<double> late;
  Moments moments;
  Moments moments_late;
  for (int i = 0; i < 101; ++i) {
    plain.push_back(i - 50);
    late.push_back(kUnixTime + plain.back());
    moments.Add(plain.back());
    moments_late.Add(late.back());
  }
  EXPECT_DOUBLE_EQ(moments_late.mean, kUnixTime + moments.mean);
  EXPECT_NEAR(moments_late.Stddev(), moments.Stddev(), 1e-9);
  Normalizer{{moments.mean}, {1 / moments.Stddev()}}.Apply(plain);
  Normalizer{{moments_late.mean}, {1 / moments_late.Stddev()}}.Apply(late);
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(late[i], plain[i], 1e-7);
}

}  // namespace
}  // namespace zhiyin::worker::data
