// A job that ends anywhere and goes on is the job that did not end.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "common/error.h"
#include "common/file.h"
#include "common/number.h"
#include "common/random.h"
#include "launch/job/load_job.h"
#include "launch/job/load_saved.h"
#include "ps/save/checkpoint.h"
#include "ps/table/row_layout.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/power_cut.h"
#include "worker/saved/checkpoints.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;
using worker::train::Json;

constexpr int kEndedEarly = 75;

Job StoppedJob(int staleness, const char* model = "mmoe { n_experts: 2 expert: 4 tower: 3 }") {
  Job job = ExampleJob(model, 3);
  job.mutable_data()->mutable_train()->set_n_rows(300);
  job.mutable_data()->mutable_test()->set_n_rows(100);
  job.mutable_train()->set_batch_size(32);
  job.mutable_train()->set_epochs(2);
  job.mutable_train()->set_staleness(staleness);
  return job;
}

/// Asked to end at the n-th sync point, from 0.
std::function<bool()> AtSyncPoint(int n) {
  return [n, n_asked = 0]() mutable { return n_asked++ >= n; };
}

struct Shape {
  int n_servers = 1;
  int n_workers = 1;
};

/// Runs it up to a sync point, which are before every step and between epochs, and from there, in
/// other shapes, to its end.
Outcome StopAndResume(Job job, Shape first, int sync_point, Shape second,
                      std::vector<int> more_sync_points = {}) {
  TempFolder folder(TempFolder::kInMemory);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(1);
  job.mutable_train()->mutable_checkpoint()->set_full_every(1 + sync_point % 4);
  SimulatedJob run{job, first.n_servers, first.n_workers, {}};
  run.output = folder.Path("out");
  run.stop_requested = AtSyncPoint(sync_point);
  Outcome outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, kEndedEarly) << outcome.error();
  EXPECT_THAT(outcome.printed, HasSubstr("the job ends here, as it was asked to"));
  run.n_servers = second.n_servers;
  run.n_workers = second.n_workers;
  run.resume = true;
  for (const int again : more_sync_points) {
    run.stop_requested = AtSyncPoint(again);
    outcome = Simulate(run);
    EXPECT_EQ(outcome.exit_code, kEndedEarly) << outcome.error();
  }
  run.stop_requested = {};
  outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_THAT(outcome.printed, HasSubstr("resumed at step "));
  return outcome;
}

void ExpectSame(const Outcome& outcome, const Outcome& whole) {
  EXPECT_EQ(outcome.metrics, whole.metrics);
  for (const char* key : {"train_loss", "test_loss", "tasks", "epochs", "steps", "samples"})
    EXPECT_EQ(outcome.summary[key], whole.summary[key]) << key;
  for (const auto& [name, table] : whole.summary["tables"].items())
    EXPECT_EQ(outcome.summary["tables"][name]["rows"], table["rows"]) << name;
}

TEST(Resume, AtAnyStepAndWithAnyRanksChangesNoBit) {
  const Outcome whole = RunJob(StoppedJob(0), 1, 2, 1);
  ASSERT_EQ(whole.exit_code, 0) << whole.error();
  const int n_steps = whole.summary["steps"];
  ASSERT_GE(n_steps, 20);
  const std::vector<Shape> shapes = {{1, 1}, {1, 2}, {5, 3}, {2, 4}};
  // They are before each step, and after the first epoch.
  for (int sync_point = 0; sync_point <= n_steps; sync_point += 7) {
    SCOPED_TRACE(sync_point);
    ExpectSame(StopAndResume(StoppedJob(0), {3, 2}, sync_point,
                             shapes[static_cast<size_t>(sync_point) % shapes.size()]),
               whole);
  }
}

/// Four rounds of slices an epoch; one slice for each of the two workers that begin.
TEST(Resume, OnMoreWorkersThanSlicesChangesNoBit) {
  Job job = StoppedJob(0);
  job.mutable_train()->set_batch_size(8);
  job.mutable_train()->set_slices(0);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(20);
  const Outcome whole = RunJob(job, 1, 2, 1);
  ASSERT_EQ(whole.exit_code, 0) << whole.error();
  TempFolder folder(TempFolder::kInMemory);
  SimulatedJob run{job, 1, 2, {}};
  run.output = folder.Path("out");
  run.stop_requested = AtSyncPoint(1);
  ASSERT_EQ(Simulate(run).exit_code, kEndedEarly);
  run.n_servers = 2;
  run.n_workers = 5;
  run.resume = true;
  run.stop_requested = {};
  const Outcome outcome = Simulate(run);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_THAT(outcome.printed, HasSubstr("3 of 5 workers only evaluate"));
  ExpectSame(outcome, whole);
}

