#include "launch/resume.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/config.h"
#include "common/error.h"
#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/checkpoints.h"
#include "worker/saved_model.h"

namespace zhiyin::launch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempFolder;

Job SmallJob() { return testing::ExampleJob("mmoe { n_experts: 2 expert: 4 tower: 3 }", 3); }

/// Checkpoints without rows.
class Resuming : public ::testing::Test {
 protected:
  void Save(const Job& job, int64_t step, int n_workers = 3) {
    worker::Normalizer normalizer;
    normalizer.mean.resize(static_cast<size_t>(job.numeric_size()));
    normalizer.scale.resize(static_cast<size_t>(job.numeric_size()));
    Manifest manifest = worker::ManifestOf(job, normalizer, 1, step, 7);
    manifest.mutable_progress()->set_epoch(1);
    manifest.mutable_progress()->set_next_step(step);
    manifest.mutable_progress()->set_n_workers(n_workers);
    const std::string folder = worker::CheckpointPath(folder_.Path(), step);
    std::filesystem::create_directories(folder);
    worker::WriteManifest(manifest, folder);
  }
  Resumed From(const Job& job) {
    notes_.clear();
    return ResumeFrom(folder_.Path(), job, [&](const std::string& note) { notes_.push_back(note); });
  }
  std::string ErrorOf(const Job& job) {
    try {
      From(job);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  TempFolder folder_;
  std::vector<std::string> notes_;
};

TEST_F(Resuming, BeginsWhereThereIsNone) {
  const Resumed resumed = From(SmallJob());
  EXPECT_EQ(resumed.folder, "");
  EXPECT_FALSE(resumed.manifest.has_progress());
  EXPECT_EQ(resumed.manifest.job().DebugString(), SmallJob().DebugString());
}

TEST_F(Resuming, TakesTheNewest) {
  for (const int64_t step : {5, 12, 7}) Save(SmallJob(), step);
  const Resumed resumed = From(SmallJob());
  EXPECT_EQ(resumed.folder, worker::CheckpointPath(folder_.Path(), 12));
  EXPECT_EQ(resumed.manifest.progress().next_step(), 12);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(Resuming, TakesTheOneBeforeADamagedOneAndSaysWhere) {
  Save(SmallJob(), 5);
  Save(SmallJob(), 12);
  const std::string path = worker::CheckpointPath(folder_.Path(), 12) + "/manifest.textproto";
  const std::string whole = testing::ReadFile(path);
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    std::string flipped = whole;
    flipped[random.Below(flipped.size())] ^= static_cast<char>(1 << random.Below(8));
    std::ofstream(path, std::ios::binary) << flipped;
    EXPECT_EQ(From(SmallJob()).manifest.progress().next_step(), 5);
    EXPECT_THAT(notes_, ElementsAre(AllOf(HasSubstr("not used: "), HasSubstr(path + ": damaged: bytes 0 to "))));
  }
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() / 2);
  EXPECT_EQ(From(SmallJob()).manifest.progress().next_step(), 5);
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
  EXPECT_THAT(error("model { mmoe { n_experts: 3 } }"), HasSubstr("is of another job: model.mmoe.n_experts: is 3, was 2"));
  EXPECT_THAT(error("train { seed: 77 batch_size: 3 }"), HasSubstr("train.batch_size: is 3, was 48, and "));
  EXPECT_THAT(error("data { shuffle_rows: 7 }"), HasSubstr("data.shuffle_rows: is 7, was "));
  EXPECT_THAT(error("train { dense_optimizer { sgd { learning_rate: 1 } } }"), HasSubstr("train.dense_optimizer"));
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
  const Resumed resumed = From(job);
  EXPECT_EQ(resumed.manifest.job().train().epochs(), 9);
  EXPECT_EQ(resumed.manifest.job().table(1).optimizer().adam().learning_rate(), 0.5);
  EXPECT_THAT(notes_, ::testing::UnorderedElementsAre(
                          HasSubstr("changed since the checkpoint: train.epochs: is 9, was "),
                          HasSubstr("changed since the checkpoint: table[1].optimizer.adam.learning_rate: is 0.5, was ")));
}

TEST_F(Resuming, ASliceAWorkerStaysWhatItWas) {
  Job job = SmallJob();
  job.mutable_train()->set_slices(0);
  Save(job, 5, 3);
  EXPECT_EQ(From(job).manifest.job().train().slices(), 3);
  job.mutable_train()->set_slices(4);
  EXPECT_THAT(ErrorOf(job), HasSubstr("train.slices: is 4, was 3"));
}

}  // namespace
}  // namespace zhiyin::launch
