#include "launch/job/resume.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "common/error.h"
#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/saved_model.h"
#include "worker/saved/saved_statistics.h"
#include "worker/saved/state_file.h"

namespace zhiyin::launch::job {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempFolder;

Job SmallJob() {
  return testing::ExampleJob("mmoe { n_experts: 2 expert: 4 tower: 3 }", 3);
}

std::string WhatFails(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// Of a manifest, whatever it is of.
worker::data::Normalizer NormalizerOf(const Job& job) {
  const size_t n = static_cast<size_t>(job.numeric_size());
  return {std::vector<double>(n), std::vector<double>(n)};
}

/// Checkpoints without rows.
class Resuming : public ::testing::Test {
 protected:
  void Save(const Job& job, int64_t step, int n_workers = 3) {
    Manifest manifest = worker::saved::ManifestOf(job, NormalizerOf(job), 1, step, 7);
    manifest.mutable_progress()->set_epoch(1);
    manifest.mutable_progress()->set_next_step(step);
    manifest.mutable_progress()->set_n_workers(n_workers);
    const std::string folder = worker::saved::CheckpointPath(folder_.Path(), step);
    std::filesystem::create_directories(folder);
    worker::saved::WriteManifest(manifest, folder);
  }
  /// Saves a model without rows; returns the digest of its manifest.
  uint64_t SaveBest(const Job& job, int64_t epoch) {
    const std::string folder = folder_.Path("model");
    std::filesystem::create_directories(folder);
    return worker::saved::WriteManifest(
        worker::saved::ManifestOf(job, NormalizerOf(job), epoch, 5, 7), folder);
  }
  JobStart From(const Job& job) {
    notes_.clear();
    const auto note = [&](const std::string& text) { notes_.push_back(text); };
    std::optional<JobStart> start = ResumeFrom(folder_.Path(), job, note);
    return start ? *start : BeginAnew(job, note);
  }
  std::string ErrorOf(const Job& job) {
    return WhatFails([&] { From(job); });
  }

  TempFolder folder_;
  std::vector<std::string> notes_;
};

TEST_F(Resuming, BeginsWhereThereIsNone) {
  const JobStart resumed = From(SmallJob());
  EXPECT_EQ(resumed.rows, "");
  EXPECT_FALSE(resumed.manifest.has_progress());
  EXPECT_EQ(resumed.manifest.job().DebugString(), SmallJob().DebugString());
}

TEST_F(Resuming, TakesTheNewest) {
  for (const int64_t step : {5, 12, 7}) Save(SmallJob(), step);
  const JobStart resumed = From(SmallJob());
  EXPECT_EQ(resumed.rows, worker::saved::CheckpointPath(folder_.Path(), 12));
  EXPECT_EQ(resumed.manifest.progress().next_step(), 12);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(Resuming, TakesTheOneBeforeADamagedOneAndSetsThatAside) {
  Save(SmallJob(), 5);
  const std::string folder = worker::saved::CheckpointPath(folder_.Path(), 12);
  const std::string path = folder + "/manifest.textproto";
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    Save(SmallJob(), 12);
    std::string bytes = testing::ReadFile(path);
    if (i == 0) {
      bytes.resize(bytes.size() / 2);
    } else {
      bytes[random.Below(bytes.size())] ^= static_cast<char>(1 << random.Below(8));
    }
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_EQ(From(SmallJob()).manifest.progress().next_step(), 5);
    EXPECT_THAT(notes_, ElementsAre(AllOf(HasSubstr("not used: "),
                                          HasSubstr(path + ": damaged: bytes 0 to ")),
                                    "set aside: " + folder + ".set-aside"));
  }
  EXPECT_EQ(worker::saved::FindCheckpoints(folder_.Path()).size(), 1u);
}

TEST_F(Resuming, TakesTheOneBeforeAForgedOne) {
  Save(SmallJob(), 5);
  const std::string folder = worker::saved::CheckpointPath(folder_.Path(), 12);
  // Every checksum fits, and the content is none that a job would have written.
  const auto note_of = [&](const std::function<void(Progress*)>& forge) {
    Save(SmallJob(), 12);
    Manifest manifest = worker::saved::LoadManifest(folder);
    forge(manifest.mutable_progress());
    std::filesystem::remove(folder + "/manifest.textproto");
    try {
      worker::saved::WriteManifest(manifest, folder);
    } catch (const Error&) {
      // Written, and found not to be readable.
    }
    EXPECT_EQ(From(SmallJob()).manifest.progress().next_step(), 5);
    return notes_.at(0);
  };
  EXPECT_THAT(note_of([](Progress* progress) { progress->set_train_loss(HUGE_VAL); }),
              AllOf(HasSubstr(folder), HasSubstr("damaged: train_loss is inf")));
  EXPECT_THAT(note_of([](Progress* progress) {
                progress->mutable_evaluated()->add_task()->set_auc(std::nan(""));
              }),
              HasSubstr("damaged: a metric of an evaluation is nan"));
  EXPECT_THAT(note_of([](Progress* progress) { progress->set_balance("{"); }),
              HasSubstr(folder + ": damaged: its balance"));
  EXPECT_THAT(note_of([](Progress* progress) { progress->set_slice_sums("nonsense"); }),
              HasSubstr(folder + ": damaged: the state of a job"));
  EXPECT_THAT(note_of([&](Progress* progress) {
                *progress->mutable_state() = worker::saved::WriteState(folder, "nonsense");
              }),
              HasSubstr(folder + "/state: damaged: the state of a job"));
}

TEST_F(Resuming, RefusesToBeginAnewWhereAllAreDamaged) {
  Save(SmallJob(), 5);
  folder_.Write("checkpoints/step-000000000005/manifest.textproto", "nonsense");
  EXPECT_THAT(ErrorOf(SmallJob()), HasSubstr("none of its 1 checkpoints is whole"));
}

TEST_F(Resuming, RefusesAnotherJobInWords) {
  Save(SmallJob(), 5);
  const auto error = [&](const std::string& changes) {
    Job job = SmallJob();
    EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(changes, &job)) << changes;
    return ErrorOf(job);
  };
  EXPECT_EQ(error(""), "");
  EXPECT_THAT(error("model { mmoe { n_experts: 3 } }"),
              HasSubstr("is of another job: model.mmoe.n_experts: is 3, was 2"));
  EXPECT_THAT(error("train { seed: 77 batch_size: 3 }"),
              HasSubstr("train.batch_size: is 3, was 48, and "));
  EXPECT_THAT(error("data { shuffle_rows: 7 }"), HasSubstr("data.shuffle_rows: is 7, was "));
  EXPECT_THAT(error("train { dense_optimizer { sgd { learning_rate: 1 } } }"),
              HasSubstr("train.dense_optimizer"));
  Job wider = SmallJob();
  wider.mutable_table(1)->set_dim(9);
  EXPECT_THAT(ErrorOf(wider), HasSubstr("table[1].dim: is 9, was 3"));
  Job without = SmallJob();
  without.mutable_task()->RemoveLast();
  EXPECT_THAT(ErrorOf(without), HasSubstr("task[1]: is absent, was set"));
}

TEST_F(Resuming, SaysWhatHasChanged) {
  Save(SmallJob(), 5);
  Job job = SmallJob();
  job.mutable_train()->set_epochs(9);
  job.mutable_table(1)->mutable_optimizer()->mutable_adam()->set_learning_rate(0.5);
  const JobStart resumed = From(job);
  EXPECT_EQ(resumed.manifest.job().train().epochs(), 9);
  EXPECT_EQ(resumed.manifest.job().table(1).optimizer().adam().learning_rate(), 0.5);
  EXPECT_THAT(notes_, ::testing::UnorderedElementsAre(
                          HasSubstr("changed since the checkpoint: train.epochs: is 9, was "),
                          HasSubstr("changed since the checkpoint: "
                                    "table[1].optimizer.adam.learning_rate: is 0.5, was ")));
}

/// The best of other values, or one that was not kept, would stay the best for ever.
TEST_F(Resuming, EarlyStoppingBeginsAnewWhereEvaluationsDoNotCompare) {
  Job job = SmallJob();
  EarlyStopping* stopping = job.mutable_train()->mutable_early_stopping();
  stopping->set_patience(2);
  stopping->set_keep_best(true);
  Save(job, 5);
  const std::string folder = worker::saved::CheckpointPath(folder_.Path(), 5);
  Manifest manifest = worker::saved::LoadManifest(folder);
  manifest.mutable_progress()->mutable_stopping()->set_best_epoch(1);
  manifest.mutable_progress()->mutable_evaluated()->set_loss(3);
  worker::saved::WriteManifest(manifest, folder);
  SaveBest(job, 1);

  stopping->set_patience(3);
  EXPECT_EQ(From(job).manifest.progress().stopping().best_epoch(), 1);
  stopping->set_keep_best(false);
  const JobStart start = From(job);
  EXPECT_FALSE(start.manifest.progress().has_stopping());
  EXPECT_FALSE(start.manifest.progress().has_evaluated());
  EXPECT_THAT(notes_, ::testing::Contains("begins anew: train.early_stopping: the evaluations so "
                                          "far do not compare with later ones"));
}

/// A run that died may have put a later model in the place of the best one of its checkpoint.
TEST_F(Resuming, EarlyStoppingBeginsAnewWhereTheBestModelIsGone) {
  Job job = SmallJob();
  job.mutable_train()->mutable_early_stopping()->set_keep_best(true);
  Save(job, 5);
  const std::string folder = worker::saved::CheckpointPath(folder_.Path(), 5);
  Manifest manifest = worker::saved::LoadManifest(folder);
  Progress* const progress = manifest.mutable_progress();
  progress->mutable_stopping()->set_best_epoch(1);
  progress->mutable_stopping()->set_model_digest(SaveBest(job, 1));
  progress->mutable_evaluated()->set_loss(3);
  progress->mutable_validated()->set_loss(2);
  worker::saved::WriteManifest(manifest, folder);
  const auto is_kept = [&] {
    const Progress start = From(job).manifest.progress();
    EXPECT_EQ(start.has_evaluated(), start.has_stopping());
    EXPECT_EQ(start.has_validated(), start.has_stopping());
    return start.has_stopping();
  };
  EXPECT_TRUE(is_kept());
  EXPECT_THAT(notes_, IsEmpty());
  SaveBest(job, 2);
  EXPECT_FALSE(is_kept());
  EXPECT_THAT(notes_, ElementsAre("begins anew: train.early_stopping: " + folder_.Path() +
                                  " does not hold the model of epoch 1, the best one of the "
                                  "checkpoint"));
  std::filesystem::remove_all(folder_.Path("model"));
  EXPECT_FALSE(is_kept());

  // A checkpoint of an earlier version.
  progress->mutable_stopping()->clear_model_digest();
  worker::saved::WriteManifest(manifest, folder);
  SaveBest(job, 1);
  EXPECT_TRUE(is_kept());
  SaveBest(job, 2);
  EXPECT_FALSE(is_kept());
}

TEST_F(Resuming, WhereSomethingWasAddedItSaysWhatIsKeptAndWhatIsNew) {
  Save(SmallJob(), 5);
  Job job = SmallJob();
  zhiyin::Task task = job.task(0);
  task.set_name("another");
  *job.add_task() = task;
  zhiyin::Table table = job.table(1);
  table.set_name("places");
  *job.add_table() = table;
  const JobStart resumed = From(job);
  EXPECT_TRUE(resumed.inits_dense);
  EXPECT_EQ(resumed.manifest.progress().next_step(), 5);
  EXPECT_THAT(notes_, ElementsAre("added since the checkpoint: table places",
                                  "added since the checkpoint: task another",
                                  "kept: table users, with the optimizer's state",
                                  "kept: table items, with the optimizer's state",
                                  "begins anew: the model's own weights: fields, tasks or the "
                                  "model have changed, and with them their meaning",
                                  "begins anew: table places: was not there"));
  // With something added, the model may be said otherwise; without, it may not.
  job.mutable_model()->mutable_mmoe()->set_n_experts(3);
  From(job);
  EXPECT_THAT(notes_, ::testing::Contains("changed with it: model.mmoe.n_experts: is 3, was 2"));
  job.mutable_train()->set_seed(99);
  EXPECT_THAT(ErrorOf(job), HasSubstr("is of another job: train.seed: is 99, was "));
}

TEST_F(Resuming, AnotherOrderIsAnotherJob) {
  Save(SmallJob(), 5);
  Job job = SmallJob();
  job.mutable_task()->SwapElements(0, 1);
  EXPECT_THAT(ErrorOf(job), HasSubstr("is of another job: task[1]: was at 0, and 1 more"));
}

class WarmStarting : public ::testing::Test {
 protected:
  WarmStarting() {
    const Job job = SmallJob();
    std::filesystem::create_directories(folder_.Path("model"));
    worker::saved::WriteManifest(worker::saved::ManifestOf(job, NormalizerOf(job), 1, 5, 7),
                                 folder_.Path("model"));
  }
  Job Like(const std::string& changes) const {
    Job job = SmallJob();
    job.mutable_train()->mutable_warm_start()->set_model(folder_.Path());
    EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(changes, &job)) << changes;
    return job;
  }
  JobStart Begin(const Job& job) {
    notes_.clear();
    return BeginAnew(job, [&](const std::string& text) { notes_.push_back(text); });
  }
  std::string ErrorOf(const Job& job) {
    return WhatFails([&] { Begin(job); });
  }

