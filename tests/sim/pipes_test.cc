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
  /// Trains on data.train in one pass, with windows of about 700 rows and batches of 10. `of_x` is
  /// what the numeric says of itself.
  RanksOutcome TrainInOnePass(const std::string& train, int n_workers,
                              const std::string& of_data = "",
                              const std::string& of_x = "mean: 6 stddev: 4") {
    rank::RankOptions options;
    options.config = folder_.Write(
        "job.textproto", "data { text { header: true } one_pass: true shuffle_rows: 700 " +
                             of_data + " train { file: " + train + R"( } test { file: "test.csv" } }
        table { name: "ids" dim: 4 optimizer { adagrad { learning_rate: 0.1 } } }
        field { name: "user" augment { dropout: 0.1 } } numeric { name: "x" )" +
                             of_x + R"( }
        task { name: "click" label { number {} } label_mean: 0.3 binary_cross_entropy {} }
        model { shared_bottom { bottom: [4] } }
        train { epochs: 1 batch_size: 60 slices: 6 seed: 1 staleness: -1
                dense_optimizer { adam { learning_rate: 0.01 } } })");
    options.output = folder_.Path("out");
    options.overwrite = true;
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
  worker::train::Json Summary() const {
    return worker::train::Json::parse(testing::ReadFile(folder_.Path("out/summary.json")));
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
    EXPECT_EQ(Summary()["samples"], 10'000);
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
                        "data.shuffle_rows, data.one_pass, or files\n"));
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

TEST_F(Pipes, OfAnyLengthTrainInOnePass) {
  const std::string rows = PipedRows(5000);
  // A compressed file, too, is read from end to end by one worker, in windows of as many rows.
  const std::string file = folder_.WriteGzip("train.csv.gz", rows);
  ASSERT_EQ(TrainInOnePass(Quoted(file), 1).exit_code, 0);
  const std::string expected = Metrics();
  const std::vector<std::string> slow = {rows.substr(0, 9'000), rows.substr(9'000, 20'000),
                                         rows.substr(29'000)};
  for (const int n_workers : {1, 3}) {
    for (const std::vector<std::string>& pieces :
         {std::vector<std::string>{rows}, {testing::Gzip(rows)}, {testing::Zstd(rows)}, slow}) {
      const PipedBytes piped(PipePath(), pieces);
      const RanksOutcome outcome = TrainInOnePass(Quoted(piped.path()), n_workers);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
      const worker::train::Json summary = Summary();
      EXPECT_EQ(summary["samples"], 5000);
      EXPECT_EQ(summary["train_rows"], 5000);
      EXPECT_EQ(summary["malformed_lines"], 0);
      EXPECT_GE(summary["steps"], 5000 / 60);
      for (const worker::train::Json& samples : summary["worker_samples"]) EXPECT_GT(samples, 0);
      if (n_workers == 1) {
        EXPECT_EQ(Metrics(), expected);
      }
    }
  }
}

TEST_F(Pipes, CountMalformedRowsInOnePass) {
  const std::string rows = PipedRows(3000) + "u1,2\n";
  {
    const PipedBytes piped(PipePath(), rows);
    const RanksOutcome outcome = TrainInOnePass(Quoted(piped.path()), 3);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    EXPECT_EQ(Summary()["samples"], 3000);
    EXPECT_EQ(Summary()["malformed_lines"], 1);
  }
  for (const auto& [share, why] :
       {std::pair{"0", "(data.max_bad_share allows no malformed line)\n"},
        std::pair{"0.0001", "(1 of 3001 lines are malformed; data.max_bad_share allows a share"}}) {
    const PipedBytes piped(PipePath(), rows);
    const RanksOutcome outcome =
        TrainInOnePass(Quoted(piped.path()), 3, std::string("max_bad_share: ") + share);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_THAT(outcome.error, HasSubstr(piped.path() + ":3002: 2 columns, expected 3 " + why));
  }
}

TEST_F(Pipes, AreRefusedInOnePassWithOneLine) {
  const auto error = [&](const std::string& bytes, const std::string& of_data,
                         const std::string& of_x, const std::string& of_train = "") {
    const PipedBytes piped(PipePath(), bytes);
    const RanksOutcome outcome = TrainInOnePass(Quoted(piped.path()) + of_train, 3, of_data, of_x);
    EXPECT_NE(outcome.exit_code, 0);
    return outcome.error;
  };
  const std::string rows = PipedRows(2000);
  const std::string given = "mean: 6 stddev: 4";
  EXPECT_THAT(error(rows, "", ""),
              HasSubstr("needs statistics of the examples, which a job with data.one_pass does"));
  EXPECT_THAT(error(rows, "statistics { sample_rows: 100 }", ""),
              HasSubstr("data.statistics.sample_rows: data.train is a pipe, which is read once, "
                        "expected statistics in the config, or data.statistics.model\n"));
  EXPECT_THAT(error(rows, "", given, " n_rows: 50"),
              HasSubstr("reads whole files, expected no first_row and no n_rows"));
  EXPECT_THAT(error(PipedRows(0), "", given), HasSubstr("data.train: no rows: the files are"));
  const std::string gzip = testing::Gzip(rows);
  EXPECT_THAT(error(gzip.substr(0, gzip.size() - 100), "", given),
              HasSubstr(PipePath() + ": at byte "));
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
