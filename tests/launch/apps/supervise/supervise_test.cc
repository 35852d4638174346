#include "launch/apps/supervise/supervise.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <sstream>

#include "common/error.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::AllOf;
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
              ElementsAre("mpirun", "-n", "4", "zhiyin", "train", "--output=/x/y", "--resume",
                          "--life_file=/x/y/.zhiyin-life"));
  command = CommandToSupervise({"zhiyin", "train", "--resume", "--output", "z"});
  EXPECT_EQ(command.output, "z");
  EXPECT_THAT(command.arguments, ElementsAre("zhiyin", "train", "--resume", "--output", "z",
                                             "--life_file=z/.zhiyin-life"));
}

TEST(CommandToSupervise, KnowsTheJobsOwnLimit) {
  const auto limit = [](const std::vector<std::string>& flags) {
    std::vector<std::string> command = {"zhiyin", "train", "--output=z"};
    command.insert(command.end(), flags.begin(), flags.end());
    return CommandToSupervise(command).timeout_s;
  };
  EXPECT_EQ(limit({}), 120);
  EXPECT_EQ(limit({"--timeout_s=2.5"}), 2.5);
  EXPECT_EQ(limit({"--timeout_s", "7"}), 7);
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

/// A job that a shell script stands for, and what is said about it.
class SupervisedScript : public ::testing::Test {
 protected:
  /// `script` gets the arguments of the job; $OUT is the output folder, $RUN the number of the run,
  /// and `alive` shows a sign of life.
  int Run(const std::string& script) {
    SuperviseOptions options;
    const std::string path = folder_.Write("script", "OUT=" + folder_.Path() + R"(
        RUN=$(($(cat $OUT/run 2>/dev/null || echo 0) + 1)); echo $RUN >$OUT/run
        alive() { echo "$RUN $1" >$OUT/.zhiyin-life; }
)" + script);
    options.command = {"sh", path, "train", "--output=" + folder_.Path(), "--timeout_s=0.1"};
    options.max_restarts = 2;
    options.backoff_s = 0;
    options.start_s = start_s_;
    options.silence_s = silence_s_;
    options.die_s = 0.2;
    options.print_error = [&](const std::string& line) { errors_.push_back(line); };
    return Supervise(options);
  }
  std::string LogText() const { return testing::ReadFile(folder_.Path("supervise.log")); }
  int NumRuns() const { return std::stoi(testing::ReadFile(folder_.Path("run"))); }

  testing::TempFolder folder_;
  double start_s_ = 100;
  double silence_s_ = 100;
  std::vector<std::string> errors_;
};

TEST_F(SupervisedScript, OneThatNeverShowsLifeIsKilledAndStartedAgain) {
  start_s_ = 0.3;
  EXPECT_EQ(Run("[ $RUN -gt 1 ] && exit 0; exec sleep 1000"), 0);
  EXPECT_EQ(NumRuns(), 2);
  EXPECT_THAT(
      LogText(),
      AllOf(HasSubstr("no sign of life for 0.3 s after its start, --start_s: the job is "
                      "killed"),
            HasSubstr("the job died (no sign of life for 0.3 s after its start, --start_s)"),
            HasSubstr("the job is done")));
}

/// Each of them is adopted and waited for.
TEST_F(SupervisedScript, ProcessesThatEndAllTheTimeAreNoSignOfLife) {
  start_s_ = 0.3;
  EXPECT_EQ(Run("[ $RUN -gt 1 ] && exit 0; while :; do (true &); done"), 0);
  EXPECT_EQ(NumRuns(), 2);
  EXPECT_THAT(LogText(), HasSubstr("no sign of life for 0.3 s after its start"));
}

/// A host that has found no file on a shared file system may not look again for a minute.
TEST_F(SupervisedScript, ItsLifeFileIsThereAndEmptyBeforeItStarts) {
  folder_.Write(".zhiyin-life", "an earlier run's");
  EXPECT_EQ(Run("[ -e $OUT/.zhiyin-life ] && [ ! -s $OUT/.zhiyin-life ]"), 0);
  EXPECT_EQ(NumRuns(), 1);
}

TEST_F(SupervisedScript, OneThatFallsSilentIsKilledAndStartedAgain) {
  silence_s_ = 0.3;
  EXPECT_EQ(Run("[ $RUN -gt 1 ] && exit 0; alive 1; exec sleep 1000"), 0);
  EXPECT_EQ(NumRuns(), 2);
  EXPECT_THAT(LogText(), HasSubstr("no sign of life for 0.3 s, --silence_s: the job is killed"));
}

using ThoroughSupervisedScript = SupervisedScript;

TEST_F(ThoroughSupervisedScript, OneThatShowsLifeIsLeftAlone) {
  silence_s_ = 3;
  EXPECT_EQ(Run("for i in $(seq 50); do alive $i; sleep 0.1; done"), 0);
  EXPECT_EQ(NumRuns(), 1);
}

TEST_F(SupervisedScript, ItGivesUpWithWhatWasWrong) {
  start_s_ = 0.1;  // then 0.2, then 0.4
  EXPECT_EQ(Run("exec sleep 1000"), 1);
  EXPECT_EQ(NumRuns(), 3);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("the job died (no sign of life for 0.4 s after its "
                                             "start, --start_s), 3 times without a new "
                                             "checkpoint: given up")));
}