  TempFolder folder_;
  std::vector<std::string> notes_;
};

TEST_F(WarmStarting, TakesWhatFits) {
  EXPECT_FALSE(Begin(Like("")).inits_dense);
  EXPECT_THAT(notes_, ElementsAre("warm start from " + folder_.Path("model"),
                                  "kept: the model's own weights, with the optimizer's state",
                                  "kept: table users, with the optimizer's state",
                                  "kept: table items, with the optimizer's state"));
  const JobStart start =
      Begin(Like("model { mmoe { n_experts: 3 } } train { warm_start { table: 'items' } }"));
  EXPECT_TRUE(start.inits_dense);
  EXPECT_FALSE(start.manifest.has_progress());
  EXPECT_EQ(start.rows, folder_.Path("model"));
  EXPECT_THAT(notes_,
              ElementsAre(HasSubstr("warm start"), "kept: table items, with the optimizer's state",
                          HasSubstr("begins anew: the model's own weights: fields, tasks"),
                          "begins anew: table users: not asked for"));
  EXPECT_TRUE(Begin(Like("train { warm_start { table: 'items' } }")).inits_dense);
  EXPECT_THAT(notes_,
              ::testing::Contains(
                  "begins anew: the model's own weights: they go with tables that are not taken"));
  Job job = Like("");
  job.mutable_table(1)->mutable_optimizer()->mutable_ftrl();
  Begin(job);
  EXPECT_THAT(
      notes_,
      ::testing::Contains(
          "kept: table items: weights; the optimizer's state begins anew, as its kind is another"));
}

