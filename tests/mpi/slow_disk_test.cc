// Files that take longer than the limit of silence: the job goes on; a disk that never answers ends
// it.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;

/// A job of three ranks with a limit of 1 s, on files that are slow by these rules
/// (tests/mpi/slow_files.cc).
class SlowDisk : public ::testing::Test {
 protected:
  ProcessResult Run(const std::string& rules, int n_files) {
    std::string files;
    for (int i = 0; i < n_files; ++i) {
      std::string lines = "user,label\n";
      for (int row = 0; row < 40; ++row)
        lines += std::to_string(row % 7) + "," + std::to_string(row % 2) + "\n";
      files += (i == 0 ? "\"" : ", \"") +
               folder_.Write("part-" + std::to_string(i) + ".csv", lines) + "\"";
    }
    const std::string job = folder_.Write("job.textproto", R"(
      data { text { header: true } train { file: [)" + files + R"(] } test { file: [)" +
                                                               files +
                                                               R"(] } }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 0.1 } } }
      field { name: "user" }
      task { name: "label" label { number {} } binary_cross_entropy {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 20 dense_optimizer { sgd { learning_rate: 0.1 } }
              checkpoint { every_steps: 1000 } })");
    std::vector<std::string> command = {"env", "LD_PRELOAD=" SLOW_FILES_LIBRARY,
                                        "SLOW_FILES=" + rules};
    for (const std::string& part :
         ZhiyinCommand(3, {"train", "--config=" + job, "--timeout_s=1", "--progress=none",
                           "--output=" + folder_.Path("out")}))
      command.push_back(part);
    return RunProcess(command, 60);
  }

  TempFolder folder_;
};

TEST_F(SlowDisk, AnFsyncThatTakesLongerThanTheLimitEndsNoJob) {
  const ProcessResult result = Run("fsync:summary.json:2000", 1);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(SlowDisk, FilesThatTakeLongerThanTheLimitToOpenEndNoJob) {
  const ProcessResult result = Run("open:part-:100", 12);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

using ThoroughSlowDisk = SlowDisk;

TEST_F(ThoroughSlowDisk, EverySyncOfACheckpointMayTakeLongerThanTheLimit) {
  const ProcessResult result = Run("fsync:checkpoints:1500,fsync:manifest:1500", 1);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(ThoroughSlowDisk, ADiskThatNeverAnswersEndsTheJob) {
  const ProcessResult result = Run("fsync:summary.json:1000000", 1);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_FALSE(result.timed_out);
  EXPECT_THAT(ErrorLines(result), Contains(ContainsRegex("no heartbeat from rank 1 on [^ ]+ for")));
}

}  // namespace
}  // namespace zhiyin::testing
