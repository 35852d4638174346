#include "worker/train/progress_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/train/chief_state.h"

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
    data_.n_slices = 3;
    totals_.n_rows = 5;
    totals_.n_epochs = 2;
    totals_.n_samples = 10;
    totals_.n_left_out = 2;
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
  EXPECT_FALSE(progress.has_validated());
  EXPECT_FALSE(progress.has_stopping());
  EXPECT_FALSE(progress.has_state());
  TrainingTotals resumed;
  ResumeTotals(progress, &resumed);
  EXPECT_TRUE(resumed.task_balance.is_null());
  EXPECT_TRUE(resumed.evaluated.IsEmpty());
}

TEST_F(ProgressMessage, GivesTheTotalsBack) {
  totals_.task_balance = {{"b", {{"task_weight", 0.5}}}, {"a", {{"task_weight", 1.5}}}};
  totals_.evaluated.validation.emplace().loss = 0.125;
  EvaluationResult& test = totals_.evaluated.test.emplace();
  test.loss = 0.25;
  test.n_rows = 4;
  test.tasks.resize(2);
  double next = 0.5;
  for (const model::metric::Metric& metric : model::metric::Metrics())
    test.tasks[1].*metric.value = next += 0.25;
  losses_ = {{1, 2}, {3, 4}};
  const Progress progress = Make();
  TrainingTotals resumed;
  resumed.n_rows = 77;
  resumed.waited_s = 8;
  ResumeTotals(progress, &resumed);
  EXPECT_EQ(resumed.n_epochs, 2);
  EXPECT_EQ(resumed.n_samples, 10);
  EXPECT_EQ(resumed.n_left_out, 2);
  EXPECT_EQ(resumed.train_loss, 0.75);
  EXPECT_EQ(resumed.training_s, 4.5);
  EXPECT_EQ(resumed.earlier_s, 4.5);
  EXPECT_EQ(resumed.task_balance.dump(), totals_.task_balance.dump());
  ASSERT_TRUE(resumed.evaluated.validation && resumed.evaluated.test);
  EXPECT_EQ(resumed.evaluated.validation->loss, 0.125);
  EXPECT_EQ(resumed.evaluated.test->loss, 0.25);
  EXPECT_EQ(resumed.evaluated.test->n_rows, 4);
  for (const model::metric::Metric& metric : model::metric::Metrics()) {
    EXPECT_EQ(resumed.evaluated.test->tasks[1].*metric.value, test.tasks[1].*metric.value)
        << metric.key;
    EXPECT_FALSE(resumed.evaluated.test->tasks[0].*metric.value) << metric.key;
  }
  EXPECT_EQ(resumed.n_rows, 77) << "that of this run's data";
  EXPECT_EQ(resumed.waited_s, 8) << "this run's";
  EXPECT_EQ(LossesOfCheckpoint(progress, {"a", "b"}), losses_);
}

}  // namespace
}  // namespace zhiyin::worker::train
