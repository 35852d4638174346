// Lists for users whose history is given, by a model whose vectors are written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "launch/apps/recommend/asked_lists.h"
#include "launch/apps/serve/served_model.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using worker::recommend::AskedUser;
using worker::recommend::ItemsOfHistory;
using worker::recommend::Recommender;

/// A user's vector is the sum of the two items that the user had last.
class AskedHistory : public ::testing::Test {
 protected:
  AskedHistory() : model_(ModelOf("history")), behaviour_(BehaviourOf(*model_)) {}

  /// `read` is the column that the model knows users by.
  std::shared_ptr<const worker::saved::FrozenModel> ModelOf(const std::string& read) {
    const std::string events =
        folder_.Write("events.csv",
                      "user,item,time,city,rating\nann,tea,1,x,5\nbob,coffee,2,x,4\n"
                      "bob,fish,3,x,1\nbob,cake,4,x,1\n");
    Manifest manifest;
    *manifest.mutable_job() =
        launch::job::ParseJob(R"(data { text { header: true } train { file: ")" + events + R"(" }
             behaviour { user: "user" item: "item" time: "time" history_length: 2 } }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "seen" column: ")" +
                                  read +
                                  R"(" separator: "|" vocabulary: "item" }
      field { name: "item" }
      task { name: "rating" label { number {} } squared_error {} }
      model { two_tower { user { field: "seen" } item { field: "item" } dim: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                              "job", ".", {});
    manifest.set_n_weights(2);
    auto model = std::make_shared<worker::saved::FrozenModel>(manifest);
    const auto add = [&](const std::string& value, std::vector<float> row) {
      model->AddRow(1, CategoryHasher("item")(value), row);
    };
    add("tea", {2, 0});
    add("coffee", {0, 2});
    add("fish", {-3, 0});
    add("cake", {1, 1});
    std::vector<float> line(kDenseRowDim);
    line[0] = 1;  // a prediction is the product of the vectors
    model->AddRow(kDenseTable, 0, line);
    return model;
  }
  static std::shared_ptr<const worker::data::Behaviour> BehaviourOf(
      const worker::saved::FrozenModel& model) {
    return worker::data::Behaviour::Read(model.job());
  }

  /// "name: item item", as a table of users asks for them.
  std::vector<std::string> ListsOf(const std::string& table, int k, bool exclude_seen) {
    const Recommender recommender(model_, nullptr, behaviour_,
                                  {.k = k, .exclude_seen = exclude_seen});
    Recommender::Session session(recommender);
    std::vector<std::string> lists;
    notes_.clear();
    for (const AskedUser& user :
         ReadUsers(folder_.Write("asked", table), model_->job(), recommender,
                   [&](const std::string& note) { notes_.push_back(note); })) {
      std::string list = user.name + ":";
      for (const auto& one : session.For(user)) list.append(" ").append(behaviour_->item(one.item));
      lists.push_back(list);
    }
    return lists;
  }
  nlohmann::json Served(const std::string& request) {
    const ServedModel served(model_, nullptr, {nullptr, behaviour_}, {.k = 2}, {});
    return nlohmann::json::parse(served.Recommend(nlohmann::json::parse(request)).dump());
  }
  std::string Refusal(const std::string& request) {
    try {
      Served(request);
    } catch (const RequestError& e) {
      return std::to_string(e.status()) + " " + e.what();
    }
    return "";
  }

  testing::TempFolder folder_;
  std::shared_ptr<const worker::saved::FrozenModel> model_;
  std::shared_ptr<const worker::data::Behaviour> behaviour_;
  std::vector<std::string> notes_;
};

TEST(ItemsOfHistory, StandBetweenBars) {
  EXPECT_THAT(ItemsOfHistory("b|a", true), ElementsAre("b", "a"));
  EXPECT_THAT(ItemsOfHistory(" b | | a|", true), ElementsAre("b", "a"));
  EXPECT_THAT(ItemsOfHistory(" b", false), ElementsAre(" b"));
  EXPECT_THAT(ItemsOfHistory("", true), ::testing::IsEmpty());
}

