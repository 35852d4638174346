// Ranks that are stopped or killed: a job goes on after a short pause, and ends in time after a
// long one.
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/support/files.h"
#include "tests/support/ranks.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// 2 servers, 4 workers.
constexpr int kRanksOfSilence = 6;

Arguments Census(int epochs, const std::string& output, int timeout_s) {
  return {"train",
          "--config=" + SourcePath("configs/census_mmoe.textproto"),
          "--servers=2",
          "--progress=none",
          "--set",
          "train.epochs=" + std::to_string(epochs),
          "--output=" + output,
          "--timeout_s=" + std::to_string(timeout_s)};
}

/// A job in the middle of its work.
class RunningJob {
 public:
  RunningJob(int epochs, int timeout_s)
      : output_(folder_.Path("out")),
        job_(ZhiyinCommand(kRanksOfSilence, Census(epochs, output_, timeout_s))) {
    ranks_ = RanksOf(job_, output_, kRanksOfSilence);
    EXPECT_EQ(ranks_.size(), static_cast<size_t>(kRanksOfSilence));
    WaitForEpoch(output_);
  }

  void Signal(int rank, int signal) const { kill(ranks_.at(static_cast<size_t>(rank)), signal); }
  ProcessResult Wait() { return job_.Wait(100); }
  std::string Metrics() const { return ReadFile(output_ + "/metrics.jsonl"); }

 private:
  TempFolder folder_;
  std::string output_;
  BackgroundProcess job_;
  std::vector<int> ranks_;
};

TEST(Pause, OfAWorkerForFiveSecondsChangesNoBit) {
  TempFolder folder;
  const ProcessResult whole = RunZhiyin(kRanksOfSilence, Census(3, folder.Path("out"), 60));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;

  RunningJob job(3, 60);
  job.Signal(4, SIGSTOP);
  std::this_thread::sleep_for(seconds(1));
  const std::string before = job.Metrics();
  std::this_thread::sleep_for(seconds(4));
  EXPECT_EQ(job.Metrics(), before) << "the others went on without it";
  job.Signal(4, SIGCONT);
  const ProcessResult result = job.Wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(job.Metrics(), ReadFile(folder.Path("out/metrics.jsonl")));
}

constexpr int kTimeout = 6;

/// What a job with a limit of six seconds says after this signal to a rank.
ProcessResult EndAfter(int rank, int signal) {
  RunningJob job(100000, kTimeout);
  const auto began = steady_clock::now();
  job.Signal(rank, signal);
  ProcessResult result = job.Wait();
  const duration<double> lasted = steady_clock::now() - began;
  std::printf("the job ended after %.1f s\n%s\n", lasted.count(), result.err.c_str());
  EXPECT_FALSE(result.timed_out);
  EXPECT_NE(result.exit_code, 0);
  return result;
}

TEST(Silence, OfAWorker) {
  EXPECT_THAT(ErrorLines(EndAfter(4, SIGSTOP)),
              ElementsAre(ContainsRegex(
                  "^no heartbeat from rank 4 on [^ ]+ for [0-9.]+ s .the limit is --timeout_s.; "
                  "rank [01235] on ")));
}

TEST(Silence, OfAServer) {
  EXPECT_THAT(ErrorLines(EndAfter(1, SIGSTOP)),
              ElementsAre(ContainsRegex(
                  "^no heartbeat from rank 1 on [^ ]+ for [0-9.]+ s .the limit is --timeout_s.; "
                  "rank [2345] on [^ ]+: waited [0-9.]+ s .*for .* from rank 1 on [^ ]+; the last "
                  "message from rank 1 came [0-9.]+ s ago: [a-z ]+( of step [0-9]+)?$")));
}

TEST(Silence, OfRankZero) {
  EXPECT_THAT(
      ErrorLines(EndAfter(0, SIGSTOP)),
      ElementsAre(ContainsRegex(
          "^no heartbeat from rank 0 on [^ ]+ for [0-9.]+ s .the limit is --timeout_s.; "
          "rank 1 on [^ ]+: waited .*.rank 0 does not answer, rank 1 on [^ ]+ says this.$")));
}

TEST(Death, OfAServer) {
  const ProcessResult result = EndAfter(1, SIGKILL);
  EXPECT_THAT(result.err,
              ContainsRegex("process rank 1 with PID [0-9]+ on node [^ ]+ exited on signal 9"));
  // mpirun may end before it has read what the others say of it.
  EXPECT_THAT(ErrorLines(result),
              AnyOf(IsEmpty(), ElementsAre(HasSubstr("another rank died (mpirun says which)"))));
}

TEST(Death, OfRankZero) {
  const ProcessResult result = EndAfter(0, SIGKILL);
  EXPECT_THAT(result.err,
              ContainsRegex("process rank 0 with PID [0-9]+ on node [^ ]+ exited on signal 9"));
}

TEST(Greeting, RefusesAnotherBuild) {
  TempFolder folder;
  std::vector<std::string> command = {SourcePath("launch/mpirun.sh")};
  const auto add = [&](const char* n_ranks, const char* program) {
    command.insert(command.end(), {"-n", n_ranks, program});
    for (const std::string& argument : Census(1, folder.Path("out"), 20))
      command.push_back(argument);
  };
  add("2", ZHIYIN_BINARY);
  command.push_back(":");
  add("1", OTHER_BUILD);
  const ProcessResult result = RunProcess(command, 20);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(ErrorLines(result),
              ElementsAre(ContainsRegex(
                  "^rank 2 on [^ ]+ runs zhiyin another .protocol 1, [0-9a-f]+., rank 0 on [^ ]+ "
                  "runs zhiyin [0-9.]+ .protocol 1, [0-9a-f]+.: expected the same build on all "
                  "hosts$")));
}

TEST(MpiInit, IsNotAwaitedForEver) {
  // Rank 1 is there and never calls it.
  const ProcessResult result = RunProcess(
      {SourcePath("launch/mpirun.sh"), "-n", "2", "sh", "-c",
       "[ $OMPI_COMM_WORLD_RANK = 1 ] && exec sleep 60; exec \"$0\" train --config=x --timeout_s=2",
       ZHIYIN_BINARY},
      30);
  EXPECT_FALSE(result.timed_out);
  EXPECT_THAT(ErrorLines(result), ElementsAre(ContainsRegex(
                                      "^rank 0 on [^ ]+: waited 2 s .the limit is --timeout_s. for "
                                      "all ranks to start .MPI_Init.$")));
}

}  // namespace
}  // namespace zhiyin::testing
