#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <map>
#include <sstream>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/generated/world.h"
#include "worker/data/writer/table_format.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;
using zhiyin::testing::CollectBlocks;
using zhiyin::testing::Collected;
using zhiyin::testing::CollectTrain;
using zhiyin::testing::ExpectSameRows;
using zhiyin::testing::TempFolder;

/// A job on all columns of generated ratings.
Job RatingsJob(int64_t n_rows, double noise, uint64_t seed) {
  Job job;
  GeneratedRatings* ratings = job.mutable_data()->mutable_generated_ratings();
  ratings->set_n_rows(n_rows);
  ratings->set_noise(noise);
  ratings->set_seed(seed);
  for (const char* name : {"user_group", "user_region", "item_genre", "item_maker"})
    AddField(&job, name);
  AddField(&job, "item_tags")->set_separator("|");
  for (const char* name : {"user_age", "user_activity", "item_age", "item_quality"})
    AddNumeric(&job, name);
  AddTask(&job, "rating");
  return job;
}

/// Mean squared error of the best linear model of all inputs, found by solving the normal
/// equations.
double LeastSquaresError(const Examples& rows) {
  std::map<Key, Eigen::Index> column_of;
  const Eigen::Index n_numbers = 1 + rows.n_numerics;
  for (const Key key : rows.keys)
    column_of.try_emplace(key, n_numbers + static_cast<Eigen::Index>(column_of.size()));
  Eigen::MatrixXd x =
      Eigen::MatrixXd::Zero(rows.n, n_numbers + static_cast<Eigen::Index>(column_of.size()));
  Eigen::VectorXd y(rows.n);
  for (int64_t i = 0; i < rows.n; ++i) {
    x(i, 0) = 1;
    for (int j = 0; j < rows.n_numerics; ++j)
      x(i, 1 + j) = rows.numerics[static_cast<size_t>(i * rows.n_numerics + j)] / 100;
    for (int f = 0; f < rows.n_fields; ++f) {
      for (const Key key : rows.KeysOf(i, f)) x(i, column_of.at(key)) += 1;
    }
    y(i) = rows.labels[static_cast<size_t>(i)];
  }
  const Eigen::VectorXd w =
      (x.transpose() * x).completeOrthogonalDecomposition().solve(x.transpose() * y);
  return (x * w - y).squaredNorm() / static_cast<double>(rows.n);
}

TEST(GeneratedRatings, AreLinearInTheirInputsButForTheNoise) {
  EXPECT_LT(LeastSquaresError(CollectTrain(RatingsJob(4000, 0, 1)).rows), 1e-9);
  EXPECT_NEAR(LeastSquaresError(CollectTrain(RatingsJob(8000, 0.5, 2)).rows), 0.25, 0.015);
  Job default_noise = RatingsJob(8000, 0, 2);
  default_noise.mutable_data()->mutable_generated_ratings()->clear_noise();
  ExpectSameRows(CollectTrain(default_noise).rows, CollectTrain(RatingsJob(8000, 0.5, 2)).rows);
}

TEST(GeneratedRatings, HaveAllTheirCategories) {
  const Examples rows = CollectTrain(RatingsJob(5000, 0.5, 3)).rows;
  std::map<int, std::map<Key, int>> counts;
  size_t n_most_tags = 0;
  for (int64_t i = 0; i < rows.n; ++i) {
    for (int f = 0; f < rows.n_fields; ++f) {
      for (const Key key : rows.KeysOf(i, f)) ++counts[f][key];
    }
    n_most_tags = std::max(n_most_tags, rows.KeysOf(i, 4).size());
  }
  EXPECT_EQ(counts[0].size(), 8u);
  EXPECT_EQ(counts[1].size(), 20u);
  EXPECT_EQ(counts[2].size(), 18u);
  EXPECT_EQ(counts[3].size(), 50u);
  EXPECT_EQ(counts[4].size(), 30u);
  EXPECT_EQ(n_most_tags, 3u);
}

TEST(GeneratedRatings, WrittenAsTextAreTheSameRows) {
  Job job = RatingsJob(1000, 0.5, 4);
  job.mutable_numeric(1)->set_log1p(true);
  Field* bucket = AddField(&job, "age_group", "#0");
  bucket->add_bucket(30);
  bucket->add_bucket(50);
  std::ostringstream text;
  WriteTable(GeneratedTable(job.data()), kTsvTable, &text);
  EXPECT_TRUE(text.str().starts_with("user_age\tuser_activity\tuser_group\t"))
      << text.str().substr(0, 100);

  TempFolder folder;
  Job text_job = job;
  text_job.mutable_data()->mutable_text()->set_delimiter("\t");
  text_job.mutable_data()->mutable_text()->set_header(true);
  text_job.mutable_data()->mutable_train()->add_file(folder.Write("ratings.tsv", text.str()));
  for (const int64_t first_row : {0, 300}) {
    for (Job* either : {&job, &text_job}) {
      either->mutable_data()->mutable_train()->set_first_row(first_row);
      either->mutable_data()->mutable_train()->set_n_rows(600);
    }
    const Collected generated = CollectTrain(job);
    const Collected read = CollectTrain(text_job);
    EXPECT_EQ(generated.rows.n, 600);
    EXPECT_THAT(read.bad, IsEmpty());
    EXPECT_EQ(read.blocks, generated.blocks);
    ExpectSameRows(read.rows, generated.rows);
  }
}

TEST(GeneratedRatings, ARowIsAFunctionOfSeedAndPosition) {
  const Examples all = CollectTrain(RatingsJob(1000, 0.5, 5)).rows;
  Job job = RatingsJob(2000, 0.5, 5);
  job.mutable_data()->mutable_train()->set_first_row(512);
  job.mutable_data()->mutable_train()->set_n_rows(488);
  const auto source = MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job));
  const Collected second = CollectBlocks(source.get(), {1});
  EXPECT_EQ(second.n_seen, 232);
  Examples expected(all.n_fields, all.n_numerics, all.n_tasks);
  for (int64_t i = 768; i < 1000; ++i) expected.Append(all, i);
  ExpectSameRows(second.rows, expected);
  EXPECT_NE(CollectTrain(RatingsJob(1000, 0.5, 6)).rows.labels, all.labels);
}

TEST(GeneratedRatings, ASplitEndsWithTheRows) {
  Job job = RatingsJob(1000, 0.5, 5);
  job.mutable_data()->mutable_train()->set_first_row(900);
  job.mutable_data()->mutable_train()->set_n_rows(5000);
  EXPECT_EQ(CollectTrain(job).rows.n, 100);
  job.mutable_data()->mutable_train()->set_first_row(2000);
  EXPECT_EQ(CollectTrain(job).n_seen, 0);
}

TEST(GeneratedRatings, RefuseWhatTextWouldRefuse) {
  Job job = RatingsJob(10, 0.5, 5);
  AddNumeric(&job, "user_regoin");
  EXPECT_THAT([&] { MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job)); },
              ThrowsMessage<Error>(
                  HasSubstr("data.generated_ratings: no column \"user_regoin\" (numeric[4] "
                            "\"user_regoin\"); the nearest is \"user_region\"")));
  job.mutable_numeric(4)->set_column("user_group");
  const Collected all = CollectTrain(job);
  EXPECT_EQ(all.rows.n, 0);
  ASSERT_EQ(all.bad.size(), 10u);
  EXPECT_THAT(all.bad[9].Text(),
              HasSubstr("generated_ratings: row 9: numeric \"user_regoin\" (column #2): \"group"));
}

}  // namespace
}  // namespace zhiyin::worker::data
