// Users who are asked for with what is known of them, by a model whose vectors are written by hand.
#include "launch/apps/recommend/asked_lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "worker/recommend/measure_lists.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using worker::recommend::AskedUser;
using worker::recommend::Recommender;

/// A user's city is joined by the user, its region by the city. In the west people like tea, in
/// the east coffee; in the city port, fish.
class AskedLists : public ::testing::Test {
 protected:
  AskedLists() {
    const std::string events = folder_.Write(
        "events.csv",
        "user,item,time,rating\nann,tea,1,5\nbob,coffee,2,4\nuser,coffee,3,4\nbob,fish,4,1\n");
    const std::string users = folder_.Write("users.csv", "user,city\nann,hill\nbob,port\n");
    const std::string cities =
        folder_.Write("cities.csv", "city,region\nhill,west\nport,east\nlake,west\n");
    const std::string items = folder_.Write("items.csv", "item,kind\ntea,drink\ncoffee,drink\n");
    Manifest manifest;
    *manifest.mutable_job() =
        launch::job::ParseJob(R"(data { text { header: true } train { file: ")" + events + R"(" }
             behaviour { user: "user" item: "item" time: "time" }
             join { file: ")" + users +
                                  R"(" column: "user" }
             join { file: ")" + cities +
                                  R"(" column: "city" }
             join { file: ")" + items +
                                  R"(" column: "item" } }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "city" } field { name: "region" } field { name: "item" } field { name: "kind" }
      task { name: "rating" label { number {} } squared_error {} }
      model { two_tower { user { field: "city" field: "region" }
                          item { field: "item" field: "kind" } dim: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                              "job", ".", {});
    manifest.set_n_weights(2);
    auto model = std::make_shared<worker::saved::FrozenModel>(manifest);
    const auto add = [&](const std::string& field, const std::string& value,
                         std::vector<float> row) {
      model->AddRow(1, CategoryHasher(field)(value), row);
    };
    add("region", "west", {1, 0});
    add("region", "east", {0, 1});
    add("city", "port", {-1, 0});
    add("item", "tea", {2, 0});
    add("item", "coffee", {0, 2});
    add("item", "fish", {-3, 0});
    model->AddRow(kDenseTable, 0, std::vector<float>(kDenseRowDim));
    model_ = model;
    behaviour_ = worker::data::Behaviour::Read(model_->job());
    recommender_ = std::make_unique<Recommender>(
        model_, nullptr, behaviour_,
        worker::recommend::RecommendOptions{.k = 1, .exclude_seen = false});
  }

  std::vector<AskedUser> Read(const std::string& content) {
    notes_.clear();
    return ReadUsers(folder_.Write("asked", content), model_->job(), *recommender_,
                     [&](const std::string& note) { notes_.push_back(note); });
  }
  /// The best item of each user: "name item".
  std::vector<std::string> BestOf(const std::string& content) {
    std::vector<std::string> best;
    Recommender::Session session(*recommender_);
    for (const AskedUser& user : Read(content))
      best.push_back(TextOf(user.name, " ", behaviour_->item(session.For(user).at(0).item)));
    return best;
  }
  std::string At(const std::string& text) const { return folder_.Path("asked") + text; }

  testing::TempFolder folder_;
  std::shared_ptr<const worker::saved::FrozenModel> model_;
  std::shared_ptr<const worker::data::Behaviour> behaviour_;
  std::unique_ptr<Recommender> recommender_;
  std::vector<std::string> notes_;
};

TEST_F(AskedLists, OfAListWithoutAHeaderUnknownUsersAreNamedAndLeftOut) {
  EXPECT_THAT(BestOf("ann\n bob \neve\nann\n"), ElementsAre("ann tea", "bob fish", "ann tea"));
  EXPECT_THAT(notes_,
              ElementsAre(At(":3: no user \"eve\" among the 3 users of data.train: left out"),
                          At(": 1 of 4 lines are left out")));
  EXPECT_THAT(BestOf("bob\n"), ElementsAre("bob fish"));
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_THAT(Read("user\n"), ::testing::SizeIs(1)) << "a user of that name";
}

