// What whole jobs read of their files, and what they learn from it.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

constexpr int kRows = 40'000;
constexpr int kEpochs = 2;

/// Each row ends with so many random characters, which no job reads.
std::string Csv(int n_noise = 0) {
  std::string text = "user,item,price,clicked,noise\n";
  Random random(1);
  for (int i = 0; i < kRows; ++i) {
    text += "user " + std::to_string(i * 7919 % 1009) + ",item " + std::to_string(i % 211) + "," +
            std::to_string(i % 97) + ".25," + (i % 3 == 0 ? "1," : "0,");
    for (int n = 0; n < n_noise; ++n) text += static_cast<char>('a' + random.Below(26));
    text += "\n";
  }
  return text;
}

/// The rows of Csv as JSON Lines.
std::string JsonLines() {
  std::string text;
  for (int i = 0; i < kRows; ++i) {
    text += R"({"user": "user )" + std::to_string(i * 7919 % 1009) + R"(", "item": "item )" +
            std::to_string(i % 211) + R"(", "price": )" + std::to_string(i % 97) +
            R"(.25, "clicked": ")" + (i % 3 == 0 ? "1" : "0") + "\"}\n";
  }
  return text;
}

struct Options {
  int64_t shuffle_rows = 1'000'000;
  int staleness = 0;
  /// So many records at the end are the test split; 0: all are in both.
  int n_held_out = 0;
  std::string index = "";
  bool has_behaviour = false;
  std::string text = "header: true";
};

/// The windows of a split have so many examples.
const Options kSmall = {.shuffle_rows = 1000};

class Reading : public ::testing::Test {
 protected:
  /// Trains on files, and evaluates on them.
  static Outcome Train(const std::vector<std::string>& files, int n_workers,
                       const Options& options = {}) {
    std::string split;
    for (const std::string& file : files) split += "file: \"" + file + "\" ";
    std::string train = split;
    std::string test = split;
    if (options.n_held_out > 0) {
      train += "n_rows: " + std::to_string(kRows - options.n_held_out);
      test += "first_row: " + std::to_string(kRows - options.n_held_out);
    }
    const std::string behaviour =
        "behaviour { user: \"user\" item: \"item\" time: \"price\" last: 1 history_length: 3 }";
    SimulatedJob run = {
        launch::job::ParseJob(
            "name: \"reading\" data { text { " + options.text + " } train { " + train +
                "} test { " + test + "} shuffle_rows: " + std::to_string(options.shuffle_rows) +
                " index: \"" + options.index + "\" " + (options.has_behaviour ? behaviour : "") +
                R"(}
              table { name: "t" dim: 2 optimizer { adagrad { learning_rate: 0.1 } } }
              field { name: "user" table: "t" } field { name: "item" table: "t" }
              )" +
                (options.has_behaviour
                     ? R"(field { name: "history" vocabulary: "item" separator: "|" table: "t" })"
                     : "") +
                R"(
              numeric { name: "price" }
              model { shared_bottom { bottom: [4] } }
              task { name: "click" label { column: "clicked" equals: "1" }
                     binary_cross_entropy {} }
              train { epochs: )" +
                std::to_string(kEpochs) + " batch_size: 1024 slices: 16 seed: 3 staleness: " +
                std::to_string(options.staleness) +
                " dense_optimizer { adam { learning_rate: 0.01 } } }",
            "reading", "/", {}),
        1,
        n_workers,
        {}};
    const Outcome outcome = Simulate(run);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
    return outcome;
  }
  static double BytesOf(const std::vector<std::string>& files) {
    double n = 0;
    for (const std::string& file : files)
      n += static_cast<double>(std::filesystem::file_size(file));
    return n;
  }

  TempFolder folder_;
};

