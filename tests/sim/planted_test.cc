// Planted bugs are found, and what is none passes.
#include <gmock/gmock.h>

#include "tests/sim/drawn_job.h"
#include "tests/sim/plants.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSeeds = 200;
#if defined(ZHIYIN_THREAD_SANITIZER) || defined(ZHIYIN_ADDRESS_SANITIZER)
constexpr int kEnough = 2;
#else
constexpr int kEnough = 20;
#endif

class Planted : public ::testing::TestWithParam<Plant> {};

TEST_P(Planted, IsFoundWithinTwoHundredSeeds) {
  const Plant& plant = GetParam();
  int n_found = 0;
  bool was_given_away = false;
  for (uint64_t seed = 1; seed <= kSeeds && (n_found < kEnough || !was_given_away); ++seed) {
    const SimulatedJob drawn = DrawJob(seed);
    if (!plant.applies(drawn.job.train().staleness())) continue;
    bool happened = false;
    const Outcome outcome = Simulate(drawn, plant.make(drawn, Random(seed, 1), &happened));
    if (!happened) {
      EXPECT_EQ(Judge(drawn, outcome), "") << Replay(seed);
      continue;
    }
    ASSERT_NE(outcome.exit_code, 0) << plant.name << " went unnoticed, " << Replay(seed);
    ASSERT_EQ(outcome.errors.size(), 1u) << outcome.error() << Replay(seed);
    ASSERT_EQ(Judge(drawn, Simulate(drawn)), "") << "without it: " << Replay(seed);
    ++n_found;
    if (outcome.error().find(plant.given_away_by) == std::string::npos) continue;
    if (!was_given_away)
      std::printf("seed %d: %s", static_cast<int>(seed), outcome.error().c_str());
    was_given_away = true;
  }
  EXPECT_GE(n_found, kEnough);
  EXPECT_TRUE(was_given_away) << "not once by: " << plant.given_away_by;
}

INSTANTIATE_TEST_SUITE_P(Bug, Planted, ::testing::ValuesIn(AllPlants().begin(), AllPlants().end()),
                         [](const auto& plant) { return std::string(plant.param.name); });

TEST(Planted, WhatComesTwiceCountsOnce) {
  Checker checker;
  int64_t n_repeated = 0;
  int64_t n_late = 0;
  for (uint64_t seed = 1; seed <= 4 * static_cast<uint64_t>(kEnough); ++seed) {
    const SimulatedJob drawn = DrawJob(seed);
    const Outcome outcome = Simulate(drawn, SendSomeTwice(Random(seed, 1)));
    ASSERT_EQ(Judge(drawn, outcome), "") << Replay(seed);
    n_repeated += outcome.summary["pushes_repeated"].get<int64_t>();
    n_late += outcome.summary["replies_late"].get<int64_t>();
    if (drawn.job.train().staleness() == 0) {
      EXPECT_EQ(outcome.metrics, Simulate(drawn).metrics) << Replay(seed);
    }
  }
  EXPECT_GT(n_repeated, 0);
  EXPECT_GT(n_late, n_repeated) << "an acknowledgement for each push, and replies to pulls";
}

}  // namespace

void PrintTo(const Plant& plant, std::ostream* out) {
  *out << plant.name;
}

}  // namespace zhiyin::testing
