#include "worker/train/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>
#include <sstream>

#include "common/random.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename Names>
void ExpectAllNamed(const Names& names) {
  std::set<std::string_view> distinct;
  for (const std::string_view name : names) {
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(distinct.insert(name).second) << name;
  }
}

TEST(Profile, EveryStageHasANameOfItsOwn) {
  ExpectAllNamed(kStageNames);
  ExpectAllNamed(ps::kServerStageNames);
  EXPECT_EQ(kStageNames[static_cast<size_t>(Stage::kForward)], "forward");
  EXPECT_EQ(kStageNames[static_cast<size_t>(Stage::kPullWait)], "pull_wait");
  EXPECT_EQ(kStageNames[static_cast<size_t>(Stage::kOther)], "other");
  EXPECT_EQ(ps::kServerStageNames[static_cast<size_t>(ps::ServerStage::kUpdate)], "update");
}

/// The last numbers of the lines of a table, in tenths.
int SumOfTenths(const std::string& table) {
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);  // the title
  int sum = 0;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name, seconds, unit, percent;
    words >> name >> seconds >> unit >> percent;
    sum += static_cast<int>(std::lround(10 * std::stod(percent)));
  }
  return sum;
}

TEST(Profile, SharesAddUpToAHundred) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    std::vector<double> seconds(kStageNames.size());
    for (double& s : seconds) s = random.Below(3) == 0 ? 0 : std::exp(8 * random.Uniform());
    seconds[0] += 0.1;
    const std::vector<double> shares = Shares(seconds);
    EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 100, 1e-9);
    EXPECT_EQ(SumOfTenths(ProfileTable("a worker", kStageNames, seconds)), 1000) << "seed " << seed;
  }
}

TEST(Profile, ShowsTheStagesThatTookTime) {
  std::vector<double> seconds(kStageNames.size());
  seconds[static_cast<size_t>(Stage::kForward)] = 1;
  seconds[static_cast<size_t>(Stage::kBackward)] = 2;
  const std::string table = ProfileTable("2 workers", kStageNames, seconds);
  EXPECT_THAT(table, HasSubstr("profile: 3.00 s of 2 workers\n"));
  EXPECT_THAT(table, HasSubstr("  forward            1.00 s    33.3 %\n"));
  EXPECT_THAT(table, HasSubstr("  backward           2.00 s    66.7 %\n"));
  EXPECT_THAT(table, Not(HasSubstr("pool")));
  EXPECT_EQ(ProfileTable("2 workers", kStageNames, std::vector<double>(kStageNames.size())), "");
}

}  // namespace
}  // namespace zhiyin::worker::train
