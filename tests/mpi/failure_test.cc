// Whatever goes wrong: one clear line, a non-zero exit code, within ten seconds.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "tests/support/files.h"
#include "tests/support/ranks.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kFailureLimitS = 10;
const char* const kCensus = "configs/census_mmoe.textproto";

std::string CensusConfig() {
  return "--config=" + SourcePath(kCensus);
}

/// Runs `zhiyin ARGUMENTS`, expects it to fail as it should, and returns its one line.
std::string FailureOfCommand(int n_ranks, const Arguments& arguments) {
  const ProcessResult result = RunZhiyin(n_ranks, arguments, kFailureLimitS);
  EXPECT_FALSE(result.timed_out);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(OtherLines(result), IsEmpty());
  const std::vector<std::string> lines = ErrorLines(result);
  EXPECT_EQ(lines.size(), 1u) << result.err;
  return lines.empty() ? "" : lines[0];
}

std::string FailureOf(int n_ranks, Arguments arguments) {
  arguments.insert(arguments.begin(), "train");
  return FailureOfCommand(n_ranks, arguments);
}

TEST(Failure, ConfigMissing) {
  EXPECT_THAT(FailureOf(3, {"--config=nowhere.textproto"}),
              HasSubstr("nowhere.textproto: cannot open"));
}

TEST(Failure, ConfigThatIsANamedPipe) {
  TempFolder folder;
  ASSERT_EQ(mkfifo(folder.Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(FailureOf(0, {"--simulate=1x1", "--config=" + folder.Path("pipe")}),
              HasSubstr("pipe: not a file, expected one"));
}

TEST(Failure, AFileThatMayNotGrow) {
  TempFolder folder;
  const ProcessResult result =
      RunProcess({"sh", "-c", "ulimit -f 4; exec \"$@\"", "sh", ZHIYIN_BINARY, "train",
                  CensusConfig(), "--simulate=1x1", "--set", "train.epochs=1", "--progress=none",
                  "--output=" + folder.Path("out")},
                 kFailureLimitS);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(ErrorLines(result), ElementsAre(HasSubstr("File too large")));
}

TEST(Failure, NoConfigGiven) {
  EXPECT_THAT(FailureOf(3, {}), HasSubstr("--config is missing"));
}

TEST(Failure, UnknownFlag) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--sevrers=1"}),
              HasSubstr("--sevrers: no such flag; the nearest is \"servers\""));
}

TEST(Failure, FlagOfTheWrongType) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--servers=two"}),
              HasSubstr("--servers=two: expected a whole number"));
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--timeout_s", "soon"}),
              HasSubstr("--timeout_s=soon: expected a number"));
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--overwrite=perhaps"}),
              HasSubstr("expected true or false"));
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--set"}),
              HasSubstr("--set: expected a value behind it"));
}

TEST(Failure, FlagThatMeansNothingHere) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--checkpoint=x"}),
              HasSubstr("--checkpoint means nothing to train"));
  EXPECT_THAT(FailureOf(0, {CensusConfig(), "--simulate=1x1", "--servers=2"}),
              HasSubstr("--servers means nothing to --simulate"));
}

TEST(Failure, TwoCommands) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "evaluate"}),
              HasSubstr("evaluate: expected one command"));
  EXPECT_THAT(FailureOfCommand(0, {"trian"}), HasSubstr("trian: no such command"));
}

TEST(Failure, SimulationUnderMpirun) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--simulate=1x1"}),
              HasSubstr("--simulate runs in one process, 3 were started"));
}

TEST(Failure, UnknownField) {
  TempFolder folder;
  std::string text = ReadFile(SourcePath(kCensus));
  text.insert(text.find("batch_size"), "stalenes: 3\n  ");
  EXPECT_THAT(FailureOf(3, {"--config=" + folder.Write("job.textproto", text)}),
              HasSubstr(": train: no field \"stalenes\"; the nearest is \"staleness\""));
}

TEST(Failure, UnknownColumn) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--set", "field[race].column=rase"}),
              HasSubstr("no column \"rase\"; the nearest is \"race\""));
}

