// What zhiyin inspect says of checkpoints, and what comes back when one is loaded and saved.
#include "launch/apps/inspect/inspect.h"

#include <gmock/gmock.h>

#include <cinttypes>
#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "common/hash.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

Job InspectedJob(int staleness) {
  Job job = ExampleJob("mmoe { n_experts: 2 expert: 4 tower: 3 }", 3);
  job.mutable_data()->mutable_train()->set_n_rows(300);
  job.mutable_data()->mutable_test()->set_n_rows(100);
  job.mutable_train()->set_staleness(staleness);
  job.mutable_train()->mutable_checkpoint()->set_every_steps(4);
  job.mutable_table(0)->mutable_admission()->mutable_exact()->set_sightings(2);
  job.mutable_table(0)->mutable_eviction()->set_ttl_steps(1000);
  return job;
}

struct Inspected {
  int code = -1;
  std::string text;
};
Inspected Look(const std::string& checkpoint, const std::string& row = "",
               const std::string& against = "") {
  Inspected inspected;
  inspected.code = launch::apps::Inspect(
      {checkpoint, row, against, [&](const std::string& text) { inspected.text += text; }});
  return inspected;
}
std::string ErrorOf(const std::string& checkpoint, const std::string& row) {
  try {
    Look(checkpoint, row);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// A job that is over, with two checkpoints.
class Inspect : public ::testing::Test {
 protected:
  void Train(int staleness, int n_servers) {
    SimulatedJob run{InspectedJob(staleness), n_servers, 2, {}};
    run.output = output_;
    const Outcome outcome = Simulate(run);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
    checkpoints_ = worker::saved::FindCheckpoints(output_);
    ASSERT_EQ(checkpoints_.size(), 2u);
  }

  TempFolder folder_{TempFolder::kInMemory};
  std::string output_ = folder_.Path("out");
  std::vector<std::string> checkpoints_;
};

TEST_F(Inspect, SaysWhatIsThere) {
  Train(0, 3);
  const Inspected all = Look(output_);
  EXPECT_EQ(all.code, 0);
  for (const std::string& folder : {checkpoints_[0], checkpoints_[1], output_ + "/model"})
    EXPECT_THAT(all.text, HasSubstr(folder + "\n"));
  EXPECT_THAT(all.text, ContainsRegex("step [0-9]+, 1 of 2 epochs over, 300 rows in [0-9]+ slices "
                                      "an epoch, begun with 2 workers"));
  EXPECT_THAT(all.text, ContainsRegex("task rating: RMSE [0-9.]+"));
  EXPECT_THAT(
      all.text,
      ContainsRegex(
          "table items: [0-9]+ rows of dim 3 FP32, adam, [0-9]+ bytes; weights: root mean square"));
  EXPECT_THAT(all.text, HasSubstr("whole: 3 files, "));
  const Inspected one = Look(checkpoints_[1]);
  EXPECT_THAT(one.text, AllOf(HasSubstr(checkpoints_[1]), Not(HasSubstr(checkpoints_[0]))));
}

TEST_F(Inspect, FindsDamage) {
  Train(0, 2);
  const std::string path = checkpoints_[0] + "/rows-1-of-2.bin";
  std::string bytes = ReadFile(path);
  bytes[bytes.size() / 2] ^= 4;
  std::ofstream(path, std::ios::binary) << bytes;
  const Inspected all = Look(output_);
  EXPECT_EQ(all.code, 1);
  EXPECT_THAT(all.text, HasSubstr("DAMAGED: " + path + ": damaged: bytes 0 to " +
                                  std::to_string(bytes.size())));
  EXPECT_THAT(all.text, HasSubstr("whole: 2 files, ")) << "the others are looked at all the same";
}

TEST_F(Inspect, ShowsARow) {
  Train(0, 2);
  const Inspected row = Look(checkpoints_[0], "user_group=group1");
  EXPECT_THAT(row.text, ContainsRegex("row [0-9a-f]{16} of table users\n    weights: [-0-9.e]+ "
                                      "[-0-9.e]+ [-0-9.e]+\n    state of adagrad: "));
  EXPECT_THAT(row.text,
              ContainsRegex("last pulled by step [0-9]+, [0-9]+ times since the last sweep"));
  char key[24];
  std::snprintf(key, sizeof(key), "%016" PRIx64, CategoryHasher("user_group")("group1"));
  EXPECT_EQ(Look(checkpoints_[0], std::string("users:") + key).text, row.text);
  EXPECT_THAT(ErrorOf(checkpoints_[0], "user_group=nobody"), HasSubstr("has no row "));
  EXPECT_THAT(ErrorOf(checkpoints_[0], "group=group1"), HasSubstr("the job has no field group"));
  EXPECT_THAT(ErrorOf(checkpoints_[0], "x:1"), HasSubstr("the job has no table x"));
  EXPECT_THAT(ErrorOf(checkpoints_[0], "users:xyz"), HasSubstr("is no key"));
  EXPECT_THAT(ErrorOf(checkpoints_[0], "users"), HasSubstr("expected FIELD=VALUE"));
}

TEST_F(Inspect, ComparesTwo) {
  Train(0, 2);
  const Inspected same = Look(checkpoints_[0], "", checkpoints_[0]);
  EXPECT_EQ(same.code, 0);
  EXPECT_THAT(same.text, HasSubstr("  the same\n"));
  const Inspected other = Look(checkpoints_[1], "", checkpoints_[0]);
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.text, ContainsRegex("  step: is [0-9]+, was [0-9]+\n"));
  EXPECT_THAT(other.text, ContainsRegex("table dense: 0 rows are the same, 1 changed \\(weights by "
                                        "at most [0-9.e-]+\\), 0 new, 0 gone"));
  EXPECT_THAT(other.text, HasSubstr("  different\n"));
}

TEST_F(Inspect, ComparesAResumedJobsModelWithTheFirsts) {
  const auto train = [&](const std::string& output, bool resume, std::function<bool()> stops) {
    SimulatedJob run{InspectedJob(0), resume ? 3 : 2, resume ? 4 : 2, {}};
    run.job.mutable_train()->set_slices(0);
    run.output = folder_.Path(output);
    run.resume = resume;
    run.stop_requested = std::move(stops);
    return Simulate(run).exit_code;
  };
  ASSERT_EQ(train("whole", false, {}), 0);
  ASSERT_EQ(train("again", false, [n = 0]() mutable { return n++ > 1; }), 75);
  ASSERT_EQ(train("again", true, {}), 0);
  const Inspected same =
      Look(folder_.Path("whole") + "/model", "", folder_.Path("again") + "/model");
  EXPECT_EQ(same.code, 0) << same.text;
  EXPECT_THAT(same.text, HasSubstr("  the same\n"));
}

TEST_F(Inspect, ComparesTheTablesThatTwoJobsHaveInCommon) {
  Train(0, 2);
  SimulatedJob run{InspectedJob(0), 1, 2, {}};
  run.job.mutable_train()->set_seed(77);
  run.job.mutable_table(1)->set_name("things");
  for (Field& field : *run.job.mutable_field())
    if (field.table() == "items") field.set_table("things");
  run.output = folder_.Path("other");
  ASSERT_EQ(Simulate(run).exit_code, 0);
  const Inspected found = Look(output_ + "/model", "", run.output + "/model");
  EXPECT_EQ(found.code, 1);
  EXPECT_THAT(found.text, HasSubstr("  job: train.seed: is 77, was 5\n"));
  EXPECT_THAT(found.text, ContainsRegex("table users: [0-9]+ rows are the same, [1-9][0-9]* "
                                        "changed"));
  EXPECT_THAT(found.text, HasSubstr("table dense: not compared: fields, tasks or the model"));
  EXPECT_THAT(found.text, HasSubstr("table things: was not there\n"));
  EXPECT_THAT(found.text, ContainsRegex("table items: is gone, with [0-9]+ rows\n"));
}

/// Without a step in between, whatever the ranks, at any staleness.
TEST_F(Inspect, WhatIsLoadedAndSavedIsTheSame) {
  for (const int staleness : {-1, 0, 3}) {
    std::filesystem::remove_all(output_);
    Train(staleness, 3);
    const std::string before = folder_.Path("before");
    std::filesystem::remove_all(before);
    std::filesystem::copy(checkpoints_[0], before, std::filesystem::copy_options::recursive);
    for (const int n_servers : {3, 1, 5}) {
      SimulatedJob run{InspectedJob(staleness), n_servers, 4, {}};
      run.output = output_;
      run.resume = true;
      run.stop_requested = [] { return true; };
      const Outcome outcome = Simulate(run);
      ASSERT_EQ(outcome.exit_code, 75) << outcome.error();
      EXPECT_EQ(worker::saved::FindCheckpoints(output_)[0], checkpoints_[0]);
      const Inspected found = Look(before, "", checkpoints_[0]);
      EXPECT_EQ(found.code, 0) << found.text;
      if (n_servers != 3) continue;
      for (int s = 0; s < 3; ++s) {
        const std::string name = "/rows-" + std::to_string(s) + "-of-3.bin";
        EXPECT_TRUE(ReadFile(before + name) == ReadFile(checkpoints_[0] + name))
            << "with sightings and sweeps";
      }
    }
  }
}

}  // namespace
}  // namespace zhiyin::testing