/// Batches that no number of slices divides.
TEST(Resume, WithoutABarrierTheSlicesOfTheFirstWorkersNeedNotDivideABatch) {
  Job job = StoppedJob(-1);
  job.mutable_train()->set_slices(0);
  EXPECT_EQ(StopAndResume(job, {1, 3}, 3, {1, 2}, {1}).summary["samples"], 600);
}

/// One epoch of rows with numbers of their own, each of which makes a row of the table when it is
/// trained on.
Job JobOfNumberedRows(const TempFolder& folder, int staleness) {
  std::string rows = "id,x,y\n";
  for (int i = 0; i < 1500; ++i)
    rows += std::to_string(i) + "," + std::to_string(i % 7) + "," + std::to_string(i % 5) + "\n";
  const std::string text =
      R"(name: "rows" data { text { header: true } shuffle_rows: 300 train { file: ")" +
      folder.Write("rows.csv", rows) + R"(" } }
    table { name: "ids" dim: 1 optimizer { sgd { learning_rate: 0.1 } } }
    field { name: "id" }
    numeric { name: "x" }
    task { name: "y" label { number {} } squared_error {} }
    model { linear {} }
    train { epochs: 1 batch_size: 48 slices: 12 seed: 3 dense_optimizer { sgd { learning_rate: 0.01 } } })";
  Job job = launch::job::ParseJob(text, "rows", "/", {});
  job.mutable_train()->set_staleness(staleness);
  return job;
}

TEST(Resume, OnFilesOfAnotherContentIsRefusedByName) {
  TempFolder folder;
  const Job job = [&] {
    Job numbered = JobOfNumberedRows(folder, 0);
    numbered.mutable_train()->mutable_checkpoint()->set_every_steps(4);
    return numbered;
  }();
  SimulatedJob run{job, 1, 2, {}};
  run.output = folder.Path("out");
  run.stop_requested = AtSyncPoint(2);
  ASSERT_EQ(Simulate(run).exit_code, kEndedEarly);
  const std::string rows = ReadFile(folder.Path("rows.csv"));
  std::string others = rows;  // as many rows, as many bytes
  others[others.size() - 2] = others[others.size() - 2] == '1' ? '2' : '1';
  folder.Write("rows.csv", others);
  run.resume = true;
  run.stop_requested = {};
  const Outcome refused = Simulate(run);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error(), HasSubstr(folder.Path("rows.csv") + ": has another content"));
  folder.Write("rows.csv", rows);  // written anew, with the content that it had
  EXPECT_EQ(Simulate(run).exit_code, 0);
}

TEST(Resume, AgainAndAgainChangesNoBit) {
  const Outcome whole = RunJob(StoppedJob(0), 2, 3, 1);
  // Some make no step at all.
  ExpectSame(StopAndResume(StoppedJob(0), {2, 3}, 1, {1, 2}, {2, 0, 0, 3, 1, 4}), whole);
}

TEST(Resume, TheTimeOfTheEpochThatIsUnderWayCounts) {
  TempFolder folder(TempFolder::kInMemory);
  SimulatedJob run{StoppedJob(0), 1, 2, {}};
  run.output = folder.Path("out");
  run.stop_requested = AtSyncPoint(1);
  ASSERT_EQ(Simulate(run).exit_code, kEndedEarly);
  const Manifest manifest =
      worker::saved::LoadManifest(worker::saved::FindCheckpoints(run.output).at(0));
  ASSERT_EQ(manifest.progress().epoch(), 0);
  ASSERT_GT(manifest.step(), 0);
  EXPECT_GT(manifest.progress().training_s(), 0);
}

