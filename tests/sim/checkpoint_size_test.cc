// What a checkpoint in the middle of an epoch takes on disk.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::testing {
namespace {

/// A job of 50 tasks that is stopped in the middle of its first epoch: 8 steps of 64 slices.
TEST(CheckpointSize, InAnEpochDoesNotGrowWithItsSlices) {
  TempFolder folder(TempFolder::kInMemory);
  std::string columns = "a";
  std::string tasks;
  for (int t = 0; t < 50; ++t) {
    const std::string name = "t" + std::to_string(t);
    columns += "," + name;
    tasks += "task { name: \"" + name + "\" label { equals: \"1\" } binary_cross_entropy {} }\n";
  }
  std::string lines = columns + "\n";
  Random random(1);
  for (int i = 0; i < 600; ++i) {
    lines += std::to_string(random.Below(100));
    for (int t = 0; t < 50; ++t) lines += random.Below(2) == 0 ? ",0" : ",1";
    lines += "\n";
  }
  SimulatedJob run;
  run.job = launch::job::ParseJob(R"(data { text { header: true } train { file: ")" +
                                      folder.Write("data.csv", lines) + R"(" } }
      table { name: "t" dim: 50 optimizer { sgd { learning_rate: 0.1 } } } field { name: "a" } )" +
                                      tasks + R"( model { linear {} }
      train { epochs: 1 batch_size: 64 slices: 64 checkpoint { every_steps: 1 }
              dense_optimizer { sgd { learning_rate: 0.1 } } })",
                                  "job", ".", {});
  run.n_workers = 2;
  const Outcome whole = Simulate(run);
  ASSERT_EQ(whole.exit_code, 0) << whole.error();
  run.output = folder.Path("out");
  run.stop_requested = [n_asked = 0]() mutable { return n_asked++ >= 8; };
  ASSERT_EQ(Simulate(run).exit_code, 75);
  const std::string checkpoint = worker::saved::FindCheckpoints(run.output).at(0);
  EXPECT_LT(std::filesystem::file_size(checkpoint + "/manifest.textproto"), 60'000u);
  EXPECT_LT(std::filesystem::file_size(checkpoint + "/state"), 200'000u);
  run.stop_requested = {};
  run.resume = true;
  run.n_workers = 3;
  const Outcome rest = Simulate(run);
  ASSERT_EQ(rest.exit_code, 0) << rest.error();
  EXPECT_EQ(rest.metrics, whole.metrics);
  EXPECT_EQ(rest.summary["train_loss"], whole.summary["train_loss"]);
}

}  // namespace
}  // namespace zhiyin::testing