TEST_F(WarmStarting, SaysWhatDoesNotFit) {
  Job job = Like("");
  job.mutable_table(1)->set_dim(9);
  EXPECT_EQ(ErrorOf(job), "train.warm_start: table items: dim 3 was saved, expected 9");
  job.mutable_table(1)->set_name("places");
  job.mutable_train()->mutable_warm_start()->add_table("places");
  EXPECT_EQ(ErrorOf(job), "train.warm_start: the saved job has no table places");
  job = Like("train { warm_start { model: '/nowhere' } }");
  EXPECT_THAT(ErrorOf(job), HasSubstr("train.warm_start: /nowhere: no model here"));
}

/// A job whose statistics are those of the earlier one.
Job WithStatisticsOf(const std::string& folder) {
  Job job = SmallJob();
  job.mutable_data()->mutable_statistics()->set_model(folder);
  return job;
}

/// Numbers that differ, for the numerics and tasks of a job.
worker::saved::FirstStatistics SomeStatistics(const Job& job) {
  worker::saved::FirstStatistics statistics;
  for (int k = 0; k < job.numeric_size(); ++k) {
    statistics.normalizer.mean.push_back(10 + k);
    statistics.normalizer.scale.push_back(0.5);
  }
  for (int t = 0; t < job.task_size(); ++t)
    statistics.labels.push_back({.weight = 8, .label = 2.0 + t, .positives = 2});
  return statistics;
}

