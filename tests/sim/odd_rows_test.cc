// Rows and joined lines that are not as they should be: none of them ends a job or hides another.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "common/file.h"
#include "tests/sim/run_ranks.h"
#include "tests/support/files.h"
#include "worker/train/results.h"

namespace zhiyin::launch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RanksOutcome;
using testing::RunRanks;
using testing::TempFolder;
using worker::train::Json;

class OddRows : public ::testing::Test {
 protected:
  RanksOutcome Train(const std::string& job, int n_workers = 1) {
    rank::RankOptions options;
    options.config = folder_.Write("job.textproto", job);
    options.output = folder_.Path("out");
    options.overwrite = true;
    return RunRanks(std::move(options), n_workers);
  }
  RanksOutcome Predict(std::vector<std::string> overrides, int n_workers = 1) {
    rank::RankOptions options;
    options.command = rank::Command::kPredict;
    options.checkpoint = folder_.Path("out");
    options.output = folder_.Path("predictions.tsv");
    options.overwrite = true;
    options.overrides = std::move(overrides);
    return RunRanks(std::move(options), n_workers);
  }
  Json Summary() { return Json::parse(testing::ReadFile(folder_.Path("out/summary.json"))); }
  /// The lines of the predictions, without the header.
  std::vector<std::string> Predictions() {
    std::istringstream in(testing::ReadFile(folder_.Path("predictions.tsv")));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    lines.erase(lines.begin());
    return lines;
  }

  TempFolder folder_{TempFolder::kInMemory};
};

std::string SomeRows(int n) {
  std::string rows = "user,x,click\n";
  for (int i = 0; i < n; ++i)
    rows += "u" + std::to_string(i % 7) + "," + std::to_string(i % 5) + "e-3," +
            std::to_string(i % 3 == 0) + "\n";
  return rows;
}

/// A job with a small numeric: 3e38 divided by its standard deviation is no finite float.
std::string LinearJob(const std::string& train, const std::string& test,
                      const std::string& of_test = "") {
  return R"(data { text { header: true } train { file: ")" + train + R"(" } test { file: ")" +
         test + "\" " + of_test + R"( } }
    table { name: "ids" dim: 1 optimizer { sgd { learning_rate: 0.1 } } }
    field { name: "user" }
    numeric { name: "x" }
    task { name: "click" label { number {} } binary_cross_entropy {} }
    model { linear {} }
    train { epochs: 2 batch_size: 30 slices: 2 seed: 1 dense_optimizer { adam { learning_rate: 0.01 } } })";
}

TEST_F(OddRows, AnExtremeRowIsNamedAndCountsInNoMetric) {
  const std::string train = folder_.Write("train.csv", SomeRows(60));
  const std::string plain = folder_.Write("plain.csv", SomeRows(300));
  const std::string odd = folder_.Write("odd.csv", SomeRows(300) + "u1,3e38,1\n");
  RanksOutcome outcome = Train(LinearJob(train, plain));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.printed, Not(HasSubstr("no finite prediction")));
  const Json expected = Summary();
  EXPECT_EQ(expected["rows_without_prediction"], 0);
  for (const int n_workers : {1, 2}) {
    outcome = Train(LinearJob(train, odd), n_workers);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    EXPECT_THAT(outcome.printed,
                AllOf(HasSubstr("note: 1 of 301 rows has no finite prediction: left out of the "
                                "metrics\n"),
                      HasSubstr("odd.csv:302: numeric \"x\" is 3e+38, "),
                      HasSubstr("standard deviations from its mean")));
    const Json summary = Summary();
    EXPECT_EQ(summary["rows_without_prediction"], 1);
    EXPECT_EQ(summary["tasks"]["click"]["samples"], 300);
    for (const char* metric : {"auc", "log_loss", "mse"})
      EXPECT_NEAR(summary["tasks"]["click"][metric], expected["tasks"]["click"][metric], 1e-6);
    EXPECT_NEAR(summary["test_loss"], expected["test_loss"], 1e-6);
  }
}

TEST_F(OddRows, AnExtremeRowIsLeftEmptyInPredictions) {
  const std::string train = folder_.Write("train.csv", SomeRows(60));
  const std::string odd = folder_.Write("odd.csv", SomeRows(10) + "u1,3e38,1\n" + "u1,2,1\n");
  ASSERT_EQ(Train(LinearJob(train, train)).exit_code, 0);
  for (const int n_workers : {1, 2}) {
    const RanksOutcome outcome = Predict({"data.test.file=" + odd}, n_workers);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    EXPECT_THAT(outcome.printed,
                AllOf(HasSubstr("note: 1 of 12 rows has no finite prediction: left empty\n"),
                      HasSubstr("odd.csv:12: numeric \"x\" is 3e+38")));
    const std::vector<std::string> lines = Predictions();
    ASSERT_EQ(lines.size(), 12u);
    for (size_t i = 0; i < lines.size(); ++i)
      EXPECT_EQ(lines[i].ends_with('\t'), i == 10) << lines[i];
  }
}