TEST_F(AskedLists, FewOfManyAreNamed) {
  std::string names = "ann\n";
  for (int i = 0; i < 100; ++i) names += "x" + std::to_string(i) + "\n";
  EXPECT_THAT(Read(names), ::testing::SizeIs(1));
  ASSERT_EQ(notes_.size(), 11u);
  EXPECT_EQ(notes_.back(), At(": 100 of 101 lines are left out"));
}

TEST_F(AskedLists, ATableSaysWhatIsKnownOfAUser) {
  // eve is in no file; her region is that of her city. ann's city is not what users.csv says.
  EXPECT_THAT(BestOf("user,city\neve,lake\nzoe,port\nann,port\nbob,\n"),
              ElementsAre("eve tea", "zoe fish", "ann fish", "bob fish"));
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_THAT(BestOf("region,user\neast,eve\n"), ElementsAre("eve coffee"));
}

TEST_F(AskedLists, WhatIsNotKnownInATableIsLeftOut) {
  EXPECT_THAT(BestOf("user,city,kind,age\neve,,drink,7\nzoe,hill\nlea,hill,x,1\n"),
              ElementsAre("lea tea"));
  EXPECT_THAT(
      notes_,
      ElementsAre(At(":1: column \"kind\" is none that the model reads of a user: ignored"),
                  At(":1: column \"age\" is none that the model reads of a user: ignored"),
                  At(":2: no user \"eve\" among the 3 users of data.train: left out"),
                  At(":3: 2 columns, expected 4: left out"), At(": 2 of 3 lines are left out")));
}

TEST_F(AskedLists, AMalformedLineIsLeftOut) {
  EXPECT_THAT(BestOf("ann\n\xff\nbob\n"), ElementsAre("ann tea", "bob fish"));
  EXPECT_THAT(notes_, ElementsAre(At(":2: byte 0 is not UTF-8, expected UTF-8 text: left out"),
                                  At(": 1 of 3 lines are left out")));
}

TEST_F(AskedLists, WhereNoneIsLeftItIsRefused) {
  EXPECT_THAT([&] { Read("eve\nzoe\n"); },
              ::testing::ThrowsMessage<Error>(HasSubstr("none of its lines is of use, expected a "
                                                        "user of data.train a line")));
  EXPECT_THAT([&] { Read(""); }, ::testing::ThrowsMessage<Error>(HasSubstr("is empty, expected")));
}

TEST_F(AskedLists, UsersToWhomNothingIsLeftAreCounted) {
  // bob has had all that may be recommended, ann none of it.
  const Recommender recommender(
      model_, nullptr, behaviour_,
      {.k = 3, .only_items = {behaviour_->FindItem("coffee"), behaviour_->FindItem("fish")}});
  const auto note_for = [&](const std::vector<AskedUser>& users) {
    notes_.clear();
    NoteEmptyLists(users, worker::recommend::ListsFor(recommender, users),
                   [&](const std::string& note) { notes_.push_back(note); });
  };
  const AskedUser ann{behaviour_->FindUser("ann"), "ann"};
  const AskedUser bob{behaviour_->FindUser("bob"), "bob"};
  note_for({ann, bob, ann, bob});
  EXPECT_THAT(notes_, ElementsAre("2 of 4 users have no line: no item is left that may be "
                                  "recommended to them (the first is \"bob\")"));
  note_for({ann});
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(AskedLists, UnknownItemsAreNamedAndLeftOut) {
  const auto read = [&](const std::string& content) {
    notes_.clear();
    return ReadItems(folder_.Write("asked", content), model_->job(), *behaviour_,
                     [&](const std::string& note) { notes_.push_back(note); });
  };
  EXPECT_THAT(read("fish\nstone\ntea\n"), ElementsAre(2, 0));
  EXPECT_THAT(notes_, ElementsAre(At(":2: no item \"stone\" among the 3 items of data.train and "
                                     "data.join: left out"),
                                  At(": 1 of 3 lines are left out")));
  EXPECT_THROW(read("stone\n"), Error);
}

}  // namespace
}  // namespace zhiyin::launch::apps
