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
    for (const Recommended& one : last_) names.push_back(behaviour_->item(one.item));
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

TEST_F(RecommenderTest, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(ListOf("ann", {.formula = "ratin"}), Error);
  EXPECT_THROW(ListOf("ann", {.diversity_lambda = 1.5}), Error);
}

TEST_F(RecommenderTest, Baselines) {
  const auto best = [&](const std::unique_ptr<Baseline>& baseline, const std::string& user) {
    std::vector<float> scores(static_cast<size_t>(behaviour_->n_items()));
    std::vector<std::string> names;
    for (const int item :
         BestUnseen(*behaviour_, *baseline, behaviour_->FindUser(user), 2, true, scores))
      names.push_back(behaviour_->item(item));
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