/// All that training keeps is in some of them.
std::vector<Job> JobsThatKeepMuch() {
  std::vector<Job> jobs;
  for (const char* hidden : {"normalization: BATCH dropout: 0.1", "dropout: 0.4"})
    jobs.push_back(StoppedJob(
        0, (std::string("mmoe { n_experts: 2 expert: 4 tower: 3 } hidden { ") + hidden + " }")
               .c_str()));
  for (Job job : JobOfEveryBalance()) {
    job.mutable_data()->mutable_train()->set_n_rows(300);
    job.mutable_data()->mutable_test()->set_n_rows(100);
    job.mutable_train()->set_batch_size(60);
    job.mutable_train()->set_epochs(4);
    jobs.push_back(job);
  }
  Job job = StoppedJob(0);
  zhiyin::Table& users = *job.mutable_table(0);
  users.mutable_admission()->mutable_exact()->set_sightings(2);
  users.mutable_eviction()->set_ttl_steps(3);
  users.mutable_eviction()->set_sweep_steps(4);
  users.set_storage(FP16);
  zhiyin::Table& items = *job.mutable_table(1);
  items.mutable_admission()->set_probability(0.5);
  items.mutable_eviction()->set_min_norm(0.02);
  items.mutable_eviction()->set_sweep_steps(1);
  items.set_storage(BF16);
  items.mutable_optimizer()->mutable_schedule()->set_warmup_steps(13);
  jobs.push_back(job);
  job.mutable_table(0)->mutable_admission()->mutable_counting_bloom()->set_sightings(2);
  job.mutable_table(0)->mutable_admission()->mutable_counting_bloom()->set_bytes(1 << 16);
  jobs.push_back(job);
  job = StoppedJob(0);
  job.mutable_train()->set_epochs(30);
  job.mutable_table(1)->mutable_optimizer()->mutable_adam()->set_learning_rate(
      0.2);  // so that it overfits
  job.mutable_train()->mutable_early_stopping()->set_patience(2);
  job.mutable_train()->mutable_early_stopping()->set_keep_best(true);
  jobs.push_back(job);
  return jobs;
}

class ResumeOf : public ::testing::TestWithParam<Job> {};

