#include "worker/train/prediction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "launch/job/load_job.h"
#include "tests/support/cluster.h"
#include "tests/support/files.h"
#include "tests/support/piped_bytes.h"
#include "worker/data/pipe.h"
#include "worker/train/model_weights.h"
#include "worker/train/tools.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class WritePredictionsTest : public ::testing::Test {
 protected:
  /// Predicts the test split with a worker for each number: its own file has so many rows. `limit`
  /// is n_rows of the split. Returns what was written.
  std::string Predict(const std::vector<int>& n_rows, int limit = 0) {
    std::filesystem::remove(output_);
    const net::RoleMap roles = {.n_servers = 1, .n_workers = static_cast<int>(n_rows.size())};
    testing::RunCluster(
        JobOn("", limit), roles, 1, [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
          const std::string text = Rows(n_rows[static_cast<size_t>(worker)]);
          const Job job = JobOn(folder_.Write(std::to_string(worker) + ".csv", text), limit);
          Tools tools(job, roles, /*evaluated=*/{}, /*n_threads=*/1, mailbox);
          InitModelWeights(job, std::vector<double>{0}, &tools);
          const auto source = data::MakeSource(job, data::SplitKind::kTestFiles, /*labels=*/{});
          Scorer scorer(job, &tools.client, tools.model.get(), &tools.dense, &tools.heads);
          const auto feed =
              MakeFileFeed(job, normalizer_, source.get(), roles.n_workers, &tools.group);
          WritePredictions(output_, normalizer_, job, tools.heads, feed.get(), &scorer,
                           roles.n_workers, &tools.group);
          tools.group.Barrier("the other workers");
        });
    return testing::ReadFile(output_);
  }
  /// Predicts rows that come through a pipe, which the first worker reads. `limit` is as above.
  std::string PredictPiped(int n_workers, const std::string& rows, int limit = 0) {
    std::filesystem::remove(output_);
    const testing::PipedBytes bytes(folder_.Path("pipe"), rows);
    const net::RoleMap roles = {.n_servers = 1, .n_workers = n_workers};
    const Job job = JobOn(bytes.path(), limit);
    testing::RunCluster(job, roles, 1, [&](int worker, net::Mailbox* mailbox, ps::client::Client*) {
      std::optional<data::Pipe> pipe;
      if (worker == 0) pipe.emplace(bytes.path(), roles.ChiefRank(), [] {});
      Tools tools(job, roles, /*evaluated=*/{}, /*n_threads=*/1, mailbox);
      InitModelWeights(job, std::vector<double>{0}, &tools);
      std::unique_ptr<data::Source> source;
      if (worker == 0) source = data::MakeSource(job, data::SplitKind::kTestFiles, {});
      Scorer scorer(job, &tools.client, tools.model.get(), &tools.dense, &tools.heads);
      const auto feed = MakePipeFeed(job, normalizer_, source.get(), n_workers, &tools.group);
      const PredictionCounts counts = WritePredictions(
          output_, normalizer_, job, tools.heads, feed.get(), &scorer, n_workers, &tools.group);
      if (worker == 0) counts_ = counts;
      tools.group.Barrier("the other workers");
    });
    return testing::ReadFile(output_);
  }
  void ExpectRefused(const std::vector<int>& n_rows, const std::string& wrong, int limit = 0) {
    EXPECT_THAT([&] { Predict(n_rows, limit); },
                ThrowsMessage<Error>(
                    HasSubstr("data.test: " + wrong + ", expected equal files on all hosts")));
    EXPECT_FALSE(std::filesystem::exists(output_));
    EXPECT_FALSE(std::filesystem::exists(output_ + ".unfinished"));
  }

  testing::TempFolder folder_;
  const std::string output_ = folder_.Path("out.tsv");
  data::Normalizer normalizer_ = {{0}, {1}};
  PredictionCounts counts_;  // of PredictPiped

  static std::string Rows(int n) {
    std::string rows;
    for (int i = 0; i < n; ++i) rows += std::to_string(i) + ",0\n";
    return rows;
  }

 private:
  static Job JobOn(const std::string& file, int limit) {
    return launch::job::ParseJob(R"(
        name: "predicted"
        data { text { column_name: ["x", "y"] delimiter: "," } train { file: "train.csv" }
          test { file: ")" + (file.empty() ? "test.csv" : file) +
                                     "\" n_rows: " + std::to_string(limit) + R"( } }
        numeric { name: "x" }
        task { name: "y" label { number {} } squared_error {} }
        model { linear {} }
        train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                                 "job", ".", {});
  }
};

TEST_F(WritePredictionsTest, HasALineForEachRowWithAnyNumberOfWorkers) {
  for (const int n : {1, 256, 512, 700, 4096, 4500}) {
    const std::string alone = Predict({n});
    EXPECT_EQ(std::count(alone.begin(), alone.end(), '\n'), n + 1);
    EXPECT_EQ(Predict({n, n}), alone);
    EXPECT_EQ(Predict({n, n, n}), alone);
  }
  EXPECT_EQ(Predict({2000, 2000, 2000}, 700), Predict({700}));
  EXPECT_EQ(Predict({700, 700, 700}, 2000), Predict({700}));
}

TEST_F(WritePredictionsTest, ReadsAPipeOnceForAnyNumberOfWorkers) {
  for (const int n : {1, 256, 2049, 4500}) {
    const std::string alone = Predict({n});
    for (const int n_workers : {1, 2, 3}) {
      EXPECT_EQ(PredictPiped(n_workers, Rows(n)), alone) << n_workers << " workers, " << n;
      EXPECT_EQ(counts_.n_rows, n);
    }
  }
  EXPECT_EQ(PredictPiped(2, Rows(100'000), 700), Predict({700}));
}

TEST_F(WritePredictionsTest, NamesTheRowsOfAPipeAsThoseOfAFile) {
  // The second block is of another worker than the first one.
  std::string rows = Rows(300) + "malformed\n" + Rows(500);
  for (const int n_workers : {1, 3}) {
    const std::string written = PredictPiped(n_workers, rows);
    EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 802);
    EXPECT_THAT(written, HasSubstr("\n300\t\n"));
    EXPECT_EQ(counts_.n_bad, 1);
  }
  // A well-formed number, which is no finite one when it is normalised.
  rows += "3e38,0\n";
  normalizer_.scale = {10};
  for (const int n_workers : {1, 2, 3}) {
    EXPECT_THAT(PredictPiped(n_workers, rows), HasSubstr("\n801\t\n"));
    ASSERT_EQ(counts_.unpredicted.n, 1);
    EXPECT_THAT(counts_.unpredicted.first[0].name, HasSubstr("pipe:802: numeric \"x\" is 3e+38"));
  }
}

TEST_F(WritePredictionsTest, FilesThatDifferInLengthAreRefused) {
  ExpectRefused({2000, 700}, "rank 2 finds no row 768 in its files, but rank 1 finds row 1024");
  ExpectRefused({700, 2000}, "rank 1 finds no row 700 in its files, but rank 2 finds row 768");
  ExpectRefused({4700, 4200}, "rank 2 finds no row 4352 in its files, but rank 1 finds row 4608");
  // Here the blocks of all fit together.
  ExpectRefused({1000, 700},
                "rank 1 finds 1000 rows in its files, but all ranks together find 768");
  ExpectRefused({1000, 700}, "rank 1 finds 800 rows in its files, but all ranks together find 768",
                800);
  ExpectRefused({1000, 700, 1000},
                "rank 2 finds 700 rows in its files, but all ranks together find 1000");
}

}  // namespace
}  // namespace zhiyin::worker::train
