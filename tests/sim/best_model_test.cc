// The model that a job with keep_best leaves is the one that its summary tells of, also where an
// earlier run died after it had saved a better one.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Two epochs with a checkpoint between them. It is tested on what it learns from, so that the
/// second epoch is better than the first.
Job JobThatKeepsItsBest() {
  Job job = ExampleJob("mmoe { n_experts: 2 expert: 4 tower: 3 }", 3);
  job.mutable_data()->mutable_train()->set_n_rows(300);
  *job.mutable_data()->mutable_test() = job.data().train();
  job.mutable_train()->set_batch_size(32);
  job.mutable_train()->set_epochs(2);
  job.mutable_train()->mutable_early_stopping()->set_keep_best(true);
  job.mutable_train()->mutable_checkpoint()->set_every_epochs(1);
  return job;
}

/// Lets no step change a weight.
void LearnNothing(Job* job) {
  constexpr double kRate = 1e-20;
  job->mutable_table(0)->mutable_optimizer()->mutable_adagrad()->set_learning_rate(kRate);
  job->mutable_table(1)->mutable_optimizer()->mutable_adam()->set_learning_rate(kRate);
  job->mutable_train()->mutable_dense_optimizer()->mutable_adam()->set_learning_rate(kRate);
}

class BestModel : public ::testing::Test {
 protected:
  BestModel() : run_{JobThatKeepsItsBest(), 1, 1, {}} { run_.output = folder_.Path("out"); }

  Manifest Saved(uint64_t* digest) const {
    return worker::saved::LoadManifest(run_.output + "/model", digest);
  }

  TempFolder folder_{TempFolder::kInMemory};
  SimulatedJob run_;
};

/// The run that died had the second epoch before it. The one that goes on from the checkpoint of
/// the first epoch never gets better than that.
TEST_F(BestModel, OfARunThatDiedIsNotTakenForTheBestBefore) {
  const Outcome died = Simulate(run_);
  ASSERT_EQ(died.exit_code, 0) << died.error();
  ASSERT_EQ(died.summary["early_stopping"]["best_epoch"], 2);
  uint64_t of_died = 0;
  ASSERT_EQ(Saved(&of_died).epoch(), 2);

  LearnNothing(&run_.job);
  run_.resume = true;
  const Outcome outcome = Simulate(run_);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_THAT(outcome.printed, HasSubstr("begins anew: train.early_stopping: "));
  uint64_t digest = 0;
  EXPECT_EQ(outcome.summary["early_stopping"]["best_epoch"], Saved(&digest).epoch());
  EXPECT_NE(digest, of_died);
  const auto lines = LinesOf(outcome.metrics, "test", "rating");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1]["mse"], outcome.summary["tasks"]["rating"]["mse"]);
}

TEST_F(BestModel, IsKnownAgainWhereAJobEndsEarlyAndGoesOn) {
  const Outcome whole = Simulate({run_.job, 1, 1, {}});
  ASSERT_EQ(whole.exit_code, 0) << whole.error();
  run_.stop_requested = [this] { return std::filesystem::exists(run_.output + "/model"); };
  EXPECT_EQ(Simulate(run_).exit_code, 75);
  run_.stop_requested = {};
  run_.resume = true;
  const Outcome outcome = Simulate(run_);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_THAT(outcome.printed, Not(HasSubstr("begins anew")));
  for (const char* key : {"early_stopping", "test_loss"})
    EXPECT_EQ(outcome.summary[key], whole.summary[key]) << key;
}

}  // namespace
}  // namespace zhiyin::testing
