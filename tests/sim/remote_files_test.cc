// Whole jobs on files of a server of S3: they learn what they learn from files of this host.
#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>

#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/compress.h"
#include "tests/support/files.h"
#include "tests/support/s3_server.h"

namespace zhiyin::testing {
namespace {

std::string RemoteRows(int begin, int end) {
  std::string rows = "id,x,y\n";
  for (int i = begin; i < end; ++i)
    rows += std::to_string(i * 7919 % 97) + "," + std::to_string(i % 13) + "," +
            std::to_string(i % 3) + "\n";
  return rows;
}

class RemoteJobs : public ::testing::Test {
 protected:
  RemoteJobs() {
    std::filesystem::create_directories(folder_.Path("bucket/clicks/date=2"));
    folder_.Write("bucket/clicks/date=2/part-0.csv", RemoteRows(0, 3000));
    folder_.WriteGzip("bucket/clicks/part-1.csv.gz", RemoteRows(3000, 4000));
    folder_.Write("bucket/clicks/_SUCCESS", "");
    folder_.Write("bucket/test.csv", RemoteRows(500, 900));
  }
  void SetUp() override {
    if (!server_.trouble().empty()) GTEST_SKIP() << server_.trouble();
  }

  /// A job on data.train, data.test and data.index of these names.
  Outcome Run(const std::string& train, const std::string& test, const std::string& index = "") {
    return Simulate({launch::job::ParseJob(R"(name: "remote" data { text { header: true }
      train { file: ")" + train + R"(" } test { file: ")" +
                                               test + R"(" } index: ")" + index +
                                               R"(" }
      table { name: "ids" dim: 1 optimizer { sgd { learning_rate: 0.1 } } }
      field { name: "id" } numeric { name: "x" }
      task { name: "y" label { number {} } squared_error {} }
      model { linear {} }
      train { epochs: 2 batch_size: 64 slices: 4 seed: 3
              dense_optimizer { sgd { learning_rate: 0.01 } } })",
                                           "remote", "/", {}),
                     1,
                     2,
                     {}});
  }
  std::ptrdiff_t NumIndexes() const {
    return std::distance(std::filesystem::directory_iterator(folder_.Path("indexes")),
                         std::filesystem::directory_iterator());
  }

  TempFolder folder_;
  const S3Server server_{folder_.Path()};
};

TEST_F(RemoteJobs, LearnWhatLocalOnesLearn) {
  const Outcome local = Run(folder_.Path("bucket/clicks"), folder_.Path("bucket/test.csv"));
  ASSERT_EQ(local.exit_code, 0) << local.error();
  const Outcome remote = Run(server_.Url("bucket/clicks/"), server_.Url("bucket/t*.csv"));
  ASSERT_EQ(remote.exit_code, 0) << remote.error();
  EXPECT_EQ(remote.summary["samples"], 8000);
  EXPECT_EQ(remote.metrics, local.metrics);
  EXPECT_EQ(remote.summary["bytes_read"], local.summary["bytes_read"]);
}

TEST_F(RemoteJobs, HaveIndexesUntilAFileChanges) {
  const std::string train = server_.Url("bucket/clicks");
  const std::string test = server_.Url("bucket/test.csv");
  const Outcome first = Run(train, test, folder_.Path("indexes"));
  ASSERT_EQ(first.exit_code, 0) << first.error();
  EXPECT_EQ(NumIndexes(), 2) << "of data.train and data.test";
  const Outcome second = Run(train, test, folder_.Path("indexes"));
  ASSERT_EQ(second.exit_code, 0) << second.error();
  EXPECT_EQ(second.metrics, first.metrics);
  EXPECT_EQ(NumIndexes(), 2) << "they were found";
  const std::filesystem::path file = folder_.Path("bucket/clicks/date=2/part-0.csv");
  last_write_time(file, last_write_time(file) + std::chrono::seconds(10));
  ASSERT_EQ(Run(train, test, folder_.Path("indexes")).exit_code, 0);
  EXPECT_EQ(NumIndexes(), 3) << "one for the changed file";
}

}  // namespace
}  // namespace zhiyin::testing
