// zhiyin train --profile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Profiled : public ::testing::TestWithParam<int> {};

TEST_P(Profiled, SharesOfWorkersAndServersAddUp) {
  TempFolder folder;
  const ProcessResult result =
      RunZhiyin(5, {"train", "--config=" + SourcePath("configs/census_mmoe.textproto"),
                    "--servers=2", "--profile", "--set", "train.epochs=1", "--set",
                    "train.staleness=" + std::to_string(GetParam()), "--progress=none",
                    "--output=" + folder.Path("out")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(" s of 3 workers\n"));
  EXPECT_THAT(result.out, HasSubstr(" s of 2 servers\n"));
  EXPECT_THAT(result.out, HasSubstr("\n  backward "));
  const auto summary = nlohmann::json::parse(ReadFile(folder.Path("out/summary.json")));
  const double seconds = summary["seconds"].get<double>();
  for (const auto& [who, n] : {std::pair("workers", 3), std::pair("servers", 2)}) {
    const auto& profile = summary["profile"][who];
    double sum = 0;
    for (const auto& [stage, percent] : profile["percent"].items()) {
      EXPECT_GE(percent.get<double>(), 0) << stage;
      sum += percent.get<double>();
    }
    EXPECT_NEAR(sum, 100, 1e-6) << who;
    // A rank's time is all that passes: nothing is left out, nothing is counted twice. On a busy
    // machine ranks start at different times.
    EXPECT_GT(profile["seconds"].get<double>(), 0.5 * n * seconds) << who;
    EXPECT_LT(profile["seconds"].get<double>(), 1.1 * n * seconds + 3 * n) << who;
  }
  for (const char* stage : {"keys", "pool", "forward", "loss", "backward", "scatter", "push",
                            "first_pass", "evaluation"})
    EXPECT_GT(summary["profile"]["workers"]["percent"][stage].get<double>(), 0) << stage;
  for (const char* stage : {"wait", "check", "look_up", "read", "update"})
    EXPECT_GT(summary["profile"]["servers"]["percent"][stage].get<double>(), 0) << stage;
}

INSTANTIATE_TEST_SUITE_P(Staleness, Profiled, ::testing::Values(0, -1), [](const auto& test) {
  return test.param < 0 ? std::string("Unbounded") : "N" + std::to_string(test.param);
});

TEST(Profiled, OnlyWhenAskedFor) {
  TempFolder folder;
  const ProcessResult result = RunZhiyin(
      2, {"train", "--config=" + SourcePath("configs/linear_coworkers.textproto"), "--set",
          "train.epochs=1", "--progress=none", "--output=" + folder.Path("out")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, Not(HasSubstr("profile")));
  EXPECT_FALSE(
      nlohmann::json::parse(ReadFile(folder.Path("out/summary.json"))).contains("profile"));
}

TEST(Profiled, IsRefusedWhereItHasNoMeaning) {
  const std::string config = "--config=" + SourcePath("configs/linear_coworkers.textproto");
  EXPECT_THAT(
      ErrorLines(RunZhiyin(0, {"train", config, "--simulate=1x1", "--profile"})),
      ElementsAre("--profile: a simulated job's time is virtual, expected a job under mpirun"));
  EXPECT_THAT(
      ErrorLines(RunZhiyin(0, {"evaluate", "--checkpoint=none", "--simulate=1x1", "--profile"})),
      ElementsAre("--profile means nothing to evaluate, see zhiyin --help"));
}

}  // namespace
}  // namespace zhiyin::testing
