// What looks at training changes no bit of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/kind_examples.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::testing {
namespace {

/// Three epochs of a few steps.
Job Small(Job job) {
  job.mutable_data()->mutable_generated_ratings()->set_n_rows(200);
  job.mutable_data()->mutable_train()->set_n_rows(150);
  job.mutable_train()->set_epochs(3);
  job.mutable_data()->mutable_test()->set_first_row(150);
  job.mutable_train()->set_slices(2);
  return job;
}

/// Trains and returns the digests of the files with all weights, after the last step.
std::vector<uint64_t> WeightsOf(SimulatedJob job) {
  const TempFolder folder(TempFolder::kInMemory);
  job.output = folder.Path("out");
  const Outcome outcome = Simulate(job);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
  std::vector<uint64_t> digests;
  if (outcome.exit_code != 0) return digests;
  const Manifest manifest = worker::saved::LoadManifest(folder.Path("out/model"));
  for (const Manifest::RowFile& file : manifest.file()) digests.push_back(file.digest());
  return digests;
}

std::vector<uint64_t> WeightsOf(const Job& job) {
  return WeightsOf(SimulatedJob{job, 1, 1, {}});
}

class Observation : public ::testing::TestWithParam<Job> {};

TEST_P(Observation, OfTasksGradientsChangesNoBitUnderAnyBalance) {
  std::vector<std::string> balances = {""};
  for (const std::string& kind : KindsOf(Balance::descriptor())) {
    for (const std::string& text : ExamplesOf("balance", kind)) balances.push_back(text);
  }
  for (const std::string& text : balances) {
    SCOPED_TRACE(text);
    Job job = Small(GetParam());
    job.mutable_data()->clear_test();
    if (!text.empty()) {
      *job.mutable_train()->mutable_balance() =
          ExampleJob("shared_bottom { bottom: 2 }", 2, 0, false, "balance { " + text + " }")
              .train()
              .balance();
    }
    const std::vector<uint64_t> expected = WeightsOf(job);
    ASSERT_FALSE(expected.empty());
    job.mutable_train()->set_task_gradients_every(2);
    EXPECT_EQ(WeightsOf(job), expected);
  }
}

std::vector<Job> JobsToObserve() {
  std::vector<Job> jobs = JobOfEveryModel();
  for (Job& job : JobOfEveryAuxiliaryLoss()) jobs.push_back(std::move(job));
  return jobs;
}

INSTANTIATE_TEST_SUITE_P(Models, Observation, ::testing::ValuesIn(JobsToObserve()),
                         [](const auto& example) {
                           return ModelName(example.param) + std::to_string(example.index);
                         });

TEST(Observers, ChangeNoBit) {
  for (const char* hidden : {"normalization: BATCH dropout: 0.2", "normalization: LAYER"}) {
    const Job job = Small(ExampleJob(std::string("mmoe { n_experts: 2 expert: 4 tower: 3 } "
                                                 "gates { l1: 0.1 } hidden { ") +
                                         hidden + " }",
                                     3, 0, false, "balance { grad_norm {} }"));
    const std::vector<uint64_t> expected = WeightsOf(job);
    ASSERT_FALSE(expected.empty());
    const std::vector<std::pair<const char*, std::function<void(SimulatedJob*)>>> observers = {
        {"profile", [](SimulatedJob* looked) { looked->profile = true; }},
        {"log",
         [](SimulatedJob* looked) { looked->progress = worker::train::ProgressStyle::kLog; }},
        {"no evaluation", [](SimulatedJob* looked) { looked->job.mutable_data()->clear_test(); }},
        {"fewer evaluations",
         [](SimulatedJob* looked) { looked->job.mutable_evaluation()->set_every_epochs(2); }},
        {"evaluation of the training split",
         [](SimulatedJob* looked) {
           *looked->job.mutable_data()->mutable_test() = looked->job.data().train();
         }},
        {"early stopping that never stops",
         [](SimulatedJob* looked) {
           auto* stopping = looked->job.mutable_train()->mutable_early_stopping();
           stopping->set_patience(100);
           stopping->set_keep_best(false);
         }},
        {"checkpoints",
         [](SimulatedJob* looked) {
           looked->job.mutable_train()->mutable_checkpoint()->set_every_steps(2);
         }},
        {"gradients of tasks",
         [](SimulatedJob* looked) { looked->job.mutable_train()->set_task_gradients_every(1); }},
    };
    for (const auto& [name, look] : observers) {
      SCOPED_TRACE(name);
      SimulatedJob looked{job, 1, 1, {}};
      look(&looked);
      EXPECT_EQ(WeightsOf(looked), expected);
    }
  }
}

}  // namespace
}  // namespace zhiyin::testing