TEST_F(AskedHistory, OfAUserWithoutEventsIsFollowed) {
  EXPECT_THAT(ListsOf("user,history\neve,tea\nzoe,fish|coffee\nlea,\n", 1, false),
              ElementsAre("eve: tea", "zoe: fish"));
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr(":4: no user \"lea\"")));
}

TEST_F(AskedHistory, TakesThePlaceOfTheEventsOfAUser) {
  EXPECT_THAT(ListsOf("user,history\nann,\nann,coffee\n", 1, false),
              ElementsAre("ann: tea", "ann: coffee"));
  EXPECT_THAT(ListsOf("user,history\nann,coffee\n", 4, true), ElementsAre("ann: cake fish"))
      << "what was seen is left out, whoever says it";
}

TEST_F(AskedHistory, CountsAsFarAsThatOfTraining) {
  // The coffees alone: with the teas before them, tea would be the best.
  EXPECT_THAT(ListsOf("user,history\neve,tea|tea|tea|coffee|coffee\n", 1, false),
              ElementsAre("eve: coffee"));
}

TEST_F(AskedHistory, MayHaveUnknownItems) {
  EXPECT_THAT(ListsOf("user,history\neve,stone|tea\nzoe,stone\n", 1, false),
              ElementsAre("eve: tea", "zoe: tea"))
      << "of scores that are all 0 the first item";
}

TEST_F(AskedHistory, IsIgnoredWhereTheModelDoesNotReadIt) {
  model_ = ModelOf("city");
  behaviour_ = BehaviourOf(*model_);
  EXPECT_THROW(ListsOf("user,history\neve,tea\n", 1, false), Error);
  EXPECT_THAT(notes_, ::testing::Contains(HasSubstr("column \"history\" is none that the model "
                                                    "reads of a user: ignored")));
}

TEST_F(AskedHistory, IsServed) {
  const nlohmann::json text = Served(R"({"user": "eve", "columns": {"history": "fish|coffee"}})");
  EXPECT_EQ(text["items"][0]["item"], "cake");
  EXPECT_EQ(text["items"][0]["because"], (nlohmann::json{"coffee", "fish"}));
  EXPECT_EQ(text, Served(R"({"user": "eve", "columns": {"history": ["fish", " coffee "]}})"));
  EXPECT_EQ(Refusal(R"({"user": "eve", "columns": {"history": []}})"), "404 no user \"eve\"");
  EXPECT_THAT(Refusal(R"({"user": "eve", "columns": {"history": ["a|b"]}})"),
              HasSubstr("400 columns.history[0]: \"a|b\", expected an item"));
  EXPECT_THAT(Refusal(R"({"user": "eve", "columns": {"history": [["a"]]}})"),
              HasSubstr("400 columns.history[0]: an array"));
  EXPECT_THAT(Refusal(R"({"user": "eve", "columns": {"history": {"a": 1}}})"),
              HasSubstr("400 columns.history: an object"));
}

TEST_F(AskedHistory, IsThatOfTheEventsWhereARowLeavesItOut) {
  const ServedModel served(model_, nullptr, {nullptr, behaviour_}, {.k = 2}, {});
  const auto score = [&](const std::string& row) {
    return served.Score(nlohmann::json::parse("{\"rows\": [" + row + "]}")).dump();
  };
  const std::string of_bob = score(R"({"user": "bob", "item": "tea"})");
  EXPECT_EQ(of_bob, score(R"({"user": "eve", "item": "tea", "history": ["fish", "cake"]})"));
  EXPECT_NE(of_bob, score(R"({"user": "bob", "item": "tea", "history": "coffee"})"));
  EXPECT_NE(of_bob, score(R"({"user": "eve", "item": "tea"})"));
}

}  // namespace
}  // namespace zhiyin::launch::apps
