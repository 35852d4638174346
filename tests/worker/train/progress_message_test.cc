#include "worker/train/progress_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/train/epoch_part.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::ElementsAre;

Job JobWithTasks(const std::vector<std::string>& names) {
  Job job;
  for (const std::string& name : names) job.add_task()->set_name(name);
  return job;
}

/// A job that three workers began, and that has completed two epochs.
class ProgressMessage : public ::testing::Test {
 protected:
  ProgressMessage() {
    data_.n_planned_workers = 3;
    data_.rows_of_slices = {2, 2, 1};
    totals_.n_rows = 5;
    totals_.n_epochs = 2;
    totals_.n_samples = 10;
    totals_.train_loss = 0.75;
    totals_.training_s = 4.5;
  }
  Progress Make() const { return ProgressOf(job_, data_, totals_, losses_, 7); }

  const Job job_ = JobWithTasks({"a", "b"});
  TrainingData data_;
  TrainingTotals totals_;
  std::vector<std::vector<double>> losses_;
};

TEST_F(ProgressMessage, SaysWhereTheJobStands) {
  const Progress progress = Make();
  EXPECT_EQ(progress.epoch(), 2);
  EXPECT_EQ(progress.next_step(), 7);
  EXPECT_EQ(progress.n_workers(), 3);
  EXPECT_EQ(progress.n_rows(), 5);
  EXPECT_EQ(progress.n_slices(), 3);
  EXPECT_THAT(progress.task_name(), ElementsAre("a", "b"));
}

TEST_F(ProgressMessage, LeavesOutWhatTheJobHasNot) {
  const Progress progress = Make();
  EXPECT_EQ(progress.balance(), "");
  EXPECT_EQ(progress.losses_size(), 0);
  EXPECT_FALSE(progress.has_evaluated());
  EXPECT_FALSE(progress.has_stopping());
  EXPECT_EQ(progress.slice_sums(), "");
  TrainingTotals resumed;
  ResumeTotals(progress, &resumed);
  EXPECT_TRUE(resumed.task_balance.is_null());
  EXPECT_FALSE(resumed.evaluation);
}

TEST_F(ProgressMessage, GivesTheTotalsBack) {
  totals_.task_balance = {{"b", {{"task_weight", 0.5}}}, {"a", {{"task_weight", 1.5}}}};
  totals_.evaluation.emplace().loss = 0.25;
  totals_.evaluation->n_rows = 4;
  totals_.evaluation->tasks.resize(2);
  totals_.evaluation->tasks[1].auc = 0.875;
  losses_ = {{1, 2}, {3, 4}};
  const Progress progress = Make();
  TrainingTotals resumed;
  resumed.n_rows = 77;
  resumed.waited_s = 8;
  ResumeTotals(progress, &resumed);
  EXPECT_EQ(resumed.n_epochs, 2);
  EXPECT_EQ(resumed.n_samples, 10);
  EXPECT_EQ(resumed.train_loss, 0.75);
  EXPECT_EQ(resumed.training_s, 4.5);
  EXPECT_EQ(resumed.task_balance.dump(), totals_.task_balance.dump());
  ASSERT_TRUE(resumed.evaluation);
  EXPECT_EQ(resumed.evaluation->loss, 0.25);
  EXPECT_EQ(resumed.evaluation->n_rows, 4);
  EXPECT_THAT(resumed.evaluation->tasks[1].auc, ::testing::Optional(0.875));
  EXPECT_FALSE(resumed.evaluation->tasks[0].auc);
  EXPECT_EQ(resumed.n_rows, 77) << "that of this run's data";
  EXPECT_EQ(resumed.waited_s, 8) << "this run's";
  EXPECT_EQ(LossesOfCheckpoint(progress, {"a", "b"}), losses_);
}

}  // namespace
}  // namespace zhiyin::worker::train
