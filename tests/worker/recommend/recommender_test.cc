// Lists of a model whose vectors are written by hand.
#include "worker/recommend/recommender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "worker/recommend/baselines.h"
#include "worker/recommend/measure_lists.h"
#include "worker/saved/scored_split.h"

namespace zhiyin::worker::recommend {
namespace {

using ::testing::ElementsAre;

class RecommenderTest : public ::testing::Test {
 protected:
  RecommenderTest() {
    // The user ann has the item old; all others only make items known.
    const std::string file = folder_.Write(
        "events.csv",
        "user,item,time,rating\nann,old,1,5\nbob,near,2,4\nbob,nearer,3,4\nbob,other,4,4\n"
        "bob,bad,5,1\ncid,near,6,4\n");
    Manifest manifest;
    *manifest.mutable_job() = launch::job::ParseJob(
        R"(
      data { text { header: true } train { file: ")" +
            file + R"(" } behaviour { user: "user" item: "item" time: "time" } }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "user" } field { name: "item" }
      task { name: "rating" label { number {} } squared_error {} }
      model { two_tower { user { field: "user" } item { field: "item" } dim: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
        "job", ".", {});
    manifest.set_n_weights(2);
    auto model = std::make_shared<saved::FrozenModel>(manifest);
    const auto add = [&](const std::string& field, const std::string& value,
                         std::vector<float> row) {
      model->AddRow(1, CategoryHasher(field)(value), row);
    };
    add("user", "ann", {1, 0.5f});
    add("item", "old", {1, 0});
    add("item", "near", {2, 0});
    add("item", "nearer", {2.2f, 0.1f});
    add("item", "other", {0, 2});
    add("item", "bad", {-1, -1});
    std::vector<float> dense(kDenseRowDim);
    dense[0] = 2;  // rating = 2 score + 1
    dense[1] = 1;
    model->AddRow(kDenseTable, 0, dense);
    model_ = model;
    behaviour_ = data::Behaviour::Read(model_->job());
  }

  std::vector<std::string> ListOf(const std::string& user, const RecommendOptions& options) {
    const Recommender recommender(model_, nullptr, behaviour_, options);
    Recommender::Session session(recommender);
    last_ = session.For(behaviour_->FindUser(user));
    std::vector<std::string> names;
    for (const Recommended& one : last_) names.emplace_back(behaviour_->item(one.item));
    return names;
  }

  testing::TempFolder folder_;
  std::shared_ptr<const saved::FrozenModel> model_;
  std::shared_ptr<const data::Behaviour> behaviour_;
  std::vector<Recommended> last_;
};

TEST_F(RecommenderTest, TheBestThatWereNotSeen) {
  EXPECT_THAT(ListOf("ann", {.k = 3}), ElementsAre("nearer", "near", "other"));
  EXPECT_NEAR(last_[0].score, 2.25, 1e-6);
  EXPECT_EQ(last_[0].because, std::vector<int>{0});
  EXPECT_THAT(ListOf("ann", {.k = 9, .exclude_seen = false}),
              ElementsAre("nearer", "near", "old", "other", "bad"));
  EXPECT_TRUE(last_[2].because.empty()) << "an item does not explain itself";
}

TEST_F(RecommenderTest, AnItemExplainsOnceHoweverOftenAUserHasIt) {
  const Recommender recommender(model_, nullptr, behaviour_, {.k = 1});
  Recommender::Session session(recommender);
  const std::vector<Recommended> list =
      session.For({.number = behaviour_->FindUser("ann"),
                   .history = {"other", "old", "near", "old", "near", "other", "old"}});
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(behaviour_->item(list[0].item), "nearer");
  EXPECT_THAT(list[0].because,
              ElementsAre(behaviour_->FindItem("old"), behaviour_->FindItem("near")));
}

TEST_F(RecommenderTest, AFormulaRanksTheCandidates) {
  EXPECT_THAT(ListOf("ann", {.k = 2, .formula = "-rating"}), ElementsAre("bad", "other"));
  EXPECT_NEAR(last_[0].score, -(2 * -1.5 + 1), 1e-6);
  EXPECT_THAT(ListOf("ann", {.k = 2, .n_candidates = 2, .formula = "-rating"}),
              ElementsAre("near", "nearer"));
  EXPECT_THAT(ListOf("ann", {.k = 4, .formula = "log(rating - 4)"}),
              ElementsAre("nearer", "near", "other", "bad"))
      << "what is undefined comes last";
}

TEST_F(RecommenderTest, ADiverseListHasFewerOfAKind) {
  EXPECT_THAT(ListOf("ann", {.k = 2, .diversity_lambda = 0.5}), ElementsAre("nearer", "other"));
  EXPECT_THAT(ListOf("ann", {.k = 2, .diversity_lambda = 1}), ElementsAre("nearer", "near"));
}

TEST_F(RecommenderTest, AUserWithoutARowGetsItemsInTheirOrder) {
  EXPECT_THAT(ListOf("nobody", {.k = 2}), ElementsAre("old", "near"));
}

/// A ranker that prefers rare items scores them as it does when they are read from a file.
TEST_F(RecommenderTest, ARankerSeesHowFrequentAnItemIs) {
  Manifest manifest;
  *manifest.mutable_job() = launch::job::ParseJob(
      R"(
    data { text { header: true } train { file: ")" +
          model_->job().data().train().file(0) + R"(" } test { file: ")" +
          folder_.Write("test.csv", "user,item,time,rating\nann,near,7,5\nann,other,8,5\n") +
          R"(" } behaviour { user: "user" item: "item" time: "time" } }
    table { name: "t" dim: 1 optimizer { sgd { learning_rate: 1 } } }
    field { name: "item" }
    numeric { name: "item_log_share" }
    task { name: "rating" label { number {} } squared_error {} }
    model { linear {} }
    train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
      "job", ".", {});
  manifest.set_n_weights(2);
  manifest.add_numeric_mean(-1.5);
  manifest.add_numeric_scale(2);
  auto ranker = std::make_shared<saved::FrozenModel>(manifest);
  std::vector<float> dense(kDenseRowDim);
  dense[0] = -1;  // rating = 0.25 - share
  dense[1] = 0.25f;
  ranker->AddRow(kDenseTable, 0, dense);

  RecommendOptions options{.k = 9, .exclude_seen = false};
  options.only_items = {behaviour_->FindItem("near"), behaviour_->FindItem("other")};
  const Recommender recommender(model_, ranker, behaviour_, options);
  const auto list = Recommender::Session(recommender).For(behaviour_->FindUser("ann"));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(behaviour_->item(list[0].item), "other") << "it has one event, near has two";
  const std::vector<float> read = saved::ScoreSplit(*ranker, data::SplitKind::kTest).predictions[0];
  EXPECT_THAT(read, ElementsAre(::testing::FloatEq(static_cast<float>(list[1].score)),
                                ::testing::FloatEq(static_cast<float>(list[0].score))));
  EXPECT_NEAR(list[0].score, 0.25 - 2 * (std::log(1.0 / 6) + 1.5), 1e-5);
}

TEST_F(RecommenderTest, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(ListOf("ann", {.formula = "ratin"}), Error);
  EXPECT_THROW(ListOf("ann", {.diversity_lambda = 1.5}), Error);
}

TEST_F(RecommenderTest, WhatRestrictsTheListsRestrictsTheBaselinesAndWhatIsRelevant) {
  Job job = model_->job();
  job.mutable_data()->mutable_behaviour()->set_last(1);  // bob's last item is bad
  const std::shared_ptr<const data::Behaviour> behaviour = data::Behaviour::Read(job);
  const auto measure = [&](const std::vector<std::string>& only) {
    RecommendOptions options{.k = 1};
    for (const std::string& item : only) options.only_items.push_back(behaviour->FindItem(item));
    return MeasureLists(Recommender(model_, nullptr, behaviour, options), "towers");
  };
  const std::vector<MeasuredLists> rows = measure({"bad"}).rows;
  EXPECT_EQ(rows.back().name, "towers");
  EXPECT_GE(rows.size(), 4u);
  for (const MeasuredLists& row : rows) {
    EXPECT_EQ(row.metrics.n_users, 1) << row.name;
    EXPECT_EQ(row.metrics.recall.mean, 1) << row.name << " has a list of the one item";
    EXPECT_EQ(row.metrics.coverage, 1) << row.name;
  }
  EXPECT_THAT([&] { measure({"other"}); }, ::testing::ThrowsMessage<Error>(::testing::HasSubstr(
                                               "1 of items that are not given (--items)")));
}

TEST_F(RecommenderTest, MeasuringSaysWhatItLeavesOutAndWhy) {
  const auto measure = [&](const std::string& events, RecommendOptions options = {.k = 1}) {
    Job job = model_->job();
    job.mutable_data()->mutable_behaviour()->set_from_time(10);
    job.mutable_data()->mutable_train()->set_file(0, folder_.Write("held.csv", events));
    return MeasureLists(Recommender(model_, nullptr, data::Behaviour::Read(job), options),
                        "towers");
  };
  const std::string begin = "user,item,time,rating\nann,old,1,5\nbob,near,2,5\n";
  EXPECT_THAT(
      measure(begin + "ann,old,10,5\nbob,old,11,5\nbob,old,12,5\ncid,near,3,5\n").left_out,
      ElementsAre("left out: 2 of 3 held-out events: 1 of items that the user has training "
                  "events with (with --seen they can be in lists), 1 of items that the user "
                  "has another held-out event with",
                  "left out: 2 of 3 users: 1 without a held-out event, 1 whose held-out "
                  "events are all left out"));
  EXPECT_THAT(
      measure("user,item,time,rating\nann,old,1,5\nbob,near,10,5\nann,near,10,5\n").left_out,
      ElementsAre());
  EXPECT_THAT([&] { measure(begin + "ann,old,10,5\n"); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr(
                  "no held-out event is left to measure: left out: 1 of 1 held-out events: 1 of "
                  "items that the user has training events with")));
  EXPECT_THAT([&] { measure(begin); }, ::testing::ThrowsMessage<Error>(::testing::HasSubstr(
                                           "no event is held out, expected data.behaviour with")));
}

TEST_F(RecommenderTest, AGraphThatFindsTooLittleIsNotUsed) {
  RecommendOptions options{.k = 3, .approximate = true};
  const Recommender graph(model_, nullptr, behaviour_, options);
  EXPECT_EQ(graph.about_index(),
            "--index=hnsw finds 1.000 of the best 200 items, measured on 3 users");
  options.min_recall = 1.5;  // more than there is
  const Recommender scan(model_, nullptr, behaviour_, options);
  EXPECT_THAT(scan.about_index(), ::testing::HasSubstr(", expected at least --min_recall=1.5: all "
                                                       "items are scanned"));
  EXPECT_EQ(Recommender(model_, nullptr, behaviour_, {}).about_index(), "");
  EXPECT_THAT(ListOf("ann", options), ElementsAre("nearer", "near", "other"));
}

TEST_F(RecommenderTest, Baselines) {
  const auto best = [&](const std::unique_ptr<Baseline>& baseline, const std::string& user) {
    std::vector<float> scores(static_cast<size_t>(behaviour_->n_items()));
    std::vector<std::string> names;
    for (const int item :
         BestItems(*baseline, behaviour_->FindUser(user), 2,
                   CandidateItems(*behaviour_, {}).ExcludedFor(behaviour_->FindUser(user)), scores))
      names.emplace_back(behaviour_->item(item));
    return names;
  };
  EXPECT_THAT(best(MakeMostPopular(*behaviour_), "ann"), ElementsAre("near", "nearer"));
  // What cid has, near, goes with nearer, other and bad (all of bob) and not with old.
  EXPECT_THAT(best(MakeItemNeighbours(*behaviour_, 100), "cid"), ElementsAre("nearer", "other"));
  std::vector<float> scores(5);
  MakeItemNeighbours(*behaviour_, 100)->Score(behaviour_->FindUser("cid"), scores);
  EXPECT_NEAR(scores[2], 1 / std::sqrt(2.0), 1e-6);
  EXPECT_EQ(scores[0], 0);
  MakeImplicitFactorization(*behaviour_, 2, 10, 0.1, 20)
      ->Score(behaviour_->FindUser("bob"), scores);
  EXPECT_GT(scores[1], 0.8);
  EXPECT_LT(scores[0], 0.3);
}

}  // namespace
}  // namespace zhiyin::worker::recommend