/// Records with the columns of SomeRows, of which the first may be called otherwise.
std::string SomeRecords(int n, const std::string& user) {
  std::string records;
  for (int i = 0; i < n; ++i)
    records += "{\"" + user + "\": \"u" + std::to_string(i % 7) +
               "\", \"x\": " + std::to_string(i % 5) +
               ", \"click\": " + std::to_string(i % 3 == 0) + "}\n";
  return records;
}

TEST_F(OddRows, RecordsWithOtherNamesGetNoPredictions) {
  const std::string train = folder_.Write("train.json", SomeRecords(60, "user"));
  ASSERT_EQ(Train(LinearJob(train, train)).exit_code, 0);
  const std::string other = folder_.Write("other.json", SomeRecords(600, "User"));
  for (const int n_workers : {1, 2}) {
    const RanksOutcome outcome = Predict({"data.test.file=" + other}, n_workers);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.error,
                HasSubstr(other + ": no record of data.test has the column \"user\" (field[0] "
                                  "\"user\"); the nearest is \"User\""));
    EXPECT_FALSE(std::filesystem::exists(folder_.Path("predictions.tsv")));
  }
  ASSERT_EQ(Predict({"data.test.file=" + train}).exit_code, 0);
  EXPECT_EQ(Predictions().size(), 60u);
}

TEST_F(OddRows, AllRowsWithoutPredictionLeaveTheMetricsUndefined) {
  const std::string train = folder_.Write("train.csv", SomeRows(60));
  const std::string odd = folder_.Write("odd.csv", "user,x,click\nu1,3e38,1\nu2,-3e38,0\n");
  const RanksOutcome outcome = Train(LinearJob(train, odd));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  const Json summary = Summary();
  EXPECT_EQ(summary["rows_without_prediction"], 2);
  EXPECT_TRUE(summary["tasks"]["click"]["auc"].is_null());
  EXPECT_TRUE(summary["test_loss"].is_null());
}

TEST_F(OddRows, AModelIsSavedBeforeItIsEvaluated) {
  const std::string rows = folder_.Write("train.csv", SomeRows(60));
  std::vector<std::string> written;
  WatchFiles([&](const FileStep& step) {
    if (step.kind == FileStep::kRename) written.push_back(step.to);
  });
  const RanksOutcome outcome = Train(LinearJob(rows, rows));
  WatchFiles({});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  const auto last = [&](const std::string& what) {
    const auto at = std::find_if(written.rbegin(), written.rend(), [&](const std::string& path) {
      return path.find(what) != std::string::npos;
    });
    EXPECT_NE(at, written.rend()) << what;
    return written.rend() - at;
  };
  EXPECT_LT(last("/out/model"), last("/out/metrics.jsonl"));
}

TEST_F(OddRows, FilesInPlaceOfTheTestRowsAreReadWhole) {
  const std::string train = folder_.Write("train.csv", SomeRows(60));
  ASSERT_EQ(Train(LinearJob(train, train, "first_row: 50 n_rows: 5")).exit_code, 0);
  ASSERT_EQ(Predict({}).exit_code, 0);
  EXPECT_EQ(Predictions().size(), 5u);
  const std::string rows = folder_.Write("rows.csv", SomeRows(20));
  ASSERT_EQ(Predict({"data.test.file=" + rows}).exit_code, 0);
  EXPECT_EQ(Predictions().size(), 20u);
}

TEST_F(OddRows, RangesThatAreNotAsTheySeemAreNoted) {
  const std::string rows = folder_.Write("train.csv", SomeRows(60));
  const RanksOutcome outcome = Train(LinearJob(rows, rows, "first_row: 50 n_rows: 5000"), 2);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(
      outcome.printed,
      AllOf(HasSubstr("note: data.test: n_rows is 5000, but the files have only 10 rows from "
                      "first_row on\n"),
            HasSubstr("note: data.test: 10 of its 10 rows are in data.train, too\n")));
}

/// Forty events of four users with nine items.
std::string Events() {
  std::string events = "user,item,time,click\n";
  for (int i = 0; i < 40; ++i)
    events += "u" + std::to_string(i % 4) + ",i" + std::to_string(i % 9) + "," + std::to_string(i) +
              "," + std::to_string(i % 2) + "\n";
  return events;
}

std::string EventsJob(const std::string& events, const std::string& join = "") {
  const std::string price = join.empty() ? "" : "numeric { name: \"price\" }";
  return R"(data { text { header: true } train { file: ")" + events + R"(" } test { file: ")" +
         events + R"(" } behaviour { user: "user" item: "item" time: "time" last: 1 } )" + join +
         R"( }
    table { name: "ids" dim: 4 optimizer { adagrad { learning_rate: 0.1 } } }
    field { name: "user" } field { name: "item" } )" +
         price + R"(
    task { name: "click" label { number {} } binary_cross_entropy {} }
    model { shared_bottom { bottom: 8 } }
    train { epochs: 1 batch_size: 20 seed: 1 dense_optimizer { adam { learning_rate: 0.01 } } })";
}