TEST_F(WarmStarting, TakesTheStatisticsOfAnEarlierJob) {
  Manifest manifest = worker::saved::LoadManifest(folder_.Path("model"));
  worker::saved::PutStatistics(SomeStatistics(manifest.job()), &manifest);
  worker::saved::WriteManifest(manifest, folder_.Path("model"));
  const JobStart start = Begin(WithStatisticsOf(folder_.Path()));
  EXPECT_EQ(start.rows, "");
  EXPECT_THAT(notes_, ElementsAre("statistics from " + folder_.Path("model")));
  const auto found = worker::saved::StatisticsOf(start.manifest);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->normalizer.mean.at(1), 11);
  EXPECT_EQ(found->labels.at(1).label, 3);
  EXPECT_FALSE(worker::saved::StatisticsOf(Begin(SmallJob()).manifest).has_value());
}

TEST_F(WarmStarting, SaysWhichStatisticsDoNotFit) {
  EXPECT_THAT(ErrorOf(WithStatisticsOf("/nowhere")),
              HasSubstr("data.statistics.model: /nowhere: no model here"));
  EXPECT_THAT(ErrorOf(WithStatisticsOf(folder_.Path())),
              HasSubstr("data.statistics.model: " + folder_.Path("model") +
                        ": does not keep the mean labels of its tasks"));
}

