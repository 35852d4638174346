// Whole jobs that read their training examples once, from the first byte on: data.one_pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kOnePassRows = 30'000;
constexpr int kOnePassTestRows = 2000;

/// Rows whose label depends on the user.
std::string RowsOfOnePass(int n, uint64_t seed, bool is_json = false) {
  std::string text = is_json ? "" : "user,price,clicked\n";
  Random random(seed);
  for (int i = 0; i < n; ++i) {
    const uint64_t user = random.Below(100);
    const double price = std::round(random.Uniform() * 1000) / 100;
    const bool clicked = random.Uniform() < (user % 3 == 0 ? 0.8 : 0.1);
    const std::string values[] = {"u" + std::to_string(user), std::to_string(price),
                                  clicked ? "1" : "0"};
    text += is_json ? "{\"user\": \"" + values[0] + "\", \"price\": " + values[1] +
                          ", \"clicked\": " + values[2] + "}\n"
                    : values[0] + "," + values[1] + "," + values[2] + "\n";
  }
  return text;
}

class OnePassOfJobs : public ::testing::Test {
 protected:
  /// `data` is added to the job's data.
  SimulatedJob JobOn(const std::vector<std::string>& files, int n_workers,
                     const std::string& data = "statistics { sample_rows: 2000 }") const {
    std::string names;
    for (const std::string& file : files) names += "file: \"" + file + "\" ";
    return {
        launch::job::ParseJob(
            "name: \"one_pass\" data { one_pass: true shuffle_rows: 4000 text { header: true } " +
                data + " train { " + names + "} test { file: \"" + test_ + R"(" } }
              table { name: "t" dim: 2 optimizer { adagrad { learning_rate: 0.2 } } }
              field { name: "user" }
              numeric { name: "price" }
              task { name: "click" label { column: "clicked" equals: "1" } binary_cross_entropy {} }
              model { shared_bottom { bottom: [4] } }
              train { epochs: 1 batch_size: 128 slices: 4 seed: 3 staleness: -1
                      dense_optimizer { adam { learning_rate: 0.01 } } })",
            "one_pass", "/", {}),
        1,
        n_workers,
        {}};
  }
  static Outcome Run(const SimulatedJob& run) {
    const Outcome outcome = Simulate(run);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
    return outcome;
  }
  static double BytesIn(const std::vector<std::string>& files) {
    double n = 0;
    for (const std::string& file : files)
      n += static_cast<double>(std::filesystem::file_size(file));
    return n;
  }

  TempFolder folder_;
  const std::string test_ = folder_.Write("test.csv", RowsOfOnePass(kOnePassTestRows, 2));
};

TEST_F(OnePassOfJobs, TrainOnEachExampleOnceAndReadEachByteOnce) {
  const std::string csv = RowsOfOnePass(kOnePassRows, 1);
  const std::vector<std::vector<std::string>> all = {
      {folder_.Write("all.csv", csv)},
      {folder_.WriteGzip("all.csv.gz", csv)},
      {folder_.Write("a.csv", RowsOfOnePass(kOnePassRows / 3, 5)),
       folder_.WriteGzip("b.csv.gz", RowsOfOnePass(kOnePassRows / 3, 6)),
       folder_.Write("c.csv", RowsOfOnePass(kOnePassRows / 3, 7))}};
  for (const std::vector<std::string>& files : all) {
    for (const int n_workers : {1, 3, 8}) {
      SCOPED_TRACE(files[0] + " " + std::to_string(n_workers));
      const Outcome outcome = Run(JobOn(files, n_workers));
      // That samples = train_rows * epochs is an invariant that every job checks.
      EXPECT_EQ(outcome.summary["train_rows"], kOnePassRows);
      EXPECT_EQ(outcome.summary["samples"], kOnePassRows);
      EXPECT_EQ(outcome.summary["malformed_lines"], 0);
      EXPECT_GT(outcome.summary["steps"], kOnePassRows / 128);
      EXPECT_GT(outcome.summary["tasks"]["click"]["auc"].get<double>(), 0.78);
      EXPECT_THAT(outcome.printed, HasSubstr("statistics are of a sample of "));
      // The one pass, the sample, which is not small beside so few rows, and the test split.
      constexpr double kBehindRanges = 50'000;
      EXPECT_LE(outcome.summary["bytes_read"],
                2.2 * BytesIn(files) + 2 * BytesIn({test_}) + n_workers * kBehindRanges);
    }
  }
}