TEST(Failure, DataFileMissing) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--set", "data.train.file=nowhere.gz"}),
              HasSubstr("nowhere.gz: No such file or directory"));
}

TEST(Failure, UnreadableGzip) {
  TempFolder folder;
  const std::string whole = ReadFile(SourcePath("tests/data/census-income.test.gz"));
  const std::string truncated = folder.Write("truncated.gz", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(FailureOf(4, {CensusConfig(), "--set", "data.train.file=" + truncated}),
              HasSubstr("truncated.gz: at byte 1630708: the gzip ends too early"));
  std::string damaged_bytes = whole;
  for (size_t i = 1000000; i < 1000100; ++i) damaged_bytes[i] = '\x55';
  const std::string damaged = folder.Write("damaged.gz", damaged_bytes);
  EXPECT_THAT(FailureOf(4, {CensusConfig(), "--set", "data.test.file=" + damaged}),
              HasSubstr("damaged.gz: at byte 3261412: corrupt gzip"));
}

TEST(Failure, EmptyDataSet) {
  TempFolder folder;
  EXPECT_THAT(
      FailureOf(3, {CensusConfig(), "--set", "data.train.file=" + folder.Write("empty.csv", "")}),
      HasSubstr("empty.csv: is empty, expected examples"));
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--set", "data.train.first_row=99762"}),
              HasSubstr("data.train: no rows"));
}

TEST(Failure, MoreServersThanRanks) {
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--servers=5"}),
              HasSubstr("--servers=5 leaves no worker among 3 ranks"));
}

TEST(Failure, OneRankAlone) {
  EXPECT_THAT(FailureOf(1, {CensusConfig()}),
              HasSubstr("one rank alone cannot both serve and work"));
  EXPECT_THAT(FailureOf(0, {CensusConfig()}), HasSubstr("--simulate=1x1")) << "without mpirun";
}

TEST(Failure, LabelThatIsNoNumber) {
  EXPECT_THAT(
      FailureOf(4,
                {CensusConfig(), "--set", "task[income].label={column: \"education\" number {}}"}),
      ::testing::AllOf(HasSubstr("census-income.test.gz:1: label of task \"income\" (column #4): "),
                       HasSubstr("expected a finite number")));
}

TEST(Failure, OutputThatCannotBeWritten) {
  TempFolder folder;
  const std::string file = folder.Write("file", "");
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--output=" + file}),
              HasSubstr("cannot make this folder"));
}

TEST(Failure, OutputOfAnEarlierRun) {
  TempFolder folder;
  folder.Write("summary.json", "{}");
  EXPECT_THAT(FailureOf(3, {CensusConfig(), "--output=" + folder.Path()}),
              HasSubstr("holds summary.json of an earlier run"));
  EXPECT_EQ(ReadFile(folder.Path("summary.json")), "{}");
}

TEST(Failure, MoreWorkersThanSlices) {
  EXPECT_THAT(FailureOf(8, {CensusConfig()}),
              HasSubstr("train.slices: is 4, expected at least the number of workers, 7"));
}

TEST(Failure, ALossThatExplodes) {
  EXPECT_THAT(
      FailureOf(3, {CensusConfig(), "--set", "train.dense_optimizer={sgd {learning_rate: 1e30}}"}),
      ::testing::AllOf(HasSubstr("the loss of task"), HasSubstr("lower the learning rates")));
}

