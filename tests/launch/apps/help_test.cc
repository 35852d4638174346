#include "launch/apps/help.h"

#include <gmock/gmock.h>

#include <set>

#include "common/error.h"
#include "launch/apps/commands.h"
#include "launch/apps/flags.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Commands, EveryFlagBelongsToACommand) {
  std::set<std::string> used;
  for (const Command& command : Commands()) used.insert(command.flags.begin(), command.flags.end());
  for (const FlagHelp& flag : AllFlags()) EXPECT_TRUE(used.contains(flag.name)) << flag.name;
}

TEST(Commands, AFlagThatMeansNothingIsRefusedByName) {
  CommandLine line;
  line.command = "inspct";
  EXPECT_THAT([&] { RunCommand(line); }, ::testing::ThrowsMessage<Error>(
                                             HasSubstr("inspct: no such command: expected train")));
}

TEST(Help, OfACommandHasItsFlagsAlone) {
  const std::string help = HelpOf("inspect");
  EXPECT_THAT(help, HasSubstr("--against=DIR"));
  EXPECT_THAT(help, Not(HasSubstr("--servers")));
  EXPECT_THAT([] { HelpOf("inspct"); }, ::testing::ThrowsMessage<Error>(HasSubstr("inspect")));
}

/// One bar parts a flag's value from its help; a second one is of neither, and ends a table's cell.
TEST(Help, OfAFlagHasNoBar) {
  for (const FlagHelp& flag : AllFlags()) EXPECT_THAT(flag.help, Not(HasSubstr("|"))) << flag.name;
}

TEST(Help, OverviewNamesEveryCommand) {
  for (const Command& command : Commands()) EXPECT_THAT(Overview(), HasSubstr(command.name));
}

TEST(Help, CompletionKnowsCommandsAndFlags) {
  EXPECT_THAT(BashCompletion(), HasSubstr("inspect) words=\"--set --help --checkpoint= --row="));
}

/// Write it again with: zhiyin commands >docs/commands.md
TEST(Help, TheReferencePageIsUpToDate) {
  EXPECT_EQ(testing::ReadFile(testing::SourcePath("docs/commands.md")), CommandsPage());
}

}  // namespace
}  // namespace zhiyin::launch::apps
