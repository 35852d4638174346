// Whole jobs in one process: what must hold for every seed, shape and staleness.
#include <gmock/gmock.h>

#include "common/config.h"
#include "common/random.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;
using worker::Json;

Job SmallJob(int staleness) {
  Job job = ExampleJob("mmoe { n_experts: 2 expert: 4 tower: 3 }", 3);
  job.mutable_data()->mutable_train()->set_n_rows(700);
  job.mutable_data()->mutable_test()->set_n_rows(300);
  job.mutable_train()->set_staleness(staleness);
  return job;
}

TEST(WholeJob, SynchronousBitsDependOnTheSlicesAlone) {
  const Outcome expected = RunJob(SmallJob(0), 1, 1, 1);
  ASSERT_EQ(expected.exit_code, 0) << expected.error();
  uint64_t seed = 2;
  for (const auto& [n_servers, n_workers] :
       {std::pair(1, 2), std::pair(3, 2), std::pair(2, 3), std::pair(5, 4)}) {
    const Outcome other = RunJob(SmallJob(0), n_servers, n_workers, seed++);
    EXPECT_EQ(other.metrics, expected.metrics) << n_servers << "x" << n_workers;
    EXPECT_EQ(other.summary["train_loss"], expected.summary["train_loss"]);
    EXPECT_EQ(other.summary["test_loss"], expected.summary["test_loss"]);
    for (const char* count : {"samples", "keys_pulled", "keys_pushed"})
      EXPECT_EQ(other.summary[count], expected.summary[count]) << count;
  }
}

TEST(WholeJob, SynchronousBitsSurviveAdmissionEvictionAndSixteenBits) {
  Job job = SmallJob(0);
  zhiyin::Table& users = *job.mutable_table(0);
  users.mutable_admission()->mutable_exact()->set_sightings(2);
  users.mutable_eviction()->set_ttl_steps(3);
  users.mutable_eviction()->set_min_pulls(2);
  users.mutable_eviction()->set_sweep_steps(4);
  users.set_storage(FP16);
  users.set_wire(BF16);
  zhiyin::Table& items = *job.mutable_table(1);
  items.mutable_admission()->set_probability(0.5);
  items.mutable_eviction()->set_min_norm(0.02);
  items.mutable_eviction()->set_sweep_steps(1);
  items.set_storage(BF16);
  items.set_wire(FP16);
  items.mutable_optimizer()->mutable_schedule()->set_warmup_steps(3);
  items.mutable_optimizer()->set_clip_norm(0.1);
  job.mutable_train()->set_batch_size(24);
  job.mutable_train()->set_slices(4);
  const Outcome expected = RunJob(job, 1, 1, 1);
  ASSERT_EQ(expected.exit_code, 0) << expected.error();
  for (const auto& [table, count] : {std::pair("users", "not_admitted"), std::pair("users", "rare"),
                                     std::pair("items", "not_admitted"), std::pair("items", "small")}) {
    EXPECT_GT(expected.summary["tables"][table][count], 0) << table << "." << count;
  }
  for (const auto& [n_servers, n_workers] : {std::pair(3, 2), std::pair(2, 4)}) {
    const Outcome other = RunJob(job, n_servers, n_workers, 7);
    EXPECT_EQ(other.metrics, expected.metrics) << n_servers << "x" << n_workers;
    for (const char* table : {"users", "items"}) {
      for (const char* count : {"rows", "created", "not_admitted", "rare", "small"}) {
        EXPECT_EQ(other.summary["tables"][table][count], expected.summary["tables"][table][count])
            << table << "." << count;
      }
    }
  }
}

TEST(WholeJob, PrefetchingChangesNoBitOfASynchronousJob) {
  Job job = SmallJob(0);
  const Outcome with = RunJob(job, 2, 2, 1);
  job.mutable_train()->set_prefetch(false);
  EXPECT_EQ(RunJob(job, 2, 2, 1).metrics, with.metrics);
}

TEST(WholeJob, ReadingInWindowsTrainsOnEveryRow) {
  Job job = SmallJob(0);
  job.mutable_data()->mutable_train()->set_n_rows(2500);
  job.mutable_data()->set_shuffle_rows(256);
  const Outcome outcome = RunJob(job, 1, 3, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.metrics, RunJob(job, 2, 2, 9).metrics);
  EXPECT_THAT(outcome.metrics, HasSubstr("\"split\":\"train\",\"task\":\"rating\""));
  EXPECT_EQ(Json::parse(outcome.metrics.substr(0, outcome.metrics.find('\n')))["samples"], 2500);
}

class EverySeed : public ::testing::TestWithParam<uint64_t> {};

