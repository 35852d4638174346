// Whole jobs on a folder of files.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kEndedEarly = 75;

std::string Rows(int begin, int end) {
  std::string rows = "id,y\n";
  for (int i = begin; i < end; ++i)
    rows += std::to_string(i % 50) + "," + std::to_string(i % 3) + "\n";
  return rows;
}

/// A job on these names of files, as a config has them.
SimulatedJob JobOn(const std::string& train) {
  SimulatedJob run{launch::job::ParseJob(R"(name: "files" data { text { header: true }
    train { file: )" + train + R"( } }
    table { name: "ids" dim: 1 optimizer { sgd { learning_rate: 0.1 } } }
    field { name: "id" }
    task { name: "y" label { number {} } squared_error {} }
    model { linear {} }
    train { epochs: 2 batch_size: 32 slices: 4 seed: 3 checkpoint { every_steps: 1 }
            dense_optimizer { sgd { learning_rate: 0.01 } } })",
                                         "files", "/", {}),
                   1,
                   2,
                   {}};
  return run;
}

class FolderOfFiles : public ::testing::Test {
 protected:
  FolderOfFiles() {
    std::filesystem::create_directories(folder_.Path("data/date=1"));
    folder_.Write("data/date=1/part-0.csv", Rows(0, 100));
    folder_.WriteGzip("data/part-1.csv.gz", Rows(100, 150));
    folder_.Write("data/part-2.csv", Rows(150, 300));
    folder_.Write("data/_SUCCESS", "");
  }

  TempFolder folder_;
};

TEST_F(FolderOfFiles, IsReadLikeItsFilesInOrder) {
  const Outcome named = Simulate(JobOn("[\"" + folder_.Path("data/date=1/part-0.csv") + "\", \"" +
                                       folder_.Path("data/part-1.csv.gz") + "\", \"" +
                                       folder_.Path("data/part-2.csv") + "\"]"));
  ASSERT_EQ(named.exit_code, 0) << named.error();
  EXPECT_EQ(named.summary["samples"], 600);
  SimulatedJob run = JobOn("\"" + folder_.Path("data") + "\"");
  // Rank 0 expands the names that it reads.
  run.job.mutable_data()->mutable_train()->clear_file();
  run.job.mutable_data()->mutable_train()->add_file(folder_.Path("data"));
  const Outcome outcome = Simulate(run);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.metrics, named.metrics);
}

TEST_F(FolderOfFiles, WithANewFileIsNotResumed) {
  SimulatedJob run = JobOn("\"" + folder_.Path("data") + "\"");
  run.job.mutable_data()->mutable_train()->clear_file();
  run.job.mutable_data()->mutable_train()->add_file(folder_.Path("data"));
  run.output = folder_.Path("out");
  run.stop_requested = [n_asked = 0]() mutable { return n_asked++ >= 2; };
  ASSERT_EQ(Simulate(run).exit_code, kEndedEarly);
  const Manifest manifest =
      worker::saved::LoadManifest(worker::saved::FindCheckpoints(run.output).at(0));
  EXPECT_THAT(manifest.job().data().train().file(),
              ElementsAre(folder_.Path("data/date=1/part-0.csv"),
                          folder_.Path("data/part-1.csv.gz"), folder_.Path("data/part-2.csv")));
  run.stop_requested = {};
  run.resume = true;
  const std::string added = folder_.Write("data/part-10.csv", Rows(300, 350));
  const Outcome refused = Simulate(run);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error(),
              HasSubstr("data.train.file: is 4 files, was 3, new is " + added + "\n"));
  std::filesystem::remove(added);
  EXPECT_EQ(Simulate(run).exit_code, 0);
}

TEST_F(FolderOfFiles, ThatIsEmptyEndsTheJobWithOneLine) {
  std::filesystem::create_directory(folder_.Path("empty"));
  SimulatedJob run = JobOn("\"" + folder_.Path("data") + "\"");
  run.job.mutable_data()->mutable_train()->clear_file();
  run.job.mutable_data()->mutable_train()->add_file(folder_.Path("empty"));
  const Outcome outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, 1);
  ASSERT_EQ(outcome.errors.size(), 1u);
  EXPECT_THAT(outcome.errors[0], HasSubstr("data.train.file[0]: " + folder_.Path("empty") +
                                           ": holds no file, expected at least one"));
}

}  // namespace
}  // namespace zhiyin::testing