TEST_F(Resuming, KeepsTheStatisticsThatTheJobBeganWith) {
  const Job job = WithStatisticsOf("/gone");
  Save(job, 5);
  const std::string folder = worker::saved::CheckpointPath(folder_.Path(), 5);
  Manifest manifest = worker::saved::LoadManifest(folder);
  worker::saved::PutStatistics(SomeStatistics(job), &manifest);
  worker::saved::WriteManifest(manifest, folder);
  const JobStart start = From(job);
  ASSERT_TRUE(start.manifest.has_progress());
  EXPECT_EQ(worker::saved::StatisticsOf(start.manifest)->normalizer.mean.at(0), 10);
  EXPECT_THAT(ErrorOf(SmallJob()), HasSubstr("data.statistics: is absent, was set"));
  Job wider = job;
  *wider.add_numeric() = job.numeric(0);
  wider.mutable_numeric()->rbegin()->set_name("more");
  EXPECT_THAT(ErrorOf(wider), HasSubstr("data.statistics.model: /gone: no model here"));
}

TEST_F(Resuming, ASliceAWorkerStaysWhatItWas) {
  Job job = SmallJob();
  job.mutable_train()->set_slices(0);
  Save(job, 5, 3);
  const JobStart start = From(job);
  EXPECT_EQ(start.manifest.job().train().slices(), 0) << "as it was configured";
  EXPECT_EQ(start.manifest.progress().n_workers(), 3) << "whose slices they stay";
  job.mutable_train()->set_slices(3);
  EXPECT_EQ(From(job).manifest.job().train().slices(), 3);
  job.mutable_train()->set_slices(4);
  EXPECT_THAT(ErrorOf(job), HasSubstr("train.slices: is 4, was 3"));
}

TEST_F(Resuming, TheNumberOfSlicesIsKeptWhereItIsNamedNoMore) {
  Job job = SmallJob();
  job.mutable_train()->set_slices(6);
  Save(job, 5, 3);
  job.mutable_train()->set_slices(0);
  EXPECT_EQ(From(job).manifest.job().train().slices(), 6);
}

TEST_F(Resuming, OnMoreWorkersThanSlicesGoesOnAndSaysSo) {
  Job job = SmallJob();
  job.mutable_train()->set_slices(0);
  Save(job, 5, 3);
  Manifest manifest = From(job).manifest;
  std::vector<std::string> notes;
  const auto check = [&](int n_workers) {
    CheckAgainstRoles(manifest, n_workers, [&](const std::string& text) { notes.push_back(text); });
  };
  check(2);
  check(3);
  EXPECT_THAT(notes, IsEmpty());
  check(5);
  EXPECT_THAT(notes, ElementsAre("a step keeps its 3 slices of when the job began: 2 of 5 workers "
                                 "only evaluate"));
  manifest.clear_progress();
  EXPECT_THAT(WhatFails([&] { check(5); }), HasSubstr("train.batch_size: is 48, expected"));
}

}  // namespace
}  // namespace zhiyin::launch::job
