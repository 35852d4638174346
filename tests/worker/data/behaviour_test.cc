#include "worker/data/behaviour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "common/error.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "worker/data/source.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::HasSubstr;

class BehaviourTest : public ::testing::Test {
 protected:
  Job JobOf(const std::string& hold_out, const std::string& lines) {
    const std::string file = folder_.Write("events.csv", "user,item,time,rating\n" + lines);
    return launch::job::ParseJob(R"(
      data { text { header: true } train { file: ")" +
                                     file + R"(" } test { file: ")" + file + R"(" }
        behaviour { user: "user" item: "item" time: "time" history_length: 2 )" +
                                     hold_out + R"( } }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "user" } field { name: "item" } field { name: "history" separator: "|" vocabulary: "item" }
      numeric { name: "item_log_share" standardise: false }
      task { name: "rating" label { at_least: 4 } binary_cross_entropy {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                                 "job", ".", {});
  }
  Rows Read(const Job& job, SplitKind split) {
    Rows rows;
    std::vector<BadLine> bad;
    MakeSource(job, split, model::LabelDomainsOf(job))->Read(0, &rows, &bad);
    EXPECT_TRUE(bad.empty());
    return rows;
  }
  testing::TempFolder folder_;
};

// In time: a likes x, y, z, x; b likes y.
constexpr const char* kLines = "a,z,30,5\na,x,10,1\nb,y,5,4\na,y,20,3\na,x,40,4\n";

TEST_F(BehaviourTest, HistoriesAreWhatCameBefore) {
  const auto behaviour = Behaviour::Read(JobOf("last: 1", kLines));
  ASSERT_EQ(behaviour->n_users(), 2);
  EXPECT_EQ(behaviour->HistoryBefore(0), "x|y");
  EXPECT_EQ(behaviour->HistoryBefore(1), "");
  EXPECT_EQ(behaviour->HistoryBefore(3), "x");
  EXPECT_EQ(behaviour->HistoryBefore(4), "y|z");  // the last two
  EXPECT_EQ(behaviour->HistoryOf(behaviour->FindUser("a")), "y|z");
  EXPECT_EQ(behaviour->FindUser("c"), -1);
}

TEST_F(BehaviourTest, TheLastOfEachUserIsOfTheTestSplitUnlessItIsTheOnlyOne) {
  const Job job = JobOf("last: 1", kLines);
  const auto behaviour = Behaviour::Read(job);
  EXPECT_TRUE(behaviour->IsHeldOut(4));
  EXPECT_FALSE(behaviour->IsHeldOut(2));
  const Rows train = Read(job, SplitKind::kTrain);
  const Rows test = Read(job, SplitKind::kTest);
  ASSERT_EQ(train.n, 4);
  ASSERT_EQ(test.n, 1);
  EXPECT_EQ(test.KeysOf(0, 2).size(), 2u);  // y and z
  EXPECT_EQ(test.KeysOf(0, 2)[1], train.KeysOf(0, 1)[0]);
  EXPECT_EQ(test.labels[0], 1);
  EXPECT_EQ(train.labels, (std::vector<float>{1, 0, 1, 0}));
  EXPECT_NEAR(test.numerics[0], std::log(0.25),
              1e-6);  // x, once among the four that are learned from
  EXPECT_NEAR(train.numerics[3], std::log(0.5), 1e-6);  // y
}

TEST_F(BehaviourTest, FromATimeOn) {
  const auto behaviour = Behaviour::Read(JobOf("from_time: 20", kLines));
  EXPECT_EQ(behaviour->n_events(), 2);
  EXPECT_EQ(behaviour->held_out(0).size(), 3u);
  EXPECT_EQ(behaviour->HistoryBefore(4), "x");  // what is held out is in no history
}

TEST_F(BehaviourTest, AShareIsDrawnByTheSeed) {
  std::string lines;
  for (int i = 0; i < 2000; ++i)
    lines += "u" + std::to_string(i % 7) + ",i" + std::to_string(i % 11) + "," + std::to_string(i) +
             ",3\n";
  const auto rows = [&](const std::string& seed) {
    const auto behaviour = Behaviour::Read(JobOf("share: 0.25 seed: " + seed, lines));
    std::set<int64_t> held_out;
    for (int64_t row = 0; row < 2000; ++row) {
      if (behaviour->IsHeldOut(row)) held_out.insert(row);
    }
    return held_out;
  };
  EXPECT_NEAR(static_cast<double>(rows("1").size()), 500, 80);
  EXPECT_EQ(rows("1"), rows("1"));
  EXPECT_NE(rows("1"), rows("2"));
}

TEST_F(BehaviourTest, RefusesWhatItCannotUse) {
  const auto error = [&](const std::string& hold_out, const std::string& lines) -> std::string {
    try {
      Behaviour::Read(JobOf(hold_out, lines));
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_THAT(error("last: 1", "a,x|y,1,2\n"),
              HasSubstr("events.csv:2: item \"x|y\", expected one without |"));
  EXPECT_THAT(error("", kLines), HasSubstr("data.behaviour: holds nothing out"));
  EXPECT_THAT(error("last: 0", kLines), HasSubstr("data.behaviour.last"));
  EXPECT_THAT(error("share: 1", kLines),
              HasSubstr("data.behaviour.share: is 1, expected more than 0 and less than 1"));
  EXPECT_THAT(error("last: 1 time: \"when\"", kLines), HasSubstr("time"));
}

TEST_F(BehaviourTest, WhatIsOnlyShownIsNoEvent) {
  // In time: a is shown x, likes y, is shown z, likes x; b is shown y. An event is a rating above
  // 0.
  const Job job = JobOf("last: 1 event: \"rating\"",
                        "a,z,30,0\na,x,10,0\nb,y,5,0\na,y,20,3\na,x,40,4\na,q,50,0\n");
  const auto behaviour = Behaviour::Read(job);
  EXPECT_EQ(behaviour->n_events(), 1);
  EXPECT_EQ(behaviour->HistoryBefore(0), "y");
  EXPECT_EQ(behaviour->HistoryOf(behaviour->FindUser("a")), "y");
  EXPECT_TRUE(behaviour->IsHeldOut(4));
  EXPECT_TRUE(behaviour->IsHeldOut(5)) << "behind the first event that is held out";
  EXPECT_FALSE(behaviour->IsHeldOut(0));
  EXPECT_FALSE(behaviour->IsHeldOut(2));
  EXPECT_TRUE(behaviour->IsLearnedEvent(3));
  EXPECT_FALSE(behaviour->IsLearnedEvent(0));
  EXPECT_EQ(Read(job, SplitKind::kTrain).n, 4) << "what was shown is learned from";
}

TEST_F(BehaviourTest, NegativesAreOtherItemsOfTheSameUser) {
  std::string lines;
  for (int i = 0; i < 20; ++i)
    lines += "a,i" + std::to_string(i) + "," + std::to_string(i) + ",5\n";
  for (int i = 20; i < 60; ++i)
    lines += "b,i" + std::to_string(i) + "," + std::to_string(i) + ",5\n";
  for (const char* by : {"UNIFORM", "POPULARITY"}) {
    const Job job = JobOf(
        std::string("last: 1 negatives { per_event: 3 by: ") + by + " task: \"rating\" }", lines);
    const Rows rows = Read(job, SplitKind::kTrain);
    ASSERT_EQ(rows.n, 58 * 4);
    std::set<Key> own;
    for (int64_t i = 0; i < 19 * 4; i += 4) own.insert(rows.KeysOf(i, 1)[0]);
    EXPECT_EQ(own.size(), 19u);
    for (int64_t i = 0; i < rows.n; ++i) {
      EXPECT_EQ(rows.labels[static_cast<size_t>(i)], i % 4 == 0 ? 1 : 0);
      EXPECT_EQ(rows.KeysOf(i, 0)[0], rows.KeysOf(i / 4 * 4, 0)[0]) << "the same user";
      if (i < 19 * 4 && i % 4 != 0) {
        EXPECT_EQ(own.count(rows.KeysOf(i, 1)[0]), 0u) << "an item that the user has";
      }
    }
    EXPECT_EQ(Read(job, SplitKind::kTest).n, 2) << "none in the test split";
    const Rows again = Read(job, SplitKind::kTrain);
    EXPECT_TRUE(again.keys == rows.keys);
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