TEST_F(SupervisedScript, ALimitBelowTheJobsOwnIsRefused) {
  silence_s_ = 0.1;
  EXPECT_THAT([&] { Run("exit 0"); },
              ::testing::ThrowsMessage<Error>("--silence_s=0.1: expected more than the job's own "
                                              "limit, --timeout_s=0.1"));
}

/// Processes that leave their parent, their group and their session, and ignore SIGTERM.
TEST_F(SupervisedScript, AllItsProcessesEndWithIt) {
  silence_s_ = 0.3;
  EXPECT_EQ(Run(R"sh(
    [ $RUN -gt 1 ] && exit 0
    trap '' TERM
    setsid sh -c 'echo $$ >>$0/pids; sleep 1000 & echo $! >>$0/pids; wait' $OUT &
    (setsid sh -c 'echo $$ >>$0/pids; sleep 1000' $OUT &)
    sleep 1000 & echo $! >>$OUT/pids
    until [ "$(wc -l <$OUT/pids)" -ge 4 ]; do sleep 0.01; done
    alive 1
    wait)sh"),
            0);
  EXPECT_EQ(NumRuns(), 2);
  std::istringstream pids(testing::ReadFile(folder_.Path("pids")));
  int n = 0;
  for (pid_t pid = 0; pids >> pid; ++n) EXPECT_EQ(kill(pid, 0), -1) << pid << " is still there";
  EXPECT_EQ(n, 4);
}

TEST_F(SupervisedScript, WhatAJobLeavesBehindEndsWithIt) {
  EXPECT_EQ(Run("setsid sleep 1000 & echo $! >$OUT/pids"), 0);
  EXPECT_EQ(kill(std::stoi(testing::ReadFile(folder_.Path("pids"))), 0), -1);
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

TEST(RestartPolicy, AllowsStartsThatTakeLongerWithinABound) {
  RestartPolicy policy(100, 0, {});
  EXPECT_EQ(policy.StartLimit(60), 60);
  policy.AfterDeath({});
  EXPECT_EQ(policy.StartLimit(60), 120);
  for (int i = 0; i < 50; ++i) policy.AfterDeath({});
  EXPECT_EQ(policy.StartLimit(60), 960);
  policy.AfterDeath(1);
  EXPECT_EQ(policy.StartLimit(60), 120) << "a new checkpoint, then one death";
}

TEST(RestartPolicy, NeverWaitsForMoreThanFiveMinutes) {
  RestartPolicy policy(1000, 1, {});
  for (int i = 0; i < 999; ++i) EXPECT_LE(policy.AfterDeath({}).value(), 300);
  EXPECT_EQ(policy.AfterDeath({}), 300);
}

}  // namespace
}  // namespace zhiyin::launch::apps
