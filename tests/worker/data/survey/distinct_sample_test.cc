#include "worker/data/survey/distinct_sample.h"

#include <gtest/gtest.h>

#include <cmath>

namespace zhiyin::worker::data {
namespace {

TEST(DistinctSample, KeepsAllWhileTheyAreFew) {
  DistinctSample<int> sample(3);
  for (const uint64_t value : {7, 8, 7, 9, 7}) ++*sample.Add(value);
  EXPECT_TRUE(sample.is_exact());
  EXPECT_EQ(sample.n_distinct(), 3);
  EXPECT_EQ(sample.kept().at(7), 3);
  EXPECT_EQ(sample.kept().at(9), 1);
}

TEST(DistinctSample, EstimatesHowManyThereAre) {
  constexpr size_t kMax = 1024;
  constexpr int kValues = 100'000;
  DistinctSample<int> sample(kMax);
  for (int pass = 0; pass < 2; ++pass) {
    for (uint64_t value = 0; value < kValues; ++value) sample.Add(value);
  }
  EXPECT_FALSE(sample.is_exact());
  EXPECT_LE(sample.kept().size(), kMax);
  // Four standard errors.
  EXPECT_NEAR(static_cast<double>(sample.n_distinct()), kValues,
              4 * 1.2 / std::sqrt(double{kMax}) * kValues);
}

TEST(DistinctSample, DoesNotDependOnTheOrder) {
  DistinctSample<int> up(50);
  DistinctSample<int> down(50);
  for (uint64_t value = 0; value < 1000; ++value) {
    up.Add(value);
    down.Add(999 - value);
  }
  ASSERT_EQ(up.kept().size(), down.kept().size());
  for (const auto& [value, unused] : up.kept()) {
    EXPECT_TRUE(down.kept().contains(value)) << value;
    EXPECT_TRUE(up.Covers(value));
  }
}

TEST(DistinctSample, CountsEveryOccurrenceOfWhatItKeeps) {
  DistinctSample<int> sample(20);
  for (int i = 0; i < 3000; ++i) {
    if (int* const n = sample.Add(static_cast<uint64_t>(i % 300))) ++*n;
  }
  EXPECT_FALSE(sample.kept().empty());
  for (const auto& [value, n] : sample.kept()) EXPECT_EQ(n, 10) << value;
}

}  // namespace
}  // namespace zhiyin::worker::data
