// Whole jobs in one process: what must hold for every seed, shape and staleness.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "common/random.h"
#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;
using worker::train::Json;

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

TEST(WholeJob, SynchronousBitsOfInteractionsAndSequencesDependOnTheSlicesAlone) {
  for (const char* reader :
       {"din { query: \"item_genre\" hidden: 5 softmax: true }", "attention_pool { width: 3 }",
        "bst { query: \"item_genre\" n_blocks: 2 n_heads: 1 hidden: 5 }"}) {
    Job job = testing::ExampleJob(std::string(R"(
        sequence { field: "item_tags" )") +
                                      reader + R"( }
        interaction { cross_v1 { n_layers: 2 } }
        interaction { cross_v2 { n_layers: 2 } }
        interaction { cross_mix { n_layers: 1 n_experts: 2 rank: 2 } }
        interaction { senet { reduction: 2 } }
        interaction { auto_int { n_layers: 1 n_heads: 2 width: 2 } }
        wide { numeric: "user_age" fm {} }
        shared_bottom { bottom: 4 })",
                                  3, 2);
    job.mutable_data()->mutable_train()->set_n_rows(500);
    job.mutable_data()->mutable_test()->set_n_rows(200);
    const Outcome expected = RunJob(job, 1, 1, 1);
    ASSERT_EQ(expected.exit_code, 0) << expected.error();
    for (const auto& [n_servers, n_workers] : {std::pair(1, 4), std::pair(3, 2)}) {
      const Outcome other = RunJob(job, n_servers, n_workers, 7);
      EXPECT_EQ(other.metrics, expected.metrics) << reader << " " << n_servers << "x" << n_workers;
    }
  }
}

TEST(WholeJob, SynchronousBitsOfBalancedTasksDependOnTheSlicesAlone) {
  for (Job job : JobOfEveryBalance()) {
    job.mutable_data()->mutable_train()->set_n_rows(500);
    job.mutable_data()->mutable_test()->set_n_rows(200);
    job.mutable_train()->set_epochs(4);
    const std::string balance = job.train().balance().ShortDebugString();
    const Outcome expected = RunJob(job, 1, 1, 1);
    ASSERT_EQ(expected.exit_code, 0) << balance << expected.error();
    for (const auto& [n_servers, n_workers] : {std::pair(1, 4), std::pair(3, 2)}) {
      const Outcome other = RunJob(job, n_servers, n_workers, 7);
      EXPECT_EQ(other.metrics, expected.metrics) << balance << " " << n_servers << "x" << n_workers;
    }
    job.mutable_train()->set_staleness(-1);
    EXPECT_EQ(RunJob(job, 2, 3, 5).exit_code, 0) << balance;
    job.mutable_train()->set_staleness(0);
    job.mutable_train()->clear_balance();
    EXPECT_NE(RunJob(job, 1, 1, 1).summary["train_loss"], expected.summary["train_loss"])
        << balance << " does nothing";
  }
}

TEST(WholeJob, SynchronousBitsOfRegularisedJobsDependOnTheSlicesAlone) {
  for (const char* hidden : {"normalization: BATCH", "dropout: 0.4", "normalization: LAYER",
                             "normalization: BATCH dropout: 0.1"}) {
    Job job = ExampleJob(
        std::string("mmoe { n_experts: 2 expert: 4 tower: 3 } hidden { ") + hidden + " }", 3);
    job.mutable_data()->mutable_train()->set_n_rows(700);
    job.mutable_data()->mutable_test()->set_n_rows(300);
    job.mutable_table(1)->set_l2(0.1);
    const Outcome expected = RunJob(job, 1, 1, 1);
    ASSERT_EQ(expected.exit_code, 0) << hidden << expected.error();
    for (const auto& [n_servers, n_workers] : {std::pair(1, 4), std::pair(3, 2)}) {
      const Outcome other = RunJob(job, n_servers, n_workers, 7);
      EXPECT_EQ(other.metrics, expected.metrics) << hidden << " " << n_servers << "x" << n_workers;
      EXPECT_EQ(other.summary["test_loss"], expected.summary["test_loss"]);
    }
    for (const int staleness : {-1, 2}) {
      job.mutable_train()->set_staleness(staleness);
      EXPECT_EQ(RunJob(job, 2, 3, 5).exit_code, 0) << hidden;
    }
    job.mutable_train()->set_staleness(0);
    job.mutable_table(1)->set_l2(0);
    EXPECT_NE(RunJob(job, 1, 1, 1).summary["train_loss"], expected.summary["train_loss"])
        << "l2 does nothing";
    job.mutable_model()->clear_hidden();
    EXPECT_NE(RunJob(job, 1, 1, 1).summary["train_loss"], expected.summary["train_loss"])
        << hidden << " does nothing";
  }
}

