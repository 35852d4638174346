#include "worker/train/training_summary.h"

#include <gmock/gmock.h>

#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// One worker and one server that trained two epochs of ten examples in four seconds.
class Summary : public ::testing::Test {
 protected:
  Summary() {
    roles_.n_servers = 1;
    roles_.n_workers = 1;
    totals_.training_s = 4;
    totals_.waited_s = 1;
    totals_.n_rows = 10;
    totals_.n_epochs = 2;
    totals_.n_samples = 20;
    counts_.n_rows = 10;
    counts_.n_epochs = 2;
    counts_.n_samples = 20;
    counts_.workers.resize(1);
  }

  Json Make() const { return TrainingSummary(job_, roles_, options_, totals_, counts_, {}); }
  std::vector<std::string> Lines() const {
    return ClosingLines(job_, roles_, options_, totals_, counts_.servers, {});
  }

  Job job_;
  net::RoleMap roles_;
  JobOptions options_;
  TrainingTotals totals_;
  JobCounts counts_;
};

TEST_F(Summary, TellsRatesAndShares) {
  const Json summary = Make();
  EXPECT_EQ(summary["samples_per_second"], 5);
  EXPECT_EQ(summary["wait_share"], 0.25);
  EXPECT_THAT(Lines(), ElementsAre("20 samples in 4.0 s (5 samples/s), reading took 0.0 s",
                                   "workers waited for servers in 25 % of that time"));
}

TEST_F(Summary, SharesOfAResumedJobAreThoseOfItsLastRun) {
  totals_.earlier_s = 2;
  const Json summary = Make();
  EXPECT_EQ(summary["samples_per_second"], 5) << "of the whole job";
  EXPECT_EQ(summary["wait_share"], 0.5);
  EXPECT_THAT(Lines(),
              Contains("workers waited for servers in 50 % of this run's part of that time"));
  totals_.earlier_s = 4;
  totals_.waited_s = 0;
  EXPECT_EQ(Make()["wait_share"], 0) << "it did no step";
}

TEST_F(Summary, LeavesOutWhatTheJobDidNotDo) {
  const Json summary = Make();
  EXPECT_TRUE(summary["test_loss"].is_null());
  for (const char* key : {"balance", "resumed_at_step", "seconds_from_death_to_step",
                          "early_stopping", "profile", "validation"})
    EXPECT_FALSE(summary.contains(key)) << key;
}

TEST_F(Summary, SimulatedWaitsTakeNoTime) {
  totals_.is_timed = false;
  EXPECT_TRUE(Make()["wait_share"].is_null());
  EXPECT_THAT(Lines(), Not(Contains(HasSubstr("waited"))));
}

TEST_F(Summary, TellsOfAResumedJobThatStoppedEarly) {
  totals_.resumed_at_step = 7;
  totals_.early_stopping = {true, 1};
  totals_.evaluated.test.emplace().loss = 0.5;
  options_.died_at = 1;
  totals_.death_to_step_s = 3;
  const Json summary = Make();
  EXPECT_EQ(summary["resumed_at_step"], 7);
  EXPECT_EQ(summary["early_stopping"], (Json{{"stopped", true}, {"best_epoch", 1}}));
  EXPECT_EQ(summary["test_loss"], 0.5);
  EXPECT_EQ(summary["seconds_from_death_to_step"], 3);
}

TEST_F(Summary, TellsWhatDecidedBesideWhatIsReported) {
  totals_.evaluated.test.emplace().loss = 0.5;
  totals_.evaluated.validation.emplace().loss = 0.25;
  totals_.evaluated.validation->tasks.emplace_back().task = "click";
  totals_.evaluated.validation->tasks[0].auc = 0.75;
  const Json summary = Make();
  EXPECT_EQ(summary["test_loss"], 0.5);
  EXPECT_EQ(summary["tasks"].size(), 0u);
  EXPECT_EQ(summary["validation"]["loss"], 0.25);
  EXPECT_EQ(summary["validation"]["tasks"]["click"]["auc"], 0.75);
}

TEST_F(Summary, TellsWhatMatricesAreMultipliedWith) {
  totals_.products = {"Eigen 3.4.0 (AVX)", "oneDNN 2.6.0 (AVX2)"};
  EXPECT_EQ(Make()["compute"]["precision"], "FP32");
  EXPECT_EQ(Make()["compute"]["products"],
            Json::array({"Eigen 3.4.0 (AVX)", "oneDNN 2.6.0 (AVX2)"}));
  EXPECT_THAT(Lines(), Not(Contains(HasSubstr("matrix products"))));
  job_.mutable_train()->set_compute(Train::BF16);
  EXPECT_EQ(Make()["compute"]["precision"], "BF16");
}

TEST_F(Summary, NamesWhereTheResultsAre) {
  options_.output = "out";
  counts_.servers.non_finite.push_back({3, "users", 2});
  EXPECT_THAT(Lines(), Contains("2 pushes of rank 3 were refused for gradients of table users, "
                                "see out/poisoned"));
  EXPECT_EQ(Lines().back(), "model, metrics and summary are in out");
}

TEST_F(Summary, TellsWhatWasLeftOut) {
  EXPECT_EQ(Make()["samples_left_out"], 0);
  EXPECT_THAT(Lines(), Not(Contains(HasSubstr("left out"))));
  totals_.n_left_out = 3;
  EXPECT_EQ(Make()["samples_left_out"], 3);
  EXPECT_THAT(Lines(), Contains(HasSubstr("3 samples were left out")));
}

TEST_F(Summary, IsRefusedWhereAnInvariantIsBroken) {
  counts_.n_samples = 19;
  EXPECT_THROW(Make(), Error);
}

}  // namespace
}  // namespace zhiyin::worker::train
