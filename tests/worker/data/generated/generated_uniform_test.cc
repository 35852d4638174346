#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/support/data_jobs.h"
#include "worker/data/generated/world.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using zhiyin::testing::AddField;
using zhiyin::testing::AddTask;
using zhiyin::testing::CollectBlocks;
using zhiyin::testing::Collected;
using zhiyin::testing::CollectTrain;
using zhiyin::testing::ExpectSameRows;

Job UniformJob(int64_t n_rows, uint64_t seed) {
  Job job;
  GeneratedUniform* uniform = job.mutable_data()->mutable_generated_uniform();
  uniform->set_n_rows(n_rows);
  uniform->set_n_columns(3);
  uniform->set_n_categories(10);
  uniform->set_n_labels(2);
  uniform->set_seed(seed);
  for (const char* name : {"category_0", "category_1", "category_2"})
    AddField(&job, name)->set_vocabulary("category");
  AddTask(&job, "label_0");
  AddTask(&job, "label_1");
  job.mutable_data()->mutable_train();
  return job;
}

TEST(GeneratedUniform, DrawsAllValuesAboutEquallyOften) {
  const Examples rows = CollectTrain(UniformJob(3000, 1)).rows;
  ASSERT_EQ(rows.n, 3000);
  std::map<Key, int> n_of_key;
  for (const Key key : rows.keys) ++n_of_key[key];
  EXPECT_EQ(n_of_key.size(), 10u);  // one vocabulary
  for (const auto& [key, n] : n_of_key) EXPECT_NEAR(n, 900, 150);
  for (size_t task = 0; task < 2; ++task) {
    int n_ones = 0;
    for (size_t i = task; i < rows.labels.size(); i += 2) {
      ASSERT_TRUE(rows.labels[i] == 0 || rows.labels[i] == 1);
      n_ones += rows.labels[i] == 1;
    }
    EXPECT_NEAR(n_ones, 1500, 150);
  }
}

TEST(GeneratedUniform, IsAFunctionOfSeedAndRow) {
  const Job job = UniformJob(600, 7);
  const auto source = MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job));
  const Collected backwards = CollectBlocks(source.get(), {2, 0, 1});
  EXPECT_EQ(backwards.n_seen, 600);
  const auto again = MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job));
  ExpectSameRows(CollectBlocks(again.get(), {2, 0, 1}).rows, backwards.rows);
  EXPECT_NE(CollectTrain(UniformJob(600, 8)).rows.keys, CollectTrain(job).rows.keys);

  // A split's rows are those of the whole at their place.
  Job part = job;
  part.mutable_data()->mutable_train()->set_first_row(256);
  part.mutable_data()->mutable_train()->set_n_rows(256);
  ExpectSameRows(CollectTrain(part).rows, CollectBlocks(again.get(), {1}).rows);
}

}  // namespace
}  // namespace zhiyin::worker::data