/// With statistics that fit, a model does on new rows about what it did in training; with the first
/// ones it would not.
TEST(WholeJob, BatchNormalisationUsesWhatTrainingSaw) {
  Job job = ExampleJob("shared_bottom { bottom: 16 tower: 8 } hidden { normalization: BATCH }", 4);
  job.mutable_train()->set_epochs(4);
  const Outcome outcome = RunJob(job, 1, 2, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_LT(outcome.summary["test_loss"].get<double>(),
            1.3 * outcome.summary["train_loss"].get<double>());
}

TEST(WholeJob, StopsEarlyEverywhereAndKeepsTheBest) {
  Job job = SmallJob(0);
  job.mutable_train()->set_epochs(30);
  job.mutable_table(1)->mutable_optimizer()->mutable_adam()->set_learning_rate(
      0.2);  // so that it overfits
  job.mutable_train()->mutable_early_stopping()->set_patience(2);
  job.mutable_train()->mutable_early_stopping()->set_keep_best(true);
  for (const int staleness : {0, -1, 3}) {
    job.mutable_train()->set_staleness(staleness);
    const Outcome outcome = RunJob(job, 2, 3, 1);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
    const int64_t n_epochs = outcome.summary["epochs"];
    const int64_t best = outcome.summary["early_stopping"]["best_epoch"];
    EXPECT_LT(n_epochs, 30);
    EXPECT_EQ(best, n_epochs - 2);
    EXPECT_EQ(outcome.summary["early_stopping"]["stopped"], true);
    EXPECT_EQ(outcome.summary["samples"], 700 * n_epochs);
    EXPECT_THAT(outcome.printed, HasSubstr("no better than after epoch " + std::to_string(best) +
                                           " in 2 evaluations"));
    // What is reported is the best epoch's.
    std::istringstream in(outcome.metrics);
    int n_found = 0;
    for (std::string text; std::getline(in, text);) {
      const Json line = Json::parse(text);
      if (line["split"] != "test" || line["epoch"] != best) continue;
      ++n_found;
      EXPECT_EQ(line["mse"], outcome.summary["tasks"][line["task"].get<std::string>()]["mse"]);
    }
    EXPECT_EQ(n_found, 2);
  }
}

TEST(WholeJob, TheValidationSplitDecidesAndTheTestSplitIsReported) {
  Job job = SmallJob(0);
  job.mutable_train()->set_epochs(4);
  job.mutable_train()->mutable_early_stopping()->set_keep_best(true);
  // A part of the training split: each epoch fits it better.
  *job.mutable_data()->mutable_validation() = job.data().train();
  job.mutable_data()->mutable_validation()->set_n_rows(200);
  const Outcome outcome = RunJob(job, 1, 1, 1);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  const int64_t best = outcome.summary["early_stopping"]["best_epoch"];
  EXPECT_NE(outcome.summary["validation"]["loss"], outcome.summary["test_loss"]);
  for (const Task& task : job.task()) {
    const std::vector<Json> validation = LinesOf(outcome.metrics, "validation", task.name());
    const std::vector<Json> test = LinesOf(outcome.metrics, "test", task.name());
    ASSERT_EQ(validation.size(), 4u);
    ASSERT_EQ(test.size(), 4u);
    const size_t at = static_cast<size_t>(best - 1);
    EXPECT_EQ(validation[0]["samples"], 200);
    EXPECT_EQ(outcome.summary["validation"]["tasks"][task.name()]["mse"], validation[at]["mse"]);
    EXPECT_EQ(outcome.summary["tasks"][task.name()]["mse"], test[at]["mse"]);
  }
  EXPECT_THAT(outcome.printed, HasSubstr("  validation loss "));
  EXPECT_THAT(outcome.printed, HasSubstr("validation split, 200 rows:\n"));
  // The best is that of the validation split, whatever the test split says.
  Job only = job;
  *only.mutable_data()->mutable_test() = job.data().validation();
  only.mutable_data()->clear_validation();
  const Outcome alone = RunJob(only, 1, 1, 1);
  EXPECT_EQ(alone.summary["early_stopping"]["best_epoch"], best);
  EXPECT_EQ(alone.summary["test_loss"], outcome.summary["validation"]["loss"]);
  EXPECT_EQ(RunJob(job, 2, 3, 5).metrics, outcome.metrics);
}

TEST(WholeJob, ToLookAtGradientsOfTasksChangesNoBit) {
  Job job = SmallJob(0);
  const Outcome without = RunJob(job, 1, 2, 1);
  job.mutable_train()->set_task_gradients_every(3);
  const Outcome with = RunJob(job, 1, 2, 1);
  EXPECT_EQ(with.summary["train_loss"], without.summary["train_loss"]);
  EXPECT_EQ(with.summary["test_loss"], without.summary["test_loss"]);
  EXPECT_EQ(with.metrics, RunJob(job, 2, 3, 2).metrics);
  std::istringstream in(with.metrics);
  int n_lines = 0;
  for (std::string text; std::getline(in, text);) {
    const Json line = Json::parse(text);
    EXPECT_EQ(line.contains("gradient_norm"), line["split"] == "train");
    if (line["split"] != "train") continue;
    ++n_lines;
    EXPECT_GT(line["gradient_norm"], 0);
    EXPECT_EQ(line["task_weight"], 1);
    const double cosine =
        line["gradient_cosine"][line["task"] == "rating" ? "first_group" : "rating"];
    EXPECT_LT(std::abs(cosine), 1);
  }
  EXPECT_EQ(n_lines, 4);
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
  for (const auto& [table, count] :
       {std::pair("users", "not_admitted"), std::pair("users", "rare"),
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

TEST(WholeJob, CopiesOfHotRowsSaveMostPullsWithMoreWorkersThanSlices) {
  for (const int staleness : {-1, 2}) {
    Job job = SmallJob(staleness);
    job.mutable_data()->mutable_train()->set_n_rows(3000);
    job.mutable_train()->set_batch_size(50);
    job.mutable_train()->set_slices(1);
    const Outcome without = RunJob(job, 2, 4, 1);
    for (Table& table : *job.mutable_table()) {
      table.mutable_hot_keys()->set_rows(256);
      table.mutable_hot_keys()->set_refresh_steps(8);
    }
    const Outcome with = RunJob(job, 2, 4, 1);
    ASSERT_EQ(with.exit_code, 0) << with.error();
    EXPECT_LT(with.summary["keys_pulled"].get<int64_t>() * 3,
              without.summary["keys_pulled"].get<int64_t>())
        << "staleness " << staleness;
  }
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
    job.mutable_table(0)->mutable_hot_keys()->set_refresh_steps(2 +
                                                                static_cast<int>(random.Below(3)));
  }
  const Outcome outcome = RunJob(job, n_servers, n_workers, GetParam());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.error();
  EXPECT_EQ(outcome.summary["samples"], 1400);
  EXPECT_EQ(outcome.summary["tasks"]["rating"]["samples"], 300);
  // 8 groups and 20 regions; 18 genres and 30 tags: all are seen in training, and nothing else may
  // be there.
  EXPECT_EQ(outcome.summary["tables"]["users"]["rows"], 28);
  EXPECT_EQ(outcome.summary["tables"]["items"]["rows"], 48);
  int64_t n_pushes = 0;
  for (const auto& count : outcome.summary["staleness"]) n_pushes += count.get<int64_t>();
  EXPECT_GT(n_pushes, 0);
  if (staleness == 0) {
    EXPECT_EQ(outcome.summary["staleness"].size(), 1u);
  }
  EXPECT_GT(outcome.summary["keys_pulled"], 1400) << "each row has keys of its own";
  EXPECT_EQ(outcome.summary["keys_pushed"], outcome.summary["keys_pulled"])
      << "every pull is answered";
  EXPECT_EQ(RunJob(job, n_servers, n_workers, GetParam()).trace, outcome.trace)
      << "the same seed, another run";
}

INSTANTIATE_TEST_SUITE_P(Seeds, EverySeed, ::testing::Range(uint64_t{1}, uint64_t{41}));

TEST(WholeJob, KeysThatOnlyTheTestSplitHasMakeNoRow) {
  TempFolder folder;
  Job job = SmallJob(0);
  const auto rows = [](const char* group, const char* tag) {
    std::string text =
        "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n";
    for (int i = 0; i < 600; ++i)
      text +=
          group + std::string("\tr1\tn2\t") + tag + "\t40\t0.5\t" + std::to_string(i % 5) + "\n";
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
  std::string text =
      "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n";
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
  EXPECT_THAT(
      RunJob(job, 2, 3, 1).error(),
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
      "rows.tsv",
      "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n"));
  const Outcome outcome = RunJob(job, 2, 3, 1);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.error(),
            "data.train: no rows: the files are empty, or first_row is past their end\n");
}

TEST(WholeJob, ATaskWithoutAnyLabelIsRefused) {
  TempFolder folder;
  Job job = SmallJob(0);
  *job.mutable_data()->mutable_text() =
      launch::job::ParseJob(launch::job::JobToText(SmallJob(0)), "job", ".", {}).data().text();
  std::string rows =
      "user_group\tuser_region\titem_genre\titem_tags\tuser_age\titem_quality\trating\n";
  for (int i = 0; i < 600; ++i) rows += "g0\tr1\tn2\tt3\t40\t0.5\t\n";
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_delimiter("\t");
  job.mutable_data()->clear_test();
  job.mutable_data()->mutable_train()->Clear();
  job.mutable_data()->mutable_train()->add_file(folder.Write("rows.tsv", rows));
  EXPECT_EQ(RunJob(job, 1, 2, 1).error(),
            "task rating: no example of data.train has a label (column rating)\n");
}

}  // namespace
}  // namespace zhiyin::testing