TEST_P(ResumeOf, AllThatIsKeptChangesNoBit) {
  const Outcome whole = RunJob(GetParam(), 1, 2, 1);
  ASSERT_EQ(whole.exit_code, 0) << whole.error();
  for (const int sync_point : {3, 8, 16}) {
    SCOPED_TRACE(sync_point);
    const Outcome outcome = StopAndResume(GetParam(), {2, 2}, sync_point, {3, 1}, {2});
    ExpectSame(outcome, whole);
    for (const char* key : {"balance", "early_stopping"}) {
      if (!whole.summary.contains(key)) continue;
      EXPECT_EQ(outcome.summary[key], whole.summary[key]) << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Jobs, ResumeOf, ::testing::ValuesIn(JobsThatKeepMuch()),
                         [](const auto& test) { return std::to_string(test.index); });

/// How many checkpoints there are, and how many of them build on another.
std::pair<int, int> CountCheckpoints(const std::string& output) {
  int n = 0;
  int n_with_base = 0;
  for (const auto& entry : std::filesystem::directory_iterator(output + "/checkpoints")) {
    ++n;
    n_with_base += worker::saved::LoadManifest(entry.path().string()).has_base() ? 1 : 0;
  }
  return {n, n_with_base};
}

TEST(Resume, WhatACheckpointBuildsOnIsKeptAsLongAsItIs) {
  // Checkpoints 1, 6 and 11 are whole.
  Job job = StoppedJob(0);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(1);
  job.mutable_train()->mutable_checkpoint()->set_full_every(5);
  job.mutable_train()->mutable_checkpoint()->set_keep(1);
  for (const auto& [sync_point, expected] :
       {std::pair(10, std::pair(5, 4)), std::pair(11, std::pair(1, 0)),
        std::pair(14, std::pair(3, 2))}) {
    TempFolder folder(TempFolder::kInMemory);
    SimulatedJob run{job, 2, 2, {}};
    run.output = folder.Path("out");
    run.stop_requested = AtSyncPoint(sync_point);
    EXPECT_EQ(Simulate(run).exit_code, kEndedEarly);
    EXPECT_EQ(CountCheckpoints(run.output), expected) << sync_point;
  }
}

/// A sample of what is in a table: its rows by key.
std::map<Key, std::string> RowsOfTable(const std::string& folder, TableId table) {
  std::map<Key, std::string> rows;
  ps::save::VisitRows(
      launch::job::LoadSaved(folder), [&](TableId t, Key key, std::span<const std::byte> row) {
        if (t == table)
          rows[key] = std::string(reinterpret_cast<const char*>(row.data()), row.size());
      });
  return rows;
}

/// A task and a table more, in front of the others.
Job Extended(const Job& job) {
  Job extended = job;
  Task* task = extended.add_task();
  *task = job.task(0);
  task->set_name("another");
  zhiyin::Table* table = extended.add_table();
  *table = job.table(1);
  table->set_name("places");
  Field* field = extended.add_field();
  *field = job.field(0);
  field->set_table("places");
  field->clear_vocabulary();
  field->set_name("again");
  extended.mutable_task()->SwapElements(0, extended.task_size() - 1);
  extended.mutable_table()->SwapElements(0, extended.table_size() - 1);
  return extended;
}

TEST(Resume, WithATaskAndATableMoreKeepsTheRows) {
  for (const int staleness : {0, -1}) {
    for (const int sync_point : {3, 14}) {
      SCOPED_TRACE(std::to_string(staleness) + " " + std::to_string(sync_point));
      TempFolder folder(TempFolder::kInMemory);
      Job job = StoppedJob(staleness);
      job.mutable_train()->mutable_checkpoint()->set_every_steps(1);
      job.mutable_train()->mutable_checkpoint()->set_full_every(3);
      SimulatedJob run{job, 2, 2, {}};
      run.output = folder.Path("out");
      run.stop_requested = AtSyncPoint(sync_point);
      ASSERT_EQ(Simulate(run).exit_code, kEndedEarly);
      const std::string before = worker::saved::FindCheckpoints(run.output)[0];
      const auto users = RowsOfTable(before, 1);
      ASSERT_GT(users.size(), 10u);
      const std::string kept = folder.Path("kept");
      std::filesystem::copy(run.output, kept, std::filesystem::copy_options::recursive);

      // Without a step: the rows are those that were there.
      SimulatedJob more{Extended(job), 3, 1, {}};
      more.output = run.output;
      more.resume = true;
      more.stop_requested = AtSyncPoint(0);
      const Outcome none = Simulate(more);
      ASSERT_EQ(none.exit_code, kEndedEarly) << none.error();
      EXPECT_THAT(none.printed, HasSubstr("kept: table users, with the optimizer's state"));
      const std::string after = worker::saved::FindCheckpoints(run.output)[0];
      const int n_tables = job.table_size();
      EXPECT_TRUE(RowsOfTable(after, static_cast<TableId>(n_tables + 1)) == users);
      EXPECT_TRUE(RowsOfTable(after, 1).empty()) << "the table that is new";

      more.stop_requested = {};
      const Outcome end = Simulate(more);
      ASSERT_EQ(end.exit_code, 0) << end.error();
      EXPECT_EQ(end.summary["samples"], 600);
      EXPECT_TRUE(end.summary["tasks"].contains("another"));
      EXPECT_GT(end.summary["tables"]["places"]["rows"], 0);

      // The job itself goes on as if nobody had tried that.
      run.output = kept;
      run.resume = true;
      run.stop_requested = {};
      const Outcome rest = Simulate(run);
      EXPECT_EQ(rest.summary["samples"], 600);
      if (staleness == 0) ExpectSame(rest, RunJob(job, 1, 2, 1));
    }
  }
}

TEST(Resume, AWarmStartBeginsWithTheOtherJobsRows) {
  TempFolder folder(TempFolder::kInMemory);
  SimulatedJob first{StoppedJob(0), 2, 2, {}};
  first.output = folder.Path("first");
  const Outcome learned = Simulate(first);
  ASSERT_EQ(learned.exit_code, 0) << learned.error();

  Job job = StoppedJob(0);
  job.mutable_train()->set_epochs(1);
  job.mutable_train()->mutable_warm_start()->set_model(first.output);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(100);
  const auto begin = [&](const std::string& output) {
    SimulatedJob run{job, 3, 1, {}};
    run.output = folder.Path(output);
    run.stop_requested = AtSyncPoint(0);
    const Outcome outcome = Simulate(run);
    EXPECT_EQ(outcome.exit_code, kEndedEarly) << outcome.error();
    return worker::saved::FindCheckpoints(run.output).at(0);
  };
  // All of it, the model's own weights included.
  const std::string all = begin("all");
  for (const TableId table : {0, 1, 2})
    EXPECT_TRUE(RowsOfTable(all, table) == RowsOfTable(first.output + "/model", table)) << table;
  SimulatedJob on{job, 2, 2, {}};
  const Outcome better = Simulate(on);
  ASSERT_EQ(better.exit_code, 0) << better.error();
  job.mutable_train()->clear_warm_start();
  job.mutable_train()->set_start_at_zero(true);  // it knows nothing, not even mean labels
  const Outcome cold = Simulate({job, 2, 2, {}});
  EXPECT_LT(better.summary["train_loss"], 0.9 * cold.summary["train_loss"].get<double>());

  // One table, into another storage and for another optimizer.
  job.mutable_train()->mutable_warm_start()->set_model(first.output);
  job.mutable_train()->mutable_warm_start()->add_table("items");
  job.mutable_table(1)->set_storage(FP16);
  job.mutable_table(1)->mutable_optimizer()->mutable_momentum()->set_learning_rate(0.1);
  job.mutable_table(1)->mutable_eviction()->set_ttl_steps(5);
  const std::string some = begin("some");
  EXPECT_TRUE(RowsOfTable(some, 1).empty());
  const auto items = RowsOfTable(first.output + "/model", 2);
  const auto narrow = RowsOfTable(some, 2);
  ASSERT_EQ(narrow.size(), items.size());
  for (const auto& [key, row] : narrow) {
    float weights[3];
    ToFloats(FP16, reinterpret_cast<const std::byte*>(row.data()), 3, weights);
    for (int i = 0; i < 3; ++i) {
      float wide = 0;
      std::memcpy(&wide, items.at(key).data() + sizeof(float) * static_cast<size_t>(i),
                  sizeof(float));
      EXPECT_NEAR(weights[i], wide, 1e-3 * std::abs(wide) + 1e-6);
    }
    ASSERT_EQ(row.size(), 8 + 12 + sizeof(ps::table::RowUse));
    EXPECT_EQ(row.substr(8, 12), std::string(12, '\0')) << "momentum begins anew";
  }
  EXPECT_FALSE(RowsOfTable(some, 0) == RowsOfTable(all, 0))
      << "the model's own weights go with all tables";
}

TEST(Resume, WithoutABarrierEveryRowCountsOnce) {
  TempFolder folder;
  for (const int staleness : {-1, 0, 1, 3}) {
    const Job job = JobOfNumberedRows(folder, staleness);
    for (const int sync_point : {1, 7, 15, 23}) {
      SCOPED_TRACE(std::to_string(staleness) + " " + std::to_string(sync_point));
      for (const Shape second : {Shape{1, 4}, Shape{3, 2}}) {
        const Outcome outcome = StopAndResume(job, {2, 3}, sync_point, second, {2});
        EXPECT_EQ(outcome.summary["samples"], 1500);
        EXPECT_EQ(outcome.summary["tables"]["ids"]["rows"], 1500);
      }
    }
  }
}

/// A file that cannot be written, at any step of its making.
TEST(Resume, AFailedCheckpointIsSaidAndTheJobGoesOn) {
  Job job = StoppedJob(0);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(6);
  const Outcome whole = RunJob(job, 2, 2, 1);
  int n_steps = 0;  // of the second checkpoint
  for (int fail_at = -1; fail_at < n_steps; ++fail_at) {
    TempFolder folder(TempFolder::kInMemory);
    SimulatedJob run{job, 2, 2, {}};
    run.output = folder.Path("out");
    int n = 0;
    WatchFiles([&](const FileStep& step) {
      if (step.path.find("step-000000000012") == step.path.npos || n++ != fail_at) return;
      throw FileError(step.path + ": cannot do step " + std::to_string(fail_at) +
                      ": No space left on device");
    });
    const Outcome outcome = Simulate(run);
    WatchFiles({});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
    ExpectSame(outcome, whole);
    if (fail_at < 0) {
      // The last is the end of the checkpoint, when later ones replace it.
      n_steps = n;
      ASSERT_GT(n_steps, 10);
      continue;
    }
    EXPECT_THAT(outcome.printed,
                HasSubstr("No space left on device: the job goes on, the newest is "));
    EXPECT_THAT(outcome.printed, HasSubstr("checkpoint at step 18, written in "));
  }
}

TEST(Resume, CheckpointsThatFailAgainAndAgainEndTheJob) {
  Job job = StoppedJob(0);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(3);
  job.mutable_train()->mutable_checkpoint()->set_max_failures(2);
  TempFolder folder(TempFolder::kInMemory);
  SimulatedJob run{job, 2, 2, {}};
  run.output = folder.Path("out");
  WatchFiles([&](const FileStep& step) {
    // From step 10 on.
    if (step.kind == FileStep::kWrite && step.path.find("rows-1-of-2") != step.path.npos &&
        step.path.find("step-00000000000") == step.path.npos)
      throw FileError(step.path + ": cannot write: No space left on device");
  });
  const Outcome outcome = Simulate(run);
  WatchFiles({});
  EXPECT_EQ(outcome.exit_code, 1);
  ASSERT_EQ(outcome.errors.size(), 1u);
  EXPECT_THAT(outcome.errors[0], HasSubstr("checkpoint at step 18: "));
  EXPECT_THAT(outcome.errors[0],
              HasSubstr("No space left on device: the job ends, the newest is "));
  EXPECT_EQ(worker::saved::NewestCheckpoint(run.output, [](const std::string&) {})
                .back()
                .manifest.progress()
                .next_step(),
            9);
}

/// Of all checkpoints, one in how many is whole.
class ResumeWithFullEvery : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Full, ResumeWithFullEvery, ::testing::Values(1, 3));

/// Checkpoints as they are on disk at any moment of a job.
TEST_P(ResumeWithFullEvery, AfterAPowerCutAtAnyMoment) {
  Job job = StoppedJob(0);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(4);
  job.mutable_train()->mutable_checkpoint()->set_full_every(GetParam());
  job.mutable_train()->mutable_checkpoint()->set_keep(2);
  const Outcome whole = RunJob(job, 2, 2, 1);
  ASSERT_EQ(whole.exit_code, 0) << whole.error();
  TempFolder folder(TempFolder::kInMemory);
  TempFolder left(TempFolder::kInMemory);
  std::filesystem::create_directory(folder.Path("out"));
  SimulatedJob run{job, 2, 2, {}};
  run.output = folder.Path("out");
  std::unique_ptr<PowerCut> disk;
  int n_cuts = 0;
  int n_with = 0;
  int64_t newest = 0;  // of the checkpoints that nothing may take away any more
  int64_t renamed = 0;
  std::vector<std::pair<std::string, int64_t>> to_go_on;
  disk = std::make_unique<PowerCut>(run.output, [&](const FileStep& step) {
    // What comes next relies on it: old ones are removed, the job goes on.
    if (step.kind != FileStep::kSyncFolder) newest = renamed;
    const std::filesystem::path to = step.to;
    if (to.parent_path().filename() == "checkpoints")
      renamed = std::stoll(to.filename().string().substr(5));
    for (int draw = 0; draw < 2; ++draw) {
      const std::string after = left.Path(std::to_string(n_cuts++));
      disk->WriteWhatIsLeft(static_cast<uint64_t>(n_cuts), after);
      std::string notes;
      ps::save::SavedChain found;
      try {
        found = worker::saved::NewestCheckpoint(
            after, [&](const std::string& note) { notes += note + "\n"; });
      } catch (const Error& e) {
        notes += e.what();
      }
      EXPECT_EQ(notes, "") << "a half one, or a whole one that is damaged, at " << step.path;
      const int64_t at = found.empty() ? 0 : found.back().manifest.progress().next_step();
      EXPECT_GE(at, newest) << step.path;
      if (!found.empty()) ++n_with;
      if (!found.empty() && n_cuts % 40 == 0) to_go_on.emplace_back(after, at);
      if (n_cuts % 40 != 0) std::filesystem::remove_all(after);
    }
  });
  const Outcome outcome = Simulate(run);
  disk.reset();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.metrics, whole.metrics);
  EXPECT_GE(n_cuts, 200);
  EXPECT_GT(n_with, n_cuts / 2);
  ASSERT_GT(to_go_on.size(), 3u);
  for (const auto& [output, step] : to_go_on) {
    SimulatedJob rest{job, 1, 3, {}};
    rest.output = output;
    rest.resume = true;
    const Outcome end = Simulate(rest);
    EXPECT_EQ(end.summary["resumed_at_step"], step);
    ExpectSame(end, whole);
  }
}

}  // namespace
}  // namespace zhiyin::testing