TEST_F(OnePassOfJobs, LearnAsMuchAsOthersFromShuffledFiles) {
  const std::vector<std::string> files = {folder_.Write("all.csv", RowsOfOnePass(kOnePassRows, 1))};
  SimulatedJob run = JobOn(files, 2);
  const double auc = Run(run).summary["tasks"]["click"]["auc"].get<double>();
  run.job.mutable_data()->set_one_pass(false);
  EXPECT_NEAR(auc, Run(run).summary["tasks"]["click"]["auc"].get<double>(), 0.02);
}

TEST_F(OnePassOfJobs, ReadOtherFormats) {
  std::vector<std::string> files;
  for (uint64_t f = 0; f < 3; ++f) {
    files.push_back(folder_.Write("f" + std::to_string(f) + ".jsonl",
                                  RowsOfOnePass(kOnePassRows / 3, 10 + f, /*is_json=*/true)));
  }
  const Outcome outcome = Run(JobOn(files, 2));
  EXPECT_EQ(outcome.summary["train_rows"], kOnePassRows);
  EXPECT_GT(outcome.summary["tasks"]["click"]["auc"].get<double>(), 0.78);
}

TEST_F(OnePassOfJobs, BeginWithGivenStatistics) {
  const std::vector<std::string> files = {folder_.Write("all.csv", RowsOfOnePass(kOnePassRows, 1))};
  SimulatedJob run = JobOn(files, 2);
  run.job.mutable_data()->clear_statistics();
  run.job.mutable_numeric(0)->set_mean(5);
  run.job.mutable_numeric(0)->set_stddev(3);
  run.job.mutable_task(0)->set_label_mean(0.3);
  const Outcome outcome = Run(run);
  EXPECT_EQ(outcome.summary["samples"], kOnePassRows);
  EXPECT_THAT(outcome.printed, Not(HasSubstr("statistics are of a sample")));
}

TEST_F(OnePassOfJobs, CountMalformedLinesAndNameThem) {
  std::string csv = RowsOfOnePass(kOnePassRows, 1);
  csv.insert(csv.find('\n', csv.size() / 2) + 1, "not,a,good,row\n");
  csv.insert(csv.find('\n') + 1, "another\n");
  const std::vector<std::string> files = {folder_.Write("all.csv", csv)};
  const Outcome outcome = Run(JobOn(files, 3));
  EXPECT_EQ(outcome.summary["malformed_lines"], 2);
  EXPECT_EQ(outcome.summary["samples"], kOnePassRows);
  SimulatedJob strict = JobOn(files, 3);
  strict.job.mutable_data()->set_max_bad_share(1e-6);
  const Outcome refused = Simulate(strict);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error(), HasSubstr("all.csv:2: "));
  EXPECT_THAT(refused.error(), HasSubstr("(2 of 30002 lines are malformed"));
}

/// A reader that begins within such a value takes its line ends for those of records.
TEST_F(OnePassOfJobs, OfAValueWithLineEndsAtACutEndWithOneLine) {
  std::string csv = RowsOfOnePass(kOnePassRows, 1);
  std::string value = "\"";
  for (int i = 0; i < 20'000; ++i) value += "u1,2,1\n";
  csv.insert(csv.find('\n', csv.size() / 2) + 1, value + "\",2,1\n");
  const Outcome refused = Simulate(JobOn({folder_.Write("all.csv", csv)}, 2, R"(max_bad_share: 1
      statistics { sample_rows: 500 })"));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error(), HasSubstr("all.csv: a value in quotes holds line ends at byte "));
}

TEST_F(OnePassOfJobs, SayThatTheyDoNotEndEarly) {
  SimulatedJob run = JobOn({folder_.Write("all.csv", RowsOfOnePass(kOnePassRows, 1))}, 2);
  run.output = folder_.Path("out");
  run.stop_requested = [] { return true; };
  const Outcome outcome = Run(run);
  EXPECT_EQ(outcome.summary["samples"], kOnePassRows);
  EXPECT_THAT(outcome.printed, HasSubstr("keeps no checkpoints: it goes on"));
  EXPECT_FALSE(std::filesystem::exists(folder_.Path("out/checkpoints")));
}

}  // namespace
}  // namespace zhiyin::testing
