// Whole jobs whose data comes through a pipe: what they learn and predict is that of a file.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/run_ranks.h"
#include "tests/support/compress.h"
#include "tests/support/files.h"
#include "tests/support/piped_bytes.h"
#include "worker/train/results.h"

namespace zhiyin::launch {
namespace {

using ::testing::HasSubstr;
using testing::PipedBytes;
using testing::RanksOutcome;
using testing::RunRanks;

class Pipes : public ::testing::Test {
 protected:
  /// Trains on data.train, `train` in the config, with more settings of data and of train.
  RanksOutcome Train(const std::string& train, int n_workers, const std::string& of_data = "",
                     const std::string& of_train = "slices: 6", bool resume = false) {
    rank::RankOptions options;
    options.config = folder_.Write("job.textproto", R"(data { text { header: true } )" + of_data +
                                                        " train { file: " + train + R"( }
        test { file: "test.csv" } }
        table { name: "ids" dim: 4 optimizer { adagrad { learning_rate: 0.1 } } }
        field { name: "user" } numeric { name: "x" }
        task { name: "click" label { number {} } binary_cross_entropy {} }
        model { shared_bottom { bottom: [4] } }
        train { epochs: 2 batch_size: 60 seed: 1 checkpoint { every_steps: 4 } )" +
                                                        of_train +
                                                        R"(
                dense_optimizer { adam { learning_rate: 0.01 } } })");
    options.output = folder_.Path("out");
    options.overwrite = !resume;
    options.resume = resume;
    options.stop_requested = stop_requested_;
    return RunRanks(std::move(options), n_workers);
  }
  RanksOutcome Predict(const std::string& file, int n_workers) {
    rank::RankOptions options;
    options.command = rank::Command::kPredict;
    options.checkpoint = folder_.Path("out");
    options.output = folder_.Path("predictions.tsv");
    options.overwrite = true;
    options.overrides = {"data.test.file=" + file};
    return RunRanks(std::move(options), n_workers);
  }
  std::string Metrics() const { return testing::ReadFile(folder_.Path("out/metrics.jsonl")); }
  std::string Predictions() const { return testing::ReadFile(folder_.Path("predictions.tsv")); }
  std::string PipePath() const { return folder_.Path("pipe"); }
  static std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

  static std::string PipedRows(int n) {
    std::string rows = "user,x,click\n";
    for (int i = 0; i < n; ++i)
      rows += "u" + std::to_string(i * 7919 % 97) + "," + std::to_string(i % 13) + "," +
              std::to_string(i % 3 == 0) + "\n";
    return rows;
  }

  testing::TempFolder folder_{testing::TempFolder::kInMemory};
  std::function<bool()> stop_requested_;  // of Train
  const std::string test_ = folder_.Write("test.csv", PipedRows(400));
};

TEST_F(Pipes, TrainAsFilesDo) {
  const std::string rows = PipedRows(3000);
  const std::string file = folder_.Write("train.csv", rows);
  for (const int n_workers : {1, 3}) {
    RanksOutcome outcome = Train(Quoted(file), n_workers);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    const std::string expected = Metrics();
    for (const std::string& bytes : {rows, testing::Gzip(rows)}) {
      const PipedBytes piped(PipePath(), bytes);
      outcome = Train(Quoted(piped.path()), n_workers);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
      EXPECT_EQ(Metrics(), expected);
    }
  }
}

TEST_F(Pipes, TrainAwayFromStalenessZero) {
  for (const char* staleness : {"staleness: -1", "staleness: 2"}) {
    const PipedBytes piped(PipePath(), PipedRows(5000));
    const RanksOutcome outcome = Train(Quoted(piped.path()), 3, "", staleness);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    const auto summary =
        worker::train::Json::parse(testing::ReadFile(folder_.Path("out/summary.json")));
    EXPECT_EQ(summary["samples"], 10'000);
  }
}

TEST_F(Pipes, TrainOnWhatFitsInMemory) {
  const PipedBytes piped(PipePath(), PipedRows(5000));
  const RanksOutcome outcome = Train(Quoted(piped.path()), 2, "shuffle_rows: 4000");
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.error,
              HasSubstr(piped.path() +
                        ": this pipe has more than 4000 examples, and every worker keeps all of a "
                        "pipe: expected at most data.shuffle_rows of them, a larger "
                        "data.shuffle_rows, or files\n"));
}

TEST_F(Pipes, AreRefusedWhereTheyWouldBeReadTwice) {
  {
    const PipedBytes piped(PipePath(), PipedRows(100));
    const RanksOutcome outcome = Train(Quoted(piped.path()) + " n_rows: 50", 2);
    EXPECT_THAT(outcome.error, HasSubstr("which data.train reads as a whole, expected neither"));
  }
  {
    const PipedBytes piped(PipePath(), PipedRows(100));
    const RanksOutcome outcome =
        Train(Quoted(piped.path()), 1, "validation { file: " + Quoted(piped.path()) + " }");
    EXPECT_THAT(outcome.error, HasSubstr("is a pipe, which data.train reads, expected a file in "
                                         "data.validation"));
  }
  {
    const PipedBytes piped(PipePath(), PipedRows(100));
    const RanksOutcome outcome =
        Train("[" + Quoted(piped.path()) + ", " + Quoted(folder_.Path("test.csv")) + "]", 1);
    EXPECT_THAT(outcome.error, HasSubstr(": is no regular file, expected a file"));
  }
  const PipedBytes piped(PipePath(), PipedRows(500));
  stop_requested_ = [n_asked = 0]() mutable { return n_asked++ >= 2; };
  ASSERT_EQ(Train(Quoted(piped.path()), 2).exit_code, rank::kEndedEarly);
  stop_requested_ = {};
  const RanksOutcome outcome = Train(Quoted(piped.path()), 2, "", "slices: 6", /*resume=*/true);
  EXPECT_THAT(outcome.error, HasSubstr("--resume: data.train is a pipe"));
}

TEST_F(Pipes, OfMalformedRowsEndAJobWithOneLine) {
  const PipedBytes piped(PipePath(), PipedRows(300) + "u1,2\n");
  const RanksOutcome outcome = Train(Quoted(piped.path()), 3, "max_bad_share: 0");
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.error,
              HasSubstr(piped.path() + ":302: 2 columns, expected 3 (data.max_bad_share allows no "
                                       "malformed line)\n"));
}

TEST_F(Pipes, ArePredictedAsFilesAre) {
  ASSERT_EQ(Train(Quoted(test_), 1).exit_code, 0);
  const std::string rows = PipedRows(4000);
  const std::string file = folder_.Write("rows.csv", rows);
  for (const int n_workers : {1, 3}) {
    RanksOutcome outcome = Predict(file, n_workers);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    const std::string expected = Predictions();
    for (const std::string& bytes : {rows, testing::Zstd(rows)}) {
      const PipedBytes piped(PipePath(), bytes);
      outcome = Predict(piped.path(), n_workers);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
      EXPECT_EQ(Predictions(), expected);
    }
  }
  const PipedBytes piped(PipePath(), "");
  const RanksOutcome outcome = Predict(piped.path(), 2);
  EXPECT_THAT(outcome.error, HasSubstr(piped.path() + ": is empty, expected a header\n"));
}

}  // namespace
}  // namespace zhiyin::launch