TEST_F(Reading, OfWhatFitsInMemoryReadsEachByteOnce) {
  const std::string csv = Csv();
  std::vector<std::string> parts;
  for (size_t f = 0, begin = csv.find('\n') + 1; begin < csv.size(); ++f) {
    const size_t end = csv.find('\n', std::min(begin + csv.size() / 9, csv.size() - 1)) + 1;
    parts.push_back(
        folder_.WriteGzip("part" + std::to_string(f) + ".gz",
                          csv.substr(0, csv.find('\n') + 1) + csv.substr(begin, end - begin)));
    begin = end;
  }
  const std::vector<std::vector<std::string>> all = {
      {folder_.Write("all.csv", csv)}, {folder_.WriteGzip("all.csv.gz", csv)}, parts};
  const std::string expected = Train(all[0], 1).metrics;
  ASSERT_NE(expected, "");
  for (const std::vector<std::string>& files : all) {
    for (const int n_workers : {4, 16}) {
      const Outcome outcome = Train(files, n_workers);
      EXPECT_EQ(outcome.metrics, expected) << files[0];
      const double n_passes = 2;  // over the training split and the test split
      EXPECT_LE(outcome.summary["bytes_read"], 1.05 * n_passes * BytesOf(files)) << files[0];
      EXPECT_LE(outcome.summary["files_opened"],
                n_passes * static_cast<double>(files.size() + static_cast<size_t>(n_workers)));
    }
  }
}

TEST_F(Reading, OfWhatDoesNotFitReadsEachByteOnceAnEpoch) {
  const std::vector<std::string> files = {folder_.Write("all.csv", Csv())};
  const std::string expected = Train(files, 1, kSmall).metrics;
  for (const int n_workers : {4, 16}) {
    const Outcome outcome = Train(files, n_workers, kSmall);
    EXPECT_EQ(outcome.metrics, expected);
    // Two first passes, and for each epoch the training split and the test split.
    EXPECT_LE(outcome.summary["bytes_read"], (2 * 1.05 + kEpochs * 2 * 1.1) * BytesOf(files));
  }
  const Outcome stale = Train(files, 4, {.shuffle_rows = 1000, .staleness = -1});
  EXPECT_LE(stale.summary["bytes_read"], (2 * 1.05 + kEpochs * 2 * 1.1) * BytesOf(files));
}

TEST_F(Reading, OfBehaviourReadsEachByteOnceMore) {
  const std::vector<std::string> files = {folder_.Write("all.csv", Csv())};
  const Options options = {.has_behaviour = true};
  const std::string expected = Train(files, 1, options).metrics;
  for (const int n_workers : {4, 16}) {
    const Outcome outcome = Train(files, n_workers, options);
    EXPECT_EQ(outcome.metrics, expected);
    // The events, and a pass over each split; for each of these a worker looks at the beginning.
    constexpr double kLook = 256 << 10;
    EXPECT_LE(outcome.summary["bytes_read"], 3 * 1.05 * BytesOf(files) + 2 * n_workers * kLook);
  }
}

TEST_F(Reading, OfAGzipThatDoesNotFitBeginsAtItsPoints) {
  // A column that compresses badly makes the file large, and its rows few.
  const std::string csv = Csv(/*n_noise=*/100);
  const std::string expected = Train({folder_.Write("all.csv", csv)}, 1, kSmall).metrics;
  const std::vector<std::string> files = {folder_.WriteGzip("all.csv.gz", csv)};
  for (const int n_workers : {4, 16}) {
    const Outcome outcome = Train(files, n_workers, kSmall);
    EXPECT_EQ(outcome.metrics, expected);
    // With 4 workers each has four of the slices, and goes from one part of the file to another.
    const double each_epoch = n_workers == 16 ? 1.15 : 1.5;
    EXPECT_LE(outcome.summary["bytes_read"],
              (2 * 1.05 + kEpochs * 2 * each_epoch) * BytesOf(files));
  }
}

TEST_F(Reading, OfAFileOfWhichSomeRowsAreHeldOutReadsEachByteOnce) {
  const std::vector<std::string> files = {folder_.Write("all.csv", Csv())};
  const Options options = {.n_held_out = 7001};
  const std::string expected = Train(files, 1, options).metrics;
  for (const int n_workers : {4, 16}) {
    const Outcome outcome = Train(files, n_workers, options);
    EXPECT_EQ(outcome.metrics, expected);
    // A tenth more is read than is likely to have the records.
    EXPECT_LE(outcome.summary["bytes_read"], 1.2 * BytesOf(files));
  }
}

