// Jobs under mpirun that are told to end, or are killed, and go on.
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "common/random.h"
#include "tests/support/census_checkpoints.h"
#include "tests/support/files.h"
#include "tests/support/ranks.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Arguments Census(const std::string& output, int n_servers, int epochs, int every_steps) {
  return CensusWithCheckpoints(output, n_servers, epochs,
                               "every_steps: " + std::to_string(every_steps) + " full_every: 4");
}

Arguments Resumed(Arguments arguments) {
  arguments.push_back("--resume");
  return arguments;
}

/// Runs it to its end; its summary.
nlohmann::json Finish(int n_ranks, const Arguments& arguments, const std::string& output) {
  const ProcessResult result = RunZhiyin(n_ranks, arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return nlohmann::json::parse(ReadFile(output + "/summary.json"), nullptr,
                               /*allow_exceptions=*/false);
}

TEST(Resume, AfterAWordToMpirunIsTheSameJobWithOtherRanks) {
  TempFolder folder;
  const std::string whole = folder.Path("whole");
  const nlohmann::json expected = Finish(3, Census(whole, 1, 4, 100'000), whole);

  const std::string output = folder.Path("out");
  {
    BackgroundProcess job(ZhiyinCommand(3, Census(output, 1, 4, 50)));
    WaitForStep(output, 1);
    kill(job.pid(), SIGUSR1);
    const ProcessResult ended = job.Wait(60);
    EXPECT_EQ(ended.exit_code, 75) << ended.err;
    EXPECT_THAT(ErrorLines(ended), ElementsAre());
    EXPECT_THAT(ended.out, ContainsRegex("checkpoint at step [0-9]+, written in [0-9.]+ s: the job "
                                         "ends here, as it was asked to"));
  }
  const nlohmann::json resumed = Finish(5, Resumed(Census(output, 2, 4, 50)), output);
  EXPECT_GE(resumed["resumed_at_step"], 50);
  EXPECT_EQ(resumed["train_loss"], expected["train_loss"]);
  EXPECT_EQ(resumed["test_loss"], expected["test_loss"]);
  EXPECT_EQ(resumed["samples"], expected["samples"]);
  EXPECT_EQ(ReadFile(output + "/metrics.jsonl"), ReadFile(whole + "/metrics.jsonl"));
}

/// Some of so many signals arrive inside a product of matrices.
TEST(Resume, AWordToAWorkerThatDoesNotDecideLeavesTheJobAsItIs) {
  TempFolder folder;
  const std::string output = folder.Path("out");
  BackgroundProcess job(ZhiyinCommand(3, Census(output, 1, 4, 50)));
  const std::vector<int> ranks = RanksOf(job, output, 3);
  ASSERT_EQ(ranks.size(), 3u);
  WaitForStep(output, 1);
  int n_signals = 0;
  for (; n_signals < 1000 && kill(ranks[2], SIGUSR1) == 0; ++n_signals)
    std::this_thread::sleep_for(milliseconds(1));
  const ProcessResult result = job.Wait(60);
  EXPECT_GT(n_signals, 0);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(ErrorLines(result), ElementsAre());
}

TEST(ThoroughResume, AfterKillsAtAnyMomentFindsAWholeCheckpoint) {
  TempFolder folder;
  const std::string output = folder.Path("out");
  Random random(3);
  int64_t step = 0;
  std::string notes;
  for (int i = 0; i < 10; ++i) {
    BackgroundProcess job(ZhiyinCommand(3, Resumed(Census(output, 1, 1000, 5))));
    const std::vector<int> ranks = RanksOf(job, output, 3);
    ASSERT_EQ(ranks.size(), 3u);
    if (i == 0) WaitForStep(output, 1);
    std::this_thread::sleep_for(milliseconds(900 + random.Below(500)));
    kill(ranks[random.Below(3)], SIGKILL);
    EXPECT_NE(job.Wait(60).exit_code, 0);
    const auto found = worker::saved::NewestCheckpoint(
        output, [&](const std::string& note) { notes += note + "\n"; });
    ASSERT_FALSE(found.empty());
    EXPECT_GE(found.back().manifest.progress().next_step(), step);
    step = found.back().manifest.progress().next_step();
  }
  EXPECT_EQ(notes, "") << "none was half";
  EXPECT_GT(step, 20) << "it gets on in spite of all";
}

TEST(Resume, AFolderIsOfOneJobAtATime) {
  TempFolder folder;
  const std::string output = folder.Path("out");
  BackgroundProcess job(ZhiyinCommand(3, Census(output, 1, 50, 50)));
  const std::vector<int> ranks = RanksOf(job, output, 3);
  ASSERT_EQ(ranks.size(), 3u);
  WaitForStep(output, 1);
  EXPECT_THAT(
      ErrorLines(RunZhiyin(3, Resumed(Census(output, 1, 50, 50)))),
      ElementsAre(ContainsRegex("--output=.*: is in use by process " + std::to_string(ranks[1]) +
                                " on .*: name another folder, or wait for it")));
  kill(ranks[1], SIGKILL);
  job.Wait(60);
  EXPECT_EQ(RunZhiyin(3, Resumed(Census(output, 1, 1, 50))).exit_code, 0)
      << "nobody holds it any more";
}

TEST(Resume, IsRefusedWhereItCannotBe) {
  TempFolder folder;
  const std::string output = folder.Path("out");
  const Arguments small = {
      "train",           "--config=" + SourcePath("configs/linear_coworkers.textproto"),
      "--progress=none", "--set",
      "train.epochs=1",  "--output=" + output};
  Arguments both = Resumed(small);
  both.push_back("--overwrite");
  EXPECT_THAT(ErrorLines(RunZhiyin(2, both)),
              ElementsAre("train: --resume and --overwrite: expected one of them"));
  EXPECT_THAT(ErrorLines(RunZhiyin(2, {"train", small[1], "--resume"})),
              ElementsAre("train: --resume needs --output, the folder with checkpoints"));
  ASSERT_EQ(RunZhiyin(2, Resumed(small)).exit_code, 0) << "without a checkpoint, it begins";
  EXPECT_THAT(ErrorLines(RunZhiyin(2, Resumed(small))),
              ElementsAre(HasSubstr("holds a run that came to its end, and no checkpoint")));
}

}  // namespace
}  // namespace zhiyin::testing