TEST_F(OddRows, EveryLineIsPredictedWhereTheTestRowsAreHeldOut) {
  ASSERT_EQ(Train(EventsJob(folder_.Write("events.csv", Events()))).exit_code, 0);
  for (const int n_workers : {1, 2}) {
    const RanksOutcome outcome = Predict({}, n_workers);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
    const std::vector<std::string> lines = Predictions();
    ASSERT_EQ(lines.size(), 40u);
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_TRUE(lines[i].starts_with(std::to_string(i) + "\t"));
      EXPECT_FALSE(lines[i].ends_with('\t'));
    }
  }
}

TEST_F(OddRows, ATestSplitForWhichNothingIsHeldOutIsRefusedAsSuch) {
  std::string events = "user,item,time,click\n";
  for (int i = 0; i < 40; ++i)
    events +=
        "u" + std::to_string(i) + ",i1," + std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  EXPECT_THAT(Train(EventsJob(folder_.Write("events.csv", events)), 2).error,
              HasSubstr("data.test: no rows: data.behaviour holds none out for it: no user has "
                        "enough events"));
}

TEST_F(OddRows, ASplitOfMalformedLinesIsRefusedAsSuch) {
  const std::string train = folder_.Write("train.csv", SomeRows(20));
  const std::string test = folder_.Write("test.csv", "user,x,click\nu1,low,1\nu2,high,0\n");
  std::string job = LinearJob(train, test);
  job.insert(job.find("text {"), "max_bad_share: 1 ");
  EXPECT_THAT(Train(job, 2).error,
              HasSubstr("data.test: no rows: all of its 2 lines are malformed"));
}

TEST_F(OddRows, AMalformedLineOfAJoinIsNamedAndLeftOut) {
  std::string items = "item,price\n";
  for (int i = 0; i < 8; ++i) items += "i" + std::to_string(i) + "," + std::to_string(i) + "\n";
  items += "i8,cheap\ninew,abc\n";
  const std::string file = folder_.Write("items.csv", items);
  const RanksOutcome outcome = Train(EventsJob(folder_.Write("events.csv", Events()),
                                               "join { file: \"" + file + "\" column: \"item\" }"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(
      outcome.printed,
      AllOf(HasSubstr("data.join[0]: 2 of 10 lines are malformed and left out\n"),
            HasSubstr("items.csv:10: item \"i8\": numeric \"price\" (column #1): \"cheap\", "
                      "expected a finite number\n"),
            HasSubstr("items.csv:11: item \"inew\": "),
            HasSubstr("of the rows of data.train found a line (")));
  const Json summary = Summary();
  EXPECT_EQ(summary["malformed_lines"], 0);
  EXPECT_EQ(summary["joins"]["malformed_lines"], 2);
  EXPECT_EQ(summary["train_rows"], 36);
  EXPECT_LT(summary["joins"]["train"][0], 1);
  EXPECT_GT(summary["joins"]["train"][0], 0.8);
  ASSERT_EQ(Predict({}).exit_code, 0);
  EXPECT_EQ(Predictions().size(), 40u);
}

TEST_F(OddRows, AJoinInWhichNoRowFindsItsLineIsRefused) {
  const std::string events = folder_.Write("events.csv", Events());
  const std::string other = folder_.Write("items.csv", "item,price\nI1,1\nI2,2\n");
  EXPECT_THAT(
      Train(EventsJob(events, "join { file: \"" + other + "\" column: \"item\" }"), 2).error,
      AllOf(HasSubstr("data.join[0]: none of the 36 rows of data.train finds a line: column "
                      "\"item\" has \"i0\", "),
            HasSubstr("items.csv has \"I1\", expected equal texts")));
  const std::string few = folder_.Write("items.csv", "item,price\ni8,1\n");
  const RanksOutcome outcome =
      Train(EventsJob(events, "join { file: \"" + few + "\" column: \"item\" }"));
  // The rows held out for the test have four other items.
  EXPECT_THAT(outcome.error, HasSubstr("none of the 4 rows of data.test finds a line"));
}

TEST_F(OddRows, LabelsOfAJoinInWhichNoRowFindsItsLineAreBlamedOnTheJoin) {
  std::string rows = SomeRows(20);
  rows.replace(0, rows.find('\n'), "user,x,other");
  const std::string file = folder_.Write("train.csv", rows);
  const std::string labels = folder_.Write("labels.csv", "user,click\nU1,1\nU2,0\n");
  EXPECT_THAT(
      Train(LinearJob(file, file, "} join { file: \"" + labels + "\" column: \"user\"")).error,
      HasSubstr("data.join[0]: none of the 20 rows of data.train finds a line: column \"user\" has "
                "\"u0\", "));
}

TEST_F(OddRows, AJoinInWhichFewRowsFindTheirLineIsNoted) {
  const std::string few = folder_.Write("items.csv", "item,price\ni1,1\ni2,2\n");
  const RanksOutcome outcome = Train(EventsJob(folder_.Write("events.csv", Events()),
                                               "join { file: \"" + few + "\" column: \"item\" }"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_THAT(outcome.printed, HasSubstr("note: data.join[0]: "));
  EXPECT_THAT(outcome.printed, HasSubstr("are the values of column \"item\" and of \"item\" in its "
                                         "files written alike?"));
}

}  // namespace
}  // namespace zhiyin::launch