TEST_F(Reading, OfASecondJobHasNoFirstPass) {
  const std::string csv = Csv(/*n_noise=*/100);
  const std::vector<std::vector<std::string>> all = {{folder_.Write("all.csv", csv)},
                                                     {folder_.WriteGzip("all.csv.gz", csv)}};
  const std::string expected = Train(all[0], 1, kSmall).metrics;
  for (const std::vector<std::string>& files : all) {
    Options options = kSmall;
    options.index = folder_.Path("index");
    // The first job already finds what its training split has told of its test split.
    Train(files, 4, options);
    for (const int n_workers : {1, 16}) {
      const Outcome outcome = Train(files, n_workers, options);
      EXPECT_EQ(outcome.metrics, expected);
      // One worker has all slices of the gzip, and goes from one part of it to another.
      const double each_epoch = files == all[0] ? 1.1 : n_workers == 1 ? 1.5 : 1.15;
      EXPECT_LE(outcome.summary["bytes_read"], kEpochs * 2 * each_epoch * BytesOf(files))
          << files[0] << " " << n_workers;
      EXPECT_EQ(outcome.summary["bytes_read_before_training"], 0);
    }
  }
  // What fits in memory is read in the first epoch, and kept. Of a split as small as this one
  // several of 16 workers need the same blocks, and so read them as shares.
  Options options;
  options.index = folder_.Path("index");
  const std::string expected_kept = Train(all[0], 1).metrics;
  for (const int n_workers : {1, 4, 16}) {
    const Outcome outcome = Train(all[0], n_workers, options);
    EXPECT_EQ(outcome.metrics, expected_kept);
    EXPECT_LE(outcome.summary["bytes_read"], 2 * 1.1 * BytesOf(all[0]))
        << n_workers << " " << outcome.summary["files_opened"];
    const double n_first = outcome.summary["bytes_read_before_training"];
    EXPECT_LE(n_first, n_workers < 16 ? 0 : 1.1 * BytesOf(all[0])) << n_workers;
  }
}

/// The first step needs blocks of the whole training split. Of a file in which readers cannot jump
/// to theirs, one of them reads all for the others. The test split is first read when it is
/// evaluated.
TEST_F(Reading, OfASecondJobOnAGzipOrJsonLinesReadsEachByteOnce) {
  struct Case {
    std::string file;
    std::string text;
  };
  const std::vector<Case> all = {
      {folder_.WriteGzip("all.csv.gz", Csv(/*n_noise=*/100)), Options().text},
      {folder_.Write("all.jsonl", JsonLines()), ""}};
  for (const Case& data : all) {
    SCOPED_TRACE(data.file);
    const double n_bytes = BytesOf({data.file});
    Options options = {.index = folder_.Path("index"), .text = data.text};
    const std::string expected = Train({data.file}, 4, options).metrics;
    for (const int n_workers : {1, 4, 16}) {
      SCOPED_TRACE(n_workers);
      const Outcome outcome = Train({data.file}, n_workers, options);
      EXPECT_EQ(outcome.metrics, expected);
      EXPECT_LE(outcome.summary["bytes_read_before_training"], 1.05 * n_bytes);
      EXPECT_LE(outcome.summary["bytes_read"], (1.05 + 1.25) * n_bytes);
    }
    // One worker has all runs, each of which has blocks of the whole file.
    options.staleness = -1;
    const Outcome stale = Train({data.file}, 1, options);
    EXPECT_LE(stale.summary["bytes_read"], 2 * 1.05 * n_bytes);
    // What is not kept is read in every epoch, and not before.
    options.staleness = 0;
    options.shuffle_rows = 1000;
    EXPECT_EQ(Train({data.file}, 4, options).summary["bytes_read_before_training"], 0);
  }
}

}  // namespace
}  // namespace zhiyin::testing
