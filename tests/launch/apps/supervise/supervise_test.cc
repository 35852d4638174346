#include "launch/apps/supervise/supervise.h"

#include <gmock/gmock.h>

#include "common/error.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ErrorOf(const std::vector<std::string>& command) {
  try {
    CommandToSupervise(command);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(CommandToSupervise, GoesOnFromTheOutputFolder) {
  SupervisedCommand command =
      CommandToSupervise({"mpirun", "-n", "4", "zhiyin", "train", "--output=/x/y"});
  EXPECT_EQ(command.output, "/x/y");
  EXPECT_THAT(command.arguments,
              ElementsAre("mpirun", "-n", "4", "zhiyin", "train", "--output=/x/y", "--resume"));
  command = CommandToSupervise({"zhiyin", "train", "--resume", "--output", "z"});
  EXPECT_EQ(command.output, "z");
  EXPECT_THAT(command.arguments, ElementsAre("zhiyin", "train", "--resume", "--output", "z"));
}

TEST(CommandToSupervise, RefusesWhatCannotGoOn) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("expected a command behind --"));
  EXPECT_THAT(ErrorOf({"zhiyin", "evaluate", "--output=x"}),
              HasSubstr("expected a job that trains"));
  EXPECT_THAT(ErrorOf({"zhiyin", "train"}), HasSubstr("no --output=DIR"));
  EXPECT_THAT(ErrorOf({"zhiyin", "train", "--output="}), HasSubstr("no --output=DIR"));
  EXPECT_THAT(ErrorOf({"zhiyin", "train", "--output=x", "--overwrite"}),
              HasSubstr("would remove the checkpoints"));
}

TEST(RestartPolicy, WaitsLongerAndLongerAndGivesUp) {
  RestartPolicy policy(3, 2, {});
  EXPECT_EQ(policy.AfterDeath({}), 2);
  EXPECT_EQ(policy.AfterDeath({}), 4);
  EXPECT_EQ(policy.AfterDeath({}), 8);
  EXPECT_EQ(policy.AfterDeath({}), std::nullopt);
  EXPECT_EQ(policy.n_in_a_row(), 4);
}

TEST(RestartPolicy, ANewCheckpointIsProgress) {
  RestartPolicy policy(2, 1, 10);
  EXPECT_EQ(policy.AfterDeath(10), 1);
  EXPECT_EQ(policy.AfterDeath(10), 2);
  EXPECT_EQ(policy.AfterDeath(20), 1);
  EXPECT_EQ(policy.AfterDeath(20), 2);
  EXPECT_EQ(policy.AfterDeath(15), std::nullopt)
      << "the newest was damaged and is gone: no progress";
  RestartPolicy first(1, 1, {});
  EXPECT_EQ(first.AfterDeath(0), 1) << "the first one";
}

TEST(RestartPolicy, NeverWaitsForMoreThanFiveMinutes) {
  RestartPolicy policy(1000, 1, {});
  for (int i = 0; i < 999; ++i) EXPECT_LE(policy.AfterDeath({}).value(), 300);
  EXPECT_EQ(policy.AfterDeath({}), 300);
}

}  // namespace
}  // namespace zhiyin::launch::apps
