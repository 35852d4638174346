// Which rows whole jobs train on: each once an epoch, whoever takes them, and fewer at a slow
// worker; and what they predict.
#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>
#include <sstream>

#include "common/net/sim_network.h"
#include "launch/job/load_job.h"
#include "launch/rank/run_rank.h"
#include "tests/support/files.h"
#include "tests/support/slow_endpoint.h"
#include "worker/train/results.h"

namespace zhiyin::launch {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;
using worker::train::Json;

struct Shape {
  int n_servers = 1;
  int n_workers = 1;
  /// Worker 1 takes 4 ms for what the others do in 1; otherwise computing takes no time.
  bool one_is_slow = false;
};

struct Outcome {
  int exit_code = 0;
  std::string printed;
  std::string error;
  double virtual_s = 0;
};

Outcome RunJob(rank::RankOptions options, const Shape& shape) {
  Outcome outcome;
  options.n_servers = shape.n_servers;
  options.network = "simulated";
  options.print = [&](const std::string& text) { outcome.printed += text; };
  options.print_error = [&](const std::string& line) { outcome.error += line + "\n"; };
  net::SimNetwork network(shape.n_servers + shape.n_workers, {.seed = 1});
  std::mutex mutex;
  network.Run([&](net::Endpoint& endpoint) {
    const int worker = endpoint.rank() - shape.n_servers;
    const double push_s = !shape.one_is_slow ? 0 : worker == 1 ? 0.004 : 0.001;
    testing::SlowEndpoint slow(&endpoint, push_s);
    const int code = rank::RunRank(slow, options);
    std::lock_guard lock(mutex);
    outcome.exit_code = std::max(outcome.exit_code, code);
    outcome.virtual_s = std::max(outcome.virtual_s, endpoint.Now());
  });
  return outcome;
}

/// Rows with numbers of their own, begin to end.
std::string Lines(int begin, int end) {
  std::string text = "id,x,y\n";
  for (int i = begin; i < end; ++i) {
    text += std::to_string(i) + "," + std::to_string(i % 7) + "," + std::to_string(i % 5) + "\n";
  }
  return text;
}

/// A linear model of every row's own number.
std::string JobText(const std::vector<std::string>& files, int staleness,
                    int64_t shuffle_rows = 2'000'000) {
  std::string text =
      R"(name: "rows" data { text { header: true } shuffle_rows: )" + std::to_string(shuffle_rows);
  for (const char* split : {"train", "test"}) {
    text += std::string(" ") + split + " {";
    for (const std::string& file : files) text += " file: \"" + file + "\"";
    text += " }";
  }
  return text + R"( }
    table { name: "ids" dim: 1 optimizer { sgd { learning_rate: 0.1 } } }
    field { name: "id" }
    numeric { name: "x" }
    task { name: "y" label { number {} } squared_error {} }
    model { linear {} }
    train { epochs: 2 batch_size: 48 slices: 12 seed: 3 staleness: )" +
         std::to_string(staleness) + " dense_optimizer { sgd { learning_rate: 0.01 } } }";
}

class Leases : public ::testing::TestWithParam<int> {
 protected:
  Json Train(const std::string& job, const Shape& shape, std::vector<std::string> overrides = {}) {
    rank::RankOptions options;
    options.config = folder_.Write("job.textproto", job);
    options.overrides = std::move(overrides);
    options.output = folder_.Path("out");
    options.overwrite = true;
    const Outcome outcome = RunJob(options, shape);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
    if (outcome.exit_code != 0) return {};
    return Json::parse(testing::ReadFile(folder_.Path("out/summary.json")));
  }

  /// A row that is trained on makes the row of its number. With every number there, and as many
  /// looked up as there are, each was there once.
  void ExpectEachRowOnce(const std::string& job, const Shape& shape, int64_t n_rows) {
    const Json summary = Train(job, shape, {"train.epochs=1"});
    ASSERT_FALSE(summary.is_null());
    EXPECT_EQ(summary["samples"], n_rows);
    EXPECT_EQ(summary["tables"]["ids"]["rows"], n_rows);
    EXPECT_EQ(summary["tables"]["ids"]["looked_up"], n_rows);
    int64_t n_samples = 0;
    for (const Json& of_worker : summary["worker_samples"]) n_samples += of_worker.get<int64_t>();
    EXPECT_EQ(n_samples, n_rows);
  }

