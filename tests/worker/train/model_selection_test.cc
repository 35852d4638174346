#include "worker/train/model_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/job/load_job.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A job of five epochs; `train_text` is added to the field train.
Job JobOfFiveEpochs(const std::string& train_text) {
  return launch::job::ParseJob(R"(
      data { text { column_name: ["id", "a"] } train { file: "a.csv" } test { file: "b.csv" } }
      table { name: "ids" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "id" }
      task { name: "a" label { equals: "1" } binary_cross_entropy {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 5 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } )" +
                                   train_text + " }",
                               "job", ".", {});
}

EvaluationResult WithLoss(double loss) {
  EvaluationResult found;
  found.loss = loss;
  found.n_rows = 20;
  found.tasks.resize(1);
  found.tasks[0].task = "a";
  return found;
}

/// What is decided after an epoch: "r" reports, "s" saves, "x" stops.
std::string Decided(ModelSelection* selection, int64_t epoch, double loss) {
  const ModelSelection::Decision decision =
      selection->Decide(epoch, WithLoss(loss), /*has_report=*/epoch > 1);
  return std::string(decision.reports ? "r" : "") + (decision.saves ? "s" : "") +
         (decision.stops ? "x" : "");
}

TEST(ModelSelection, WithoutARuleTheLastIsReported) {
  const Job job = JobOfFiveEpochs("");
  ModelSelection selection(job);
  EXPECT_FALSE(selection.HasRule());
  for (const int64_t epoch : {1, 2, 5}) EXPECT_EQ(Decided(&selection, epoch, 1.0 * epoch), "r");
  EXPECT_FALSE(selection.HasBest());
  EXPECT_TRUE(selection.KeepsUnjudged(/*is_last=*/true));
  EXPECT_FALSE(selection.KeepsUnjudged(/*is_last=*/false));
  EXPECT_THAT(selection.ReportText({.validation = {}, .test = WithLoss(1)}),
              StartsWith("\ntest split, 20 rows:\ntask"));
  Progress progress;
  selection.Save(&progress);
  EXPECT_FALSE(progress.has_stopping());
  selection.Resume(progress);
}

TEST(ModelSelection, TheBestIsSavedAndReported) {
  const Job job = JobOfFiveEpochs("early_stopping { patience: 2 keep_best: true }");
  ModelSelection selection(job);
  EXPECT_TRUE(selection.HasRule());
  EXPECT_FALSE(selection.HasBest());
  EXPECT_TRUE(selection.KeepsUnjudged(/*is_last=*/false)) << "there is no better one yet";
  EXPECT_EQ(Decided(&selection, 1, 5), "rs");
  EXPECT_FALSE(selection.KeepsUnjudged(/*is_last=*/true));
  EXPECT_EQ(Decided(&selection, 2, 4), "rs");
  EXPECT_EQ(Decided(&selection, 3, 4.5), "");
  EXPECT_EQ(Decided(&selection, 4, 4.5), "x");
  EXPECT_TRUE(selection.HasBest());
  EXPECT_EQ(selection.best_epoch(), 2);
  EXPECT_EQ(selection.StopLine(),
            "no better than after epoch 2 in 2 evaluations: training ends here");
  EXPECT_THAT(selection.ReportText({.validation = {}, .test = WithLoss(4)}),
              StartsWith("\nthe best, after epoch 2: test split, 20 rows:\n"));
  const std::string both = selection.ReportText({.validation = WithLoss(4), .test = WithLoss(3)});
  EXPECT_THAT(both, StartsWith("\nthe best, after epoch 2: validation split, 20 rows:\n"));
  EXPECT_THAT(both, HasSubstr("\n\nthe best, after epoch 2: test split, 20 rows:\n"));
}

TEST(ModelSelection, AfterTheLastEpochNothingIsLeftToStop) {
  const Job job = JobOfFiveEpochs("early_stopping { patience: 2 keep_best: true }");
  ModelSelection selection(job);
  EXPECT_EQ(Decided(&selection, 3, 4), "rs");
  EXPECT_EQ(Decided(&selection, 4, 4.5), "");
  EXPECT_EQ(Decided(&selection, 5, 4.5), "");
}

TEST(ModelSelection, TheLastIsLeftWhereTheBestIsNotKept) {
  const Job job = JobOfFiveEpochs("early_stopping { patience: 1 keep_best: false }");
  ModelSelection selection(job);
  EXPECT_EQ(Decided(&selection, 1, 4), "r");
  EXPECT_EQ(Decided(&selection, 2, 5), "rx");
  EXPECT_FALSE(selection.HasBest());
  EXPECT_EQ(selection.best_epoch(), 1);
  EXPECT_THAT(selection.ReportText({.validation = {}, .test = WithLoss(5)}),
              StartsWith("\ntest split"));
}

TEST(ModelSelection, TheFirstIsReportedWhereNoneIsBest) {
  const Job job =
      JobOfFiveEpochs(R"(early_stopping { patience: 9 keep_best: true term { task: "a" } })");
  ModelSelection selection(job);
  EXPECT_EQ(Decided(&selection, 1, 4), "r") << "its AUC is not defined";
  EXPECT_EQ(Decided(&selection, 2, 3), "");
  EXPECT_FALSE(selection.HasBest());
}

TEST(ModelSelection, ACheckpointTellsWhichModelIsTheBest) {
  const Job job = JobOfFiveEpochs("early_stopping { patience: 2 keep_best: true }");
  ModelSelection before(job);
  before.ModelSaved(7);
  Progress progress;
  before.Save(&progress);
  EXPECT_FALSE(progress.stopping().has_model_digest()) << "it was not judged yet";
  EXPECT_EQ(Decided(&before, 1, 4), "rs");
  before.Save(&progress);
  EXPECT_EQ(progress.stopping().model_digest(), 7);
  EXPECT_EQ(Decided(&before, 2, 3), "rs");
  before.ModelSaved(8);
  EXPECT_EQ(Decided(&before, 3, 5), "");
  before.Save(&progress);
  ModelSelection after(job);
  after.Resume(progress);
  Progress again;
  after.Save(&again);
  EXPECT_EQ(again.stopping().model_digest(), 8);
}

TEST(ModelSelection, ContinuesAfterACheckpoint) {
  const Job job = JobOfFiveEpochs("early_stopping { patience: 2 keep_best: true }");
  ModelSelection before(job);
  EXPECT_EQ(Decided(&before, 1, 4), "rs");
  EXPECT_EQ(Decided(&before, 2, 5), "");
  Progress progress;
  before.Save(&progress);
  ModelSelection after(job);
  after.Resume(progress);
  EXPECT_TRUE(after.HasBest());
  EXPECT_EQ(Decided(&after, 3, 4.5), "x");
  EXPECT_EQ(after.best_epoch(), 1);
}

}  // namespace
}  // namespace zhiyin::worker::train
