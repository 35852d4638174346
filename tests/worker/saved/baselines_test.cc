#include "worker/saved/baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "launch/job/load_job.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::worker::saved {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::IsEmpty;

/// Four examples of items 7, 7, 9 and none, and of two tasks with a missing label each.
data::Examples TrainingExamples() {
  data::Examples rows(1, 0, 2);
  rows.n = 4;
  rows.keys = {7, 7, 9};
  rows.key_begin = {0, 1, 2, 3, 3};
  rows.labels = {1, 10, 0, 20, 1, kMissing, kMissing, 30};
  return rows;
}

/// Examples of item 9, of an item that training does not have, of none, and of item 7.
std::vector<data::Examples> PredictedBlocks() {
  data::Examples first(1, 0, 2);
  first.n = 2;
  first.keys = {9, 5};
  first.key_begin = {0, 1, 2};
  data::Examples second(1, 0, 2);
  second.n = 2;
  second.keys = {7};
  second.key_begin = {0, 0, 1};
  return {first, second};
}

TEST(MeanLabels, PredictsTheMeanOfAnItemWithTenExamplesOfTheMeanOfAll) {
  MeanLabels means(2, 0);
  means.Add(TrainingExamples());
  const Baselines found = means.Predict(PredictedBlocks());
  // Task 0 has the mean 2/3. Item 9 has one label, of sum 1, and item 7 two, of sum 1; the example
  // without an item has none.
  ASSERT_EQ(found.by_item.size(), 2u);
  EXPECT_THAT(found.by_item[0], ElementsAre(FloatEq(23.0f / 33), FloatEq(2.0f / 3),
                                            FloatEq(2.0f / 3), FloatEq(23.0f / 36)));
  // Task 1 has the mean 20. Item 9 has no label, item 7 two, of sum 30, and no item one, of 30.
  EXPECT_THAT(found.by_item[1],
              ElementsAre(FloatEq(20), FloatEq(20), FloatEq(230.0f / 11), FloatEq(230.0f / 12)));
  ASSERT_EQ(found.constant.size(), 2u);
  EXPECT_THAT(found.constant[0], ElementsAre(FloatEq(2.0f / 3), FloatEq(2.0f / 3),
                                             FloatEq(2.0f / 3), FloatEq(2.0f / 3)));
  EXPECT_THAT(found.constant[1], ElementsAre(20, 20, 20, 20));
}

TEST(MeanLabels, CountsExamplesOfAllCalls) {
  MeanLabels means(2, 0);
  means.Add(TrainingExamples());
  means.Add(TrainingExamples());
  const Baselines found = means.Predict(PredictedBlocks());
  EXPECT_THAT(found.constant[1], ElementsAre(20, 20, 20, 20));
  EXPECT_FLOAT_EQ(found.by_item[1][3], (60.0f + 200) / 14);  // item 7
}

TEST(MeanLabels, CountsExamplesByTheirWeights) {
  data::Examples examples = TrainingExamples();
  examples.weights = {3, 1, 1, 1, 0, 1, 1, 2};
  MeanLabels means(2, 0);
  means.Add(examples);
  const Baselines found = means.Predict(PredictedBlocks());
  // Task 0: the sum 3 of labels of weight 4, all of them of item 7.
  EXPECT_FLOAT_EQ(found.constant[0][0], 0.75f);
  EXPECT_FLOAT_EQ(found.by_item[0][0], 0.75f);
  EXPECT_FLOAT_EQ(found.by_item[0][3], (3 + 7.5f) / 14);
  // Task 1: 10 and 20 once each, 30 twice.
  EXPECT_FLOAT_EQ(found.constant[1][0], 22.5f);
}

TEST(MeanLabels, WithoutAFieldOfItemsHasOneMean) {
  MeanLabels means(2, std::nullopt);
  means.Add(TrainingExamples());
  const Baselines found = means.Predict(PredictedBlocks());
  EXPECT_THAT(found.by_item, IsEmpty());
  EXPECT_THAT(found.constant[1], ElementsAre(20, 20, 20, 20));
}

TEST(MeanLabels, WithoutLabelsPredictsZero) {
  const Baselines found = MeanLabels(1, 0).Predict(PredictedBlocks());
  EXPECT_THAT(found.constant, ElementsAre(ElementsAre(0, 0, 0, 0)));
  EXPECT_THAT(found.by_item, ElementsAre(ElementsAre(0, 0, 0, 0)));
}

/// A job on this file that predicts ratings; `behaviour` is text of its data.
Job RatingsJob(const std::string& file, const std::string& behaviour) {
  return launch::job::ParseJob(
      R"(data { max_bad_share: 0.5 text { header: true } train { file: ")" + file + R"(" } )" +
          behaviour + R"( }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "user" } field { name: "item" }
      task { name: "rating" label { number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
      "job", ".", {});
}

TEST(FindBaselines, ReadsTheTrainingSplit) {
  const testing::TempFolder folder;
  const std::string file = folder.Write("events.csv",
                                        "user,item,time,rating\nann,a,1,5\nbob,a,2,3\nmalformed\n"
                                        "ann,b,3,1\n");
  const Job with_items =
      RatingsJob(file, R"(behaviour { user: "user" item: "item" time: "time" })");
  const std::vector<data::Examples> blocks = {testing::CollectTrain(with_items).rows};
  const Baselines found = FindBaselines(with_items, blocks);
  EXPECT_THAT(found.constant, ElementsAre(ElementsAre(3, 3, 3)));
  EXPECT_THAT(found.by_item, ElementsAre(ElementsAre(FloatEq(38.0f / 12), FloatEq(38.0f / 12),
                                                     FloatEq(31.0f / 11))));

  EXPECT_THAT(FindBaselines(RatingsJob(file, ""), blocks).by_item, IsEmpty());

  Job without_file = with_items;
  without_file.mutable_data()->mutable_train()->set_file(0, folder.Path("missing.csv"));
  EXPECT_THROW(FindBaselines(without_file, blocks), Error);
}

}  // namespace
}  // namespace zhiyin::worker::saved