TEST_P(EverySeed, EndsWithEverySampleCountedAndNoRowMadeByEvaluation) {
  Random random(GetParam());
  const int staleness = static_cast<int>(random.Below(4)) - 1;
  const int n_servers = 1 + static_cast<int>(random.Below(4));
  const int n_workers = 1 + static_cast<int>(random.Below(4));
  Job job = SmallJob(staleness);
  if (staleness != 0 && random.Below(2) == 0) {
    job.mutable_table(0)->mutable_hot_keys()->set_rows(16);
    job.mutable_table(0)->mutable_hot_keys()->set_refresh_steps(2 + static_cast<int>(random.Below(3)));
  }
  const Outcome outcome = RunJob(job, n_servers, n_workers, GetParam());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.summary["samples"], 1400);
  EXPECT_EQ(outcome.summary["tasks"]["rating"]["samples"], 300);
  // 8 groups and 20 regions; 18 genres and 30 tags: all are seen in training, and nothing else may be there.
  EXPECT_EQ(outcome.summary["tables"]["users"]["rows"], 28);
  EXPECT_EQ(outcome.summary["tables"]["items"]["rows"], 48);
  int64_t n_pushes = 0;
  for (const auto& count : outcome.summary["staleness"]) n_pushes += count.get<int64_t>();
  EXPECT_GT(n_pushes, 0);
  if (staleness == 0) {
    EXPECT_EQ(outcome.summary["staleness"].size(), 1u);
  }
  EXPECT_GT(outcome.summary["keys_pulled"], 1400) << "each row has keys of its own";
  EXPECT_EQ(outcome.summary["keys_pushed"], outcome.summary["keys_pulled"]) << "every pull is answered";
  EXPECT_EQ(RunJob(job, n_servers, n_workers, GetParam()).trace, outcome.trace)
      << "the same seed, another run";
}

INSTANTIATE_TEST_SUITE_P(Seeds, EverySeed, ::testing::Range(uint64_t{1}, uint64_t{41}));

TEST(WholeJob, KeysThatOnlyTheTestSplitHasMakeNoRow) {
  TempFolder folder;
  Job job = SmallJob(0);
  const auto rows = [](const char* group, const char* tag) {
    std::string text = "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n";
    for (int i = 0; i < 600; ++i)
      text += group + std::string("\tr1\tn2\t") + tag + "\t40\t0.5\t" + std::to_string(i % 5) + "\n";
    return text;
  };
  job.mutable_data()->clear_generated_ratings();
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_delimiter("\t");
  job.mutable_data()->mutable_train()->Clear();
  job.mutable_data()->mutable_train()->add_file(folder.Write("train.tsv", rows("g0", "t3")));
  job.mutable_data()->mutable_test()->Clear();
  job.mutable_data()->mutable_test()->add_file(folder.Write("test.tsv", rows("g1", "t4")));
  const Outcome outcome = RunJob(job, 2, 2, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.summary["tables"]["users"]["rows"], 2) << "g0 and r1";
  EXPECT_EQ(outcome.summary["tables"]["items"]["rows"], 2) << "n2 and t3";
  EXPECT_EQ(outcome.summary["tasks"]["rating"]["samples"], 600);
}

TEST(WholeJob, MalformedLinesWithinTheShareAreLeftOutAndCounted) {
  TempFolder folder;
  Job job = SmallJob(0);
  std::string text = "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n";
  for (int i = 0; i < 600; ++i)
    text += i % 100 == 7 ? "broken\n" : "g0\tr1\tn2\tt3\t40\t0.5\t" + std::to_string(i % 5) + "\n";
  job.mutable_data()->clear_generated_ratings();
  job.mutable_data()->clear_test();
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_delimiter("\t");
  job.mutable_data()->mutable_train()->Clear();
  job.mutable_data()->mutable_train()->add_file(folder.Write("train.tsv", text));
  job.mutable_data()->set_max_bad_share(0.01);
  const Outcome outcome = RunJob(job, 2, 3, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.summary["malformed_lines"], 6);
  EXPECT_EQ(outcome.summary["samples"], 2 * 594);
  job.mutable_data()->set_max_bad_share(0.0099);
  EXPECT_THAT(RunJob(job, 2, 3, 1).error(),
              ::testing::AllOf(HasSubstr("train.tsv:9: "), HasSubstr("(6 of 600 lines are malformed")));
}

TEST(WholeJob, RefusedGradientsAreReported) {
  Job job = SmallJob(-1);
  job.mutable_train()->set_max_gradient(1e-6);
  const Outcome outcome = RunJob(job, 1, 2, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  ASSERT_GE(outcome.summary["pushes_poisoned"].size(), 2u);
  EXPECT_GT(outcome.summary["pushes_poisoned"][0]["pushes"], 0);
  EXPECT_LT(outcome.summary["keys_pushed"], outcome.summary["keys_pulled"].get<int64_t>() / 10)
      << "only pushes of slices without rows, all zeros, are applied";
  EXPECT_THAT(outcome.printed, HasSubstr("were refused for gradients of table"));
}

TEST(WholeJob, AFailureOfManyRanksIsOneLine) {
  Job job = SmallJob(0);
  TempFolder folder;
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_delimiter("\t");
  job.mutable_data()->clear_test();
  job.mutable_data()->mutable_train()->Clear();
  job.mutable_data()->mutable_train()->add_file(folder.Write(
      "rows.tsv", "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n"));
  const Outcome outcome = RunJob(job, 2, 3, 1);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.error(), "data.train: no rows: the files are empty, or first_row is past their end\n");
}

TEST(WholeJob, ATaskWithoutAnyLabelIsRefused) {
  TempFolder folder;
  Job job = SmallJob(0);
  *job.mutable_data()->mutable_text() = ParseJob(JobToText(SmallJob(0)), "job", ".", {}).data().text();
  std::string rows = "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n";
  for (int i = 0; i < 600; ++i) rows += "g0\tr1\tn2\tt3\t40\t0.5\t\n";
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_delimiter("\t");
  job.mutable_data()->clear_test();
  job.mutable_data()->mutable_train()->Clear();
  job.mutable_data()->mutable_train()->add_file(folder.Write("rows.tsv", rows));
  EXPECT_EQ(RunJob(job, 1, 2, 1).error(), "task rating: no row of data.train has a label (column rating)\n");
}

}  // namespace
}  // namespace zhiyin::testing
