// Predictions for what comes through standard input, under mpirun and simulated.
#include <gmock/gmock.h>

#include <string>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string RowsForInput(int n) {
  std::string rows = "user,click\n";
  for (int i = 0; i < n; ++i)
    rows += std::to_string(i * 7919 % 97) + "," + std::to_string(i % 3 == 0) + "\n";
  return rows;
}

class StandardInput : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.Write("rows.csv", RowsForInput(3000));
    const std::string job = folder_.Write("job.textproto", R"(
      data { text { header: true } train { file: "rows.csv" } }
      table { name: "ids" dim: 1 optimizer { adagrad { learning_rate: 0.1 } } }
      field { name: "user" }
      task { name: "click" label { number {} } binary_cross_entropy {} }
      model { linear {} }
      train { epochs: 1 batch_size: 60 dense_optimizer { sgd { learning_rate: 0.1 } } })");
    const ProcessResult trained =
        RunZhiyin(0, {"train", "--config=" + job, "--simulate=1x1", "--output=" + Path("out")});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  /// Runs `cat rows.csv | BEFORE zhiyin predict ... AFTER`, and returns how it ended.
  ProcessResult PredictInput(const std::string& before, const std::string& after) const {
    return RunProcess(
        {"sh", "-c",
         "cat " + Path("rows.csv") + " | " + before +
             " " ZHIYIN_BINARY " predict --overwrite --checkpoint=" + Path("out") +
             " --output=" + Path("predictions.tsv") + " --set data.test.file=- " + after},
        100);
  }

  TempFolder folder_;
};

TEST_F(StandardInput, IsPredictedAsAFileIs) {
  const ProcessResult expected =
      RunZhiyin(0, {"predict", "--checkpoint=" + Path("out"), "--output=" + Path("expected.tsv"),
                    "--set", "data.test.file=" + Path("rows.csv"), "--simulate=1x1"});
  ASSERT_EQ(expected.exit_code, 0) << expected.err;
  const std::string mpirun = SourcePath("launch/mpirun.sh");
  ProcessResult result = PredictInput(mpirun + " --stdin 1 -n 3", "");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(ReadFile(Path("predictions.tsv")), ReadFile(Path("expected.tsv")));
  result = PredictInput("", "--simulate=1x2");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(ReadFile(Path("predictions.tsv")), ReadFile(Path("expected.tsv")));
  // The standard input of mpirun is that of rank 0, a server.
  result = PredictInput(mpirun + " -n 3", "");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(ErrorLines(result),
              ElementsAre(HasSubstr("-: rank 1 reads standard input, and has none, expected data: "
                                    "mpirun gives its own to one rank, to this one with "
                                    "--stdin 1")));
}

}  // namespace
}  // namespace zhiyin::testing