TEST(Failure, MoreRowsThanMemory) {
  // 8,000 rows of 32 KB each, 260 MB.
  TempFolder folder;
  std::string rows = "user,click\n";
  for (int i = 0; i < 8000; ++i)
    rows += "u" + std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  const std::string config = R"(name: "large" data { text { header: true } train { file: ")" +
                             folder.Write("rows.csv", rows) + R"(" } }
    table { name: "users" dim: 4096 optimizer { adagrad { learning_rate: 0.1 } } }
    field { name: "user" } task { name: "click" label { equals: "1" } binary_cross_entropy {} }
    model { mmoe { n_experts: 2 expert: 2 tower: 2 } }
    train { epochs: 1 batch_size: 64 dense_optimizer { adam { learning_rate: 0.1 } } })";
  const ProcessResult result = RunProcess(
      {"bash", "-c", "ulimit -v 600000; exec \"$@\"", "bash", ZHIYIN_BINARY, "train",
       "--config=" + folder.Write("job.textproto", config), "--simulate=1x1", "--progress=none"},
      kFailureLimitS);
  EXPECT_EQ(result.exit_code, 1);
  const std::vector<std::string> lines = ErrorLines(result);
  ASSERT_EQ(lines.size(), 1u) << result.err;
  EXPECT_THAT(lines[0],
              ::testing::MatchesRegex("rank 0 on .*: out of memory: .* table users has .*"));
}

TEST(Failure, AModelThatIsDamaged) {
  TempFolder folder;
  ASSERT_EQ(RunZhiyin(0, {"train", CensusConfig(), "--simulate=1x1", "--set", "train.epochs=1",
                          "--output=" + folder.Path("out")})
                .exit_code,
            0);
  const std::string path = folder.Path("out/model/rows-0-of-1.bin");
  std::string bytes = ReadFile(path);
  bytes[bytes.size() / 2] ^= 1;
  folder.Write("out/model/rows-0-of-1.bin", bytes);
  const ProcessResult flipped =
      RunZhiyin(2, {"evaluate", "--checkpoint=" + folder.Path("out")}, kFailureLimitS);
  EXPECT_NE(flipped.exit_code, 0);
  EXPECT_THAT(ErrorLines(flipped), ElementsAre(HasSubstr("rows-0-of-1.bin: damaged")));
  folder.Write("out/model/rows-0-of-1.bin", bytes.substr(0, bytes.size() / 2));
  const ProcessResult truncated =
      RunZhiyin(2, {"evaluate", "--checkpoint=" + folder.Path("out")}, kFailureLimitS);
  EXPECT_NE(truncated.exit_code, 0);
  EXPECT_THAT(ErrorLines(truncated), ElementsAre(HasSubstr("bytes, expected")));
}

TEST(Failure, AWorkerIsKilled) {
  TempFolder folder;
  BackgroundProcess job(
      ZhiyinCommand(4, {"train", CensusConfig(), "--servers=2", "--set", "train.epochs=100000",
                        "--progress=none", "--output=" + folder.Path("out")}));
  const std::vector<int> ranks = RanksOf(job, "train.epochs=100000", 4);
  ASSERT_EQ(ranks.size(), 4u);
  WaitForEpoch(folder.Path("out"));
  kill(ranks[3], SIGKILL);
  const ProcessResult result = job.Wait(60);
  EXPECT_FALSE(result.timed_out);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("exited on signal 9"));
  // mpirun may end before it has read what rank 0 says of it.
  EXPECT_THAT(ErrorLines(result), AnyOf(IsEmpty(), ElementsAre(HasSubstr("another rank died"))));
}

TEST(Failure, AnEvaluationTakesTheModelAsItWasTrained) {
  TempFolder folder;
  ASSERT_EQ(RunZhiyin(0, {"train", CensusConfig(), "--simulate=1x1", "--set", "train.epochs=1",
                          "--output=" + folder.Path("out")})
                .exit_code,
            0);
  EXPECT_THAT(FailureOfCommand(2, {"evaluate", "--checkpoint=" + folder.Path("out"), "--set",
                                   "model.mmoe.n_experts=2"}),
              HasSubstr("evaluate takes the model as it was trained"));
  const ProcessResult fewer = RunZhiyin(
      2, {"evaluate", "--checkpoint=" + folder.Path("out"), "--set", "data.test.n_rows=1000"},
      kFailureLimitS);
  EXPECT_EQ(fewer.exit_code, 0) << fewer.err;
  EXPECT_THAT(fewer.out, HasSubstr("test split, 1000 rows"));
}

}  // namespace
}  // namespace zhiyin::testing