  TempFolder folder_;
};

TEST_P(Leases, EachRowCountsOnceHoweverTheFilesAreCut) {
  const std::vector<std::string> one = {folder_.Write("all.csv", Lines(0, 3000))};
  const std::vector<std::string> uneven = {
      folder_.Write("a.csv", Lines(0, 100)),  // less than a block
      folder_.WriteGzip("b.gz", Lines(100, 2900)), folder_.Write("c.csv", Lines(2900, 3000))};
  const std::vector<std::string> small = {folder_.Path("a.csv")};
  for (const int64_t shuffle_rows : {2'000'000, 256}) {
    SCOPED_TRACE(shuffle_rows);
    for (const Shape& shape : {Shape{1, 1}, Shape{2, 3}, Shape{1, 5}, Shape{2, 3, true}}) {
      SCOPED_TRACE(shape.n_workers);
      ExpectEachRowOnce(JobText(one, GetParam(), shuffle_rows), shape, 3000);
      ExpectEachRowOnce(JobText(uneven, GetParam(), shuffle_rows), shape, 3000);
      ExpectEachRowOnce(JobText(small, GetParam(), shuffle_rows), shape,
                        100);  // workers are more than ranges
    }
  }
}

TEST_P(Leases, ASlowWorkerGetsLess) {
  const std::string job = JobText({folder_.Write("all.csv", Lines(0, 20'000))}, GetParam());
  const Json summary = Train(job, {2, 4, true});
  ASSERT_FALSE(summary.is_null());
  EXPECT_EQ(summary["samples"], 40'000);
  const int64_t slow = summary["worker_samples"][1];
  // At 0 speeds are known after some rounds, and a step of 12 slices parts in 1 and 11 at best; at
  // 1 others are at most two steps ahead.
  const double least = GetParam() == 0 || GetParam() == 1 ? 1.5 : 2.5;
  for (const int other : {0, 2, 3})
    EXPECT_LT(least * static_cast<double>(slow), summary["worker_samples"][other].get<double>())
        << "worker " << other;
}

TEST_P(Leases, TheSameSeedGivesTheSameRun) {
  const std::string job = JobText({folder_.Write("all.csv", Lines(0, 5000))}, GetParam(), 1000);
  const Json first = Train(job, {2, 3, true});
  const Json second = Train(job, {2, 3, true});
  for (const char* key : {"worker_samples", "train_loss", "test_loss", "staleness"})
    EXPECT_EQ(first[key], second[key]) << key;
}

INSTANTIATE_TEST_SUITE_P(Staleness, Leases, ::testing::Values(-1, 0, 1, 4), [](const auto& test) {
  return test.param < 0 ? std::string("Unbounded") : "N" + std::to_string(test.param);
});

using Synchronous = Leases;

TEST_P(Synchronous, BitsDoNotDependOnWhoIsSlow) {
  const std::string job = JobText({folder_.Write("all.csv", Lines(0, 10'000))}, 0);
  const Json expected = Train(job, {1, 1});
  const Json slow = Train(job, {2, 4, true});
  EXPECT_NE(slow["worker_samples"][1], slow["worker_samples"][0]) << "slices have moved";
  for (const char* key : {"train_loss", "test_loss"}) EXPECT_EQ(slow[key], expected[key]);
}

INSTANTIATE_TEST_SUITE_P(Staleness, Synchronous, ::testing::Values(0));

class Predict : public ::testing::Test {
 protected:
  void SetUp() override {
    rank::RankOptions options;
    options.config =
        folder_.Write("job.textproto", JobText({folder_.Write("train.csv", Lines(0, 1000))}, 0));
    options.output = folder_.Path("out");
    ASSERT_EQ(RunJob(options, {1, 2}).exit_code, 0);
  }
  Outcome Write(const Shape& shape, const std::string& output, std::vector<std::string> overrides) {
    rank::RankOptions options;
    options.command = rank::Command::kPredict;
    options.checkpoint = folder_.Path("out");
    options.output = output;
    options.overrides = std::move(overrides);
    return RunJob(options, shape);
  }

  TempFolder folder_;
};

TEST_F(Predict, GivesALineForEveryRowInOrderWithAnyRanks) {
  // Without labels; two rows are malformed.
  std::string rows = "id,x\n";
  for (int i = 0; i < 9000; ++i)
    rows += i == 300 ? "broken\n" : i == 8999 ? "1,no number\n" : std::to_string(i % 1200) + ",3\n";
  const std::string file = folder_.Write("rows.csv", rows);
  std::string expected;
  for (const Shape& shape : {Shape{1, 1}, Shape{2, 3}, Shape{3, 4, true}}) {
    const std::string output =
        folder_.Path("predictions" + std::to_string(shape.n_workers) + ".tsv");
    const Outcome outcome = Write(shape, output, {"data.test.file=" + file});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    EXPECT_THAT(outcome.printed, HasSubstr("9000 rows, 2 of them malformed"));
    const std::string text = testing::ReadFile(output);
    if (expected.empty()) expected = text;
    EXPECT_EQ(text, expected);
  }
  std::istringstream lines(expected);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "row\ty");
  int n_rows = 0;
  std::string of_row_7;
  for (; std::getline(lines, line); ++n_rows) {
    const std::string begin = std::to_string(n_rows) + "\t";
    ASSERT_TRUE(line.starts_with(begin)) << line;
    EXPECT_EQ(line.size() == begin.size(), n_rows == 300 || n_rows == 8999) << line;
    if (n_rows == 7) of_row_7 = line.substr(begin.size());
    if (n_rows == 1207) {
      EXPECT_EQ(line.substr(begin.size()), of_row_7) << "the same input";
    }
  }
  EXPECT_EQ(n_rows, 9000);
}

TEST_F(Predict, PredictsWhatAnEvaluationSees) {
  const std::string output = folder_.Path("predictions.tsv");
  ASSERT_EQ(Write({1, 2}, output, {}).exit_code, 0);
  std::istringstream lines(testing::ReadFile(output));
  std::string line;
  std::getline(lines, line);
  double squared_error = 0;
  for (int i = 0; std::getline(lines, line); ++i) {
    const double error = std::stod(line.substr(line.find('\t') + 1)) - i % 5;
    squared_error += error * error;
  }
  const Json summary = Json::parse(testing::ReadFile(folder_.Path("out/summary.json")));
  EXPECT_NEAR(squared_error / 1000, summary["tasks"]["y"]["mse"].get<double>(), 1e-6);
}

TEST_F(Predict, ReadsRowsWithoutAHeaderByThePlacesOfTraining) {
  std::string labelled;
  std::string unlabelled;
  for (int i = 0; i < 300; ++i) {
    const std::string inputs = std::to_string(i % 7) + "," + std::to_string(i) + "\n";
    labelled += std::to_string(i % 5) + "," + inputs;
    unlabelled += inputs;
  }
  const std::string train = folder_.Write("labelled.csv", labelled);
  rank::RankOptions options;
  options.config = folder_.Path("job.textproto");
  options.overrides = {"data.text.header=false",   "field[id].column=#2",
                       "numeric[x].column=#1",     "task[y].label.column=#0",
                       "data.train.file=" + train, "data.test.file=" + train};
  options.output = folder_.Path("out");
  options.overwrite = true;
  ASSERT_EQ(RunJob(options, {1, 2}).exit_code, 0);
  ASSERT_EQ(Write({1, 2}, folder_.Path("labelled.tsv"), {}).exit_code, 0);
  const std::string file = folder_.Write("unlabelled.csv", unlabelled);
  ASSERT_EQ(Write({1, 2}, folder_.Path("unlabelled.tsv"), {"data.test.file=" + file}).exit_code, 0);
  EXPECT_EQ(testing::ReadFile(folder_.Path("unlabelled.tsv")),
            testing::ReadFile(folder_.Path("labelled.tsv")));
  const std::string other = folder_.Write("other.csv", "1\n2\n");
  EXPECT_THAT(Write({1, 1}, folder_.Path("other.tsv"), {"data.test.file=" + other}).error,
              HasSubstr("other.csv:1: 1 column, expected 3 as in training, or 2 without the 1 that "
                        "only tasks read"));
}

TEST_F(Predict, RefusesWhatCannotBe) {
  const auto error = [&](const std::string& output, std::vector<std::string> overrides) {
    const Outcome outcome = Write({1, 1}, output, std::move(overrides));
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.error;
  };
  EXPECT_THAT(error(folder_.Path(), {}), HasSubstr("is a folder, expected the name of a file"));
  EXPECT_THAT(error(folder_.Path("no/where.tsv"), {}), HasSubstr("there is no folder"));
  EXPECT_THAT(error(folder_.Path("train.csv"), {}), HasSubstr("is there already"));
  EXPECT_THAT(error(folder_.Path("p.tsv"), {"train.seed=4"}),
              HasSubstr("predict takes the model as it was"));
  const std::string other = folder_.Write("other.csv", "id,z\n1,2\n");
  EXPECT_THAT(error(folder_.Path("p.tsv"), {"data.test.file=" + other}),
              HasSubstr("no column \"x\""));
  EXPECT_FALSE(std::filesystem::exists(folder_.Path("p.tsv")));
}

}  // namespace
}  // namespace zhiyin::launch
