#include "worker/data/behaviour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "common/error.h"
#include "common/random.h"
#include "common/tick.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "worker/data/records.h"
#include "worker/data/source.h"
#include "worker/data/text_columns.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::HasSubstr;

class BehaviourTest : public ::testing::Test {
 protected:
  /// `validates`: whether there is a validation split, of the training files as all are.
  Job JobOf(const std::string& hold_out, const std::string& lines, bool validates = false) {
    const std::string file = folder_.Write("events.csv", "user,item,time,rating\n" + lines);
    return launch::job::ParseJob(R"(
      data { text { header: true } train { file: ")" +
                                     file + R"(" } test { file: ")" + file + R"(" } )" +
                                     (validates ? "validation { file: \"" + file + "\" }" : "") +
                                     R"(
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
  Examples Read(const Job& job, SplitKind split) {
    Examples rows;
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
  const Examples train = Read(job, SplitKind::kTrain);
  const Examples test = Read(job, SplitKind::kTest);
  ASSERT_EQ(train.n, 4);
  ASSERT_EQ(test.n, 1);
  EXPECT_EQ(test.KeysOf(0, 2).size(), 2u);  // y and z
  EXPECT_EQ(test.KeysOf(0, 2)[1], train.KeysOf(0, 1)[0]);
  EXPECT_EQ(test.labels[0], 1);
  EXPECT_EQ(train.labels, (std::vector<double>{1, 0, 1, 0}));
  EXPECT_NEAR(test.numerics[0], std::log(0.25),
              1e-6);  // x, once among the four that are learned from
  EXPECT_NEAR(train.numerics[3], std::log(0.5), 1e-6);  // y
}

TEST_F(BehaviourTest, AMissingUserItemOrTimeMakesNoEvent) {
  Job job =
      JobOf("event: \"rating\" share: 1e-9", "NA,x,1,5\na,NA,2,5\na,x,NA,5\na,y,3,NA\na,x,4,5\n");
  job.mutable_data()->mutable_text()->add_missing("NA");
  const auto behaviour = Behaviour::Read(job);
  EXPECT_EQ(behaviour->n_users(), 1);
  EXPECT_EQ(behaviour->FindUser("NA"), -1);
  EXPECT_EQ(behaviour->FindItem("NA"), -1);
  EXPECT_EQ(behaviour->n_events(), 1);
  EXPECT_EQ(behaviour->HistoryOf(0), "x");
  const Examples train = Read(job, SplitKind::kTrain);
  ASSERT_EQ(train.n, 5) << "the lines are examples all the same";
  EXPECT_TRUE(train.KeysOf(0, 0).empty());
  EXPECT_TRUE(train.KeysOf(0, 2).empty()) << "and have no history";
}

TEST_F(BehaviourTest, TrainingFilesHaveTheColumnsOfTraining) {
  Job job = JobOf("share: 1e-9", kLines);
  FindColumns(&job);
  folder_.Write("later.csv", "rating,time,user,item\n5,30,a,z\n5,40,a,x\n");
  job.mutable_data()->mutable_train()->set_file(0, folder_.Path("later.csv"));
  const auto behaviour = Behaviour::Read(job);
  EXPECT_EQ(behaviour->HistoryOf(behaviour->FindUser("a")), "z|x");
  folder_.Write("later.csv", "rating,user,item\n5,a,z\n");
  EXPECT_THAT([&] { Behaviour::Read(job); },
              ::testing::ThrowsMessage<Error>(
                  HasSubstr("later.csv:1: no column \"time\" (data.behaviour)")));
}

TEST_F(BehaviourTest, FromATimeOn) {
  const auto behaviour = Behaviour::Read(JobOf("from_time: 20", kLines));
  EXPECT_EQ(behaviour->n_events(), 2);
  EXPECT_EQ(behaviour->held_out(0).size(), 3u);
  EXPECT_EQ(behaviour->HistoryBefore(4), "x");  // what is held out is in no history
}

TEST_F(BehaviourTest, FromATimeThatDividesNothingIsRefused) {
  const auto error = [&](const std::string& hold_out, const std::string& lines,
                         bool validates = false) -> std::string {
    try {
      Behaviour::Read(JobOf(hold_out, lines, validates));
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(
      error("from_time: 41", kLines),
      "data.behaviour.from_time: is 41, but all times are before it: column \"time\" has 5 to "
      "40");
  EXPECT_EQ(
      error("from_time: 1700000020", "a,x,1700000000000,4\na,y,1700000000049,4\n"),
      "data.behaviour.from_time: is 1700000020, but no time is before it: column \"time\" has "
      "1700000000000 to 1700000000049, which is about 1000 times as much: is one in seconds "
      "and the other in milliseconds, or the like?");
  EXPECT_THAT(error("from_time: 1672567200000", "a,x,2023-01-01 10:00:00,4\na,y,2023-01-02,4\n"),
              HasSubstr("has 1672567200 to 1672617600 in seconds since 1970, which is about 0.001 "
                        "times as much"));
  EXPECT_THAT(error("last: 1 validation_from_time: 41", kLines, /*validates=*/true),
              HasSubstr("data.behaviour.validation_from_time: is 41, but all times are before it"));
  EXPECT_THAT(error("last: 1 validation_from_time: 5", kLines, /*validates=*/true),
              HasSubstr("data.behaviour.validation_from_time: is 5, but no time is before it"));
}

TEST_F(BehaviourTest, TimesKeepEveryDigitOf64Bits) {
  const Job job = JobOf("last: 1",
                        "a,z,1700000000000000003,5\na,x,1700000000000000001,1\n"
                        "a,y,1700000000000000002,1\n");
  const auto behaviour = Behaviour::Read(job);
  EXPECT_TRUE(behaviour->IsHeldOut(0));
  EXPECT_EQ(behaviour->HistoryBefore(0), "x|y");
}

TEST_F(BehaviourTest, FromATimeThatADoubleWouldRoundIsRefused) {
  const std::string lines = "a,z,1700000000000000000,5\na,x,1699999999999999999,1\n";
  const auto behaviour = Behaviour::Read(JobOf("from_time: 1700000000000000000", lines));
  EXPECT_TRUE(behaviour->IsHeldOut(0)) << "whole seconds are exact";
  EXPECT_FALSE(behaviour->IsHeldOut(1));
  EXPECT_THAT([&] { JobOf("from_time: 1700000000000000003", lines); },
              ::testing::ThrowsMessage<Error>(HasSubstr(
                  "data.behaviour.from_time: is 1700000000000000003, of which a double holds only "
                  "1700000000000000000: expected that, or a coarser unit")));
  EXPECT_THAT([&] { JobOf("from_time: -9007199254740993", lines); },
              ::testing::ThrowsMessage<Error>(HasSubstr("holds only -9007199254740992: ")));
}

TEST_F(BehaviourTest, DatesAreTimes) {
  const auto behaviour = Behaviour::Read(
      JobOf("from_time: 1672617600",
            "a,x,2023-01-01T10:00:00.5Z,5\na,y,2023-01-02,1\na,z,2023-01-01 10:00:00,1\n"));
  EXPECT_EQ(behaviour->HistoryBefore(1), "z|x");
  EXPECT_TRUE(behaviour->IsHeldOut(1));
  EXPECT_FALSE(behaviour->IsHeldOut(0));
}

TEST_F(BehaviourTest, ALineWithAnotherTimeIsMalformed) {
  const auto bad_lines = [&](const std::string& lines, SplitKind split) {
    Examples rows;
    std::vector<BadLine> bad;
    const Job job = JobOf("last: 1", lines);
    MakeSource(job, split, model::LabelDomainsOf(job))->Read(0, &rows, &bad);
    std::string text = std::to_string(rows.n);
    for (const BadLine& line : bad)
      text += " | " + line.Text().substr(line.Text().find("events.csv"));
    return text;
  };
  const std::string numbers = "a,x,1,4\na,y,,4\na,z,2,4\na,x,2023-01-02,4\na,y,3,4\n";
  EXPECT_EQ(bad_lines(numbers, SplitKind::kTrain),
            "3 | events.csv:5: time \"time\" (column #2): \"2023-01-02\", expected a number, as in "
            "other lines")
      << "a missing time is none, and not wrong";
  EXPECT_EQ(bad_lines(numbers, SplitKind::kTest), "1") << "each is counted once";
  EXPECT_THAT(bad_lines("a,x,2023-01-02,4\na,y,7,4\n", SplitKind::kTrain),
              HasSubstr("\"7\", expected a date such as 2024-05-31"));
  EXPECT_THAT(bad_lines("a,x,soon,4\n", SplitKind::kTrain),
              HasSubstr("\"soon\", expected a number, or a date such as 2024-05-31"));
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

TEST_F(BehaviourTest, ALineThatIsNoTextIsNoEvent) {
  const auto behaviour = Behaviour::Read(JobOf("last: 1", "a,x\xff,1,5\na,y,2,5\nb,y,3,5\n"));
  EXPECT_EQ(behaviour->n_rows(), 3);
  EXPECT_EQ(behaviour->n_items(), 1) << "the source calls the line malformed, too";
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

TEST_F(BehaviourTest, WordsSayWhetherItHasHappenedAsNumbersDo) {
  Job job;
  job.mutable_data()->mutable_text()->add_missing("NA");
  const MissingValues missing(job.data().text());
  for (const char* text : {"1", "0.5", "true", "TRUE", "True"})
    EXPECT_EQ(HasHappened(Value(std::string_view(text)), missing), true) << text;
  for (const char* text : {"0", "-1", "false", "False", "", "NA"})
    EXPECT_EQ(HasHappened(Value(std::string_view(text)), missing), false) << text;
  for (const char* text : {"yes", "click", "nan", "inf", "truee", "tru"})
    EXPECT_EQ(HasHappened(Value(std::string_view(text)), missing), std::nullopt) << text;
  EXPECT_EQ(HasHappened(Value(), missing), false);
  EXPECT_EQ(HasHappened(Value::Number(1), missing), true);
  EXPECT_EQ(HasHappened(Value::Number(std::nan("")), missing), std::nullopt);

  const auto behaviour =
      Behaviour::Read(JobOf("last: 1 event: \"rating\"", "a,x,1,true\na,y,2,False\na,z,3,TRUE\n"));
  EXPECT_TRUE(behaviour->IsLearnedEvent(0));
  EXPECT_FALSE(behaviour->IsLearnedEvent(1));
  EXPECT_TRUE(behaviour->IsHeldOut(2));
  EXPECT_EQ(behaviour->HistoryBefore(2), "x");
}

TEST_F(BehaviourTest, ALineWithAnotherEventIsMalformed) {
  const Job job = JobOf("last: 1 event: \"rating\"", "a,x,1,4\na,y,2,click\na,z,3,4\n");
  Examples rows;
  std::vector<BadLine> bad;
  MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job))->Read(0, &rows, &bad);
  EXPECT_EQ(rows.n, 1);
  ASSERT_EQ(bad.size(), 1u) << "in training, whatever is held out";
  EXPECT_THAT(bad[0].Text(), HasSubstr("events.csv:3: event \"rating\" (column #3): \"click\", "
                                       "expected a number, true or false"));
  EXPECT_EQ(Read(job, SplitKind::kTest).n, 1);
}

TEST_F(BehaviourTest, FilesWithoutAnEventAreRefused) {
  const auto error = [&](const std::string& config, const std::string& lines) -> std::string {
    try {
      Behaviour::Read(JobOf(config, lines));
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(error("last: 1 event: \"rating\"", "a,x,1,click\nb,y,2,0\nb,y,3,0\n"),
            "data.behaviour.event: no line of data.train is an event: column \"rating\" has \"0\" "
            "2 times, \"click\" 1 time, expected numbers, above 0 in events");
  EXPECT_EQ(error("last: 1", ",x,1,5\na,,2,5\n"),
            "data.behaviour: no line of data.train is an event: none of the 2 has a user (column "
            "\"user\"), an item (column \"item\") and a time (column \"time\")");
  EXPECT_EQ(error("last: 1 event: \"rating\"", "a,x,soon,5\na,y,late,5\na,z,1,0\n"), "none")
      << "most lines are malformed, which the source says";
}

TEST_F(BehaviourTest, ValidationTakesFromWhatTheTestSplitLeaves) {
  const Job job = JobOf("last: 1 validation_last: 1", kLines, /*validates=*/true);
  const auto behaviour = Behaviour::Read(job);
  // In time, a has rows 1, 3, 0, 4; b has row 2 alone.
  EXPECT_EQ(behaviour->split(4), SplitKind::kTest);
  EXPECT_EQ(behaviour->split(0), SplitKind::kValidation);
  for (const int64_t row : {1, 2, 3}) EXPECT_EQ(behaviour->split(row), SplitKind::kTrain) << row;
  EXPECT_EQ(behaviour->n_events(), 3);
  EXPECT_EQ(behaviour->held_out(0).size(), 1u);
  EXPECT_EQ(behaviour->held_out_for_validation(0).size(), 1u);
  EXPECT_EQ(behaviour->HistoryBefore(4), "x|y") << "what is held out is in no history";
  EXPECT_EQ(Read(job, SplitKind::kTrain).n, 3);
  EXPECT_EQ(Read(job, SplitKind::kTest).n, 1);
  const Examples validation = Read(job, SplitKind::kValidation);
  ASSERT_EQ(validation.n, 1);
  EXPECT_EQ(validation.labels[0], 1);
  EXPECT_EQ(validation.KeysOf(0, 2).size(), 2u);

  const auto by_time =
      Behaviour::Read(JobOf("from_time: 40 validation_from_time: 20", kLines, /*validates=*/true));
  for (const int64_t row : {0, 3}) EXPECT_EQ(by_time->split(row), SplitKind::kValidation) << row;
  EXPECT_EQ(by_time->split(4), SplitKind::kTest);
  EXPECT_EQ(by_time->n_events(), 2);
}

TEST_F(BehaviourTest, SharesOfBothSplitsAreOfAllEvents) {
  std::string lines;
  for (int i = 0; i < 4000; ++i)
    lines += "u" + std::to_string(i % 7) + ",i" + std::to_string(i % 11) + "," + std::to_string(i) +
             ",3\n";
  const auto without = Behaviour::Read(JobOf("share: 0.2 seed: 3", lines));
  const auto with = Behaviour::Read(
      JobOf("share: 0.2 seed: 3 validation_share: 0.25", lines, /*validates=*/true));
  int n_validation = 0;
  for (int64_t row = 0; row < 4000; ++row) {
    EXPECT_EQ(with->split(row) == SplitKind::kTest, without->IsHeldOut(row)) << row;
    n_validation += with->split(row) == SplitKind::kValidation;
  }
  EXPECT_NEAR(n_validation, 1000, 140);
}

TEST_F(BehaviourTest, RefusesValidationThatCannotBe) {
  const auto error = [&](const std::string& hold_out, bool validates) -> std::string {
    try {
      JobOf(hold_out, kLines, validates);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_THAT(error("last: 1", true),
              HasSubstr("data.behaviour: holds nothing out for validation"));
  EXPECT_THAT(error("last: 1 validation_last: 1", false),
              HasSubstr("data.behaviour: holds events out for validation, and data.validation"));
  EXPECT_THAT(error("last: 1 validation_last: 0", true),
              HasSubstr("data.behaviour.validation_last: is 0, expected 1 to 1073741824"));
  EXPECT_THAT(error("from_time: 20 validation_from_time: 30", true),
              HasSubstr("validation_from_time: is 30, expected less than from_time, 20"));
  EXPECT_THAT(error("share: 0.5 validation_share: 0.5", true),
              HasSubstr("validation_share: is 0.5, expected less than 1 together with share, 0.5"));
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
    const Examples rows = Read(job, SplitKind::kTrain);
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
    const Examples again = Read(job, SplitKind::kTrain);
    EXPECT_TRUE(again.keys == rows.keys);
  }
}

TEST_F(BehaviourTest, ReadingTicksInEveryStage) {
  std::string lines;
  for (int i = 0; i < 3 * PieceTick::kPieces; ++i)
    lines += "u" + std::to_string(i) + ",x" + std::to_string(i) + ",1,5\n";
  const Job job =
      JobOf("share: 0.1 negatives { per_event: 1 task: \"rating\" by: POPULARITY }", lines);
  int n_ticks = 0;
  Behaviour::Read(job, [&] { ++n_ticks; });
  // The file, its lines, the sorting of users, lines and users that are held out, counts by user,
  // items by user, shares of items.
  EXPECT_GE(n_ticks, 1 + 3 * 7);
}

struct PlainEvent {
  std::string user;
  std::string item;
  int time = 0;
  int64_t row = 0;
};

TEST_F(BehaviourTest, OfRandomLinesIsWhatAPlainSortFinds) {
  Random random(1);
  std::string lines;
  std::vector<PlainEvent> events;
  constexpr int64_t kRows = 3000;
  for (int64_t row = 0; row < kRows; ++row) {
    const PlainEvent event = {"u" + std::to_string(random.Below(200)),
                              "i" + std::to_string(random.Below(50)),
                              static_cast<int>(random.Below(40)), row};
    const bool has_time = random.Below(20) > 0;
    lines +=
        event.user + "," + event.item + "," + (has_time ? std::to_string(event.time) : "") + ",5\n";
    if (has_time) events.push_back(event);
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  for (const char* hold_out :
       {"last: 2 validation_last: 1", "from_time: 30 validation_from_time: 20",
        "share: 0.2 validation_share: 0.1"}) {
    SCOPED_TRACE(hold_out);
    const auto behaviour = Behaviour::Read(JobOf(hold_out, lines, true));
    ASSERT_EQ(behaviour->n_rows(), kRows);
    std::map<std::string, std::map<SplitKind, std::vector<std::string>>> items;
    for (const PlainEvent& event : events) {
      std::vector<std::string>& before = items[event.user][SplitKind::kTrain];
      std::string history;
      for (size_t i = before.size() - std::min<size_t>(2, before.size()); i < before.size(); ++i)
        history += (history.empty() ? "" : "|") + before[i];
      EXPECT_EQ(behaviour->HistoryBefore(event.row), history);
      items[event.user][behaviour->split(event.row)].push_back(event.item);
    }
    for (auto& [user, splits] : items) {
      const int number = behaviour->FindUser(user);
      const auto names = [&](std::span<const int> found) {
        std::vector<std::string> texts;
        for (const int item : found) texts.emplace_back(behaviour->item(item));
        return texts;
      };
      EXPECT_EQ(names(behaviour->events(number)), splits[SplitKind::kTrain]);
      EXPECT_EQ(names(behaviour->held_out(number)), splits[SplitKind::kTest]);
      EXPECT_EQ(names(behaviour->held_out_for_validation(number)), splits[SplitKind::kValidation]);
    }
  }
}

TEST_F(BehaviourTest, TakesAtMostFortyBytesAnEvent) {
#if defined(ZHIYIN_ADDRESS_SANITIZER) || defined(ZHIYIN_THREAD_SANITIZER)
  GTEST_SKIP() << "sanitizers have a heap of their own";
#endif
  constexpr int kRows = 400'000;
  Random random(1);
  std::string lines;
  for (int i = 0; i < kRows; ++i) {
    lines += "user" + std::to_string(random.Below(kRows / 40)) + ",item" +
             std::to_string(random.Below(5000)) + "," + std::to_string(1'700'000'000 + i) + ",5\n";
  }
  const Job job = JobOf("last: 1 negatives { per_event: 1 task: \"rating\" }", lines);
  const auto in_use = [] {
    const struct mallinfo2 info = mallinfo2();
    return static_cast<int64_t>(info.uordblks + info.hblkhd);
  };
  const int64_t before = in_use();
  const auto behaviour = Behaviour::Read(job);
  EXPECT_EQ(behaviour->n_rows(), kRows);
  EXPECT_LE(in_use() - before, 40 * kRows);
}

}  // namespace
}  // namespace zhiyin::worker::data
