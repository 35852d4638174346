#include "worker/data/example_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddTask;
using zhiyin::testing::TextJob;

/// A job on events.csv, whose lines are "user,item,time,rating".
class ExampleAssemblerTest : public ::testing::Test {
 protected:
  ExampleAssemblerTest() {
    const std::string file =
        folder_.Write("events.csv", "user,item,time,rating\na,x,1,5\na,y,2,4\nb,z,3,3\n");
    job_ = TextJob({file});
    job_.mutable_data()->mutable_text()->set_header(true);
    AddField(&job_, "user");
    AddField(&job_, "item");
    AddTask(&job_, "rating");
    AddTask(&job_, "click", "rating");
  }
  void AddBehaviour() {
    Behaviour* behaviour = job_.mutable_data()->mutable_behaviour();
    behaviour->set_user("user");
    behaviour->set_item("item");
    behaviour->set_time("time");
    behaviour->set_history_length(5);
    AddField(&job_, "history")->set_separator("|");
  }
  ExampleAssembler Make() {
    return ExampleAssembler(job_, SplitKind::kTrain,
                            {4, {"user", "item", "time", "rating"}, "events.csv:1"},
                            model::LabelDomainsOf(job_), {}, ReadSideInputs(job_));
  }
  /// Appends a line of the job's file; returns what is wrong with it.
  std::string Append(ExampleAssembler* assembler, int64_t line,
                     const std::vector<std::string_view>& texts) {
    std::vector<Value> values(texts.begin(), texts.end());
    if (rows_.n_fields == 0) rows_ = assembler->NewExamples();
    return assembler->Append(line, "events.csv", &values, &rows_);
  }

  using Behaviour = zhiyin::Behaviour;
  testing::TempFolder folder_;
  Job job_;
  Examples rows_;
};

TEST_F(ExampleAssemblerTest, ALineIsAnExample) {
  ExampleAssembler assembler = Make();
  EXPECT_EQ(Append(&assembler, 0, {"a", "x", "1", "5"}), "");
  EXPECT_EQ(rows_.n, 1);
  EXPECT_THAT(rows_.labels, ElementsAre(5, 5));
  EXPECT_EQ(Append(&assembler, 1, {"a", "x"}), "2 columns, expected 4");
  EXPECT_EQ(rows_.n, 1);
}

TEST_F(ExampleAssemblerTest, ColumnsOfAJoinStandBehindThoseOfTheFile) {
  Join* join = job_.mutable_data()->add_join();
  join->add_file(folder_.Write("items.csv", "id,genre\nx,drama\n"));
  join->mutable_text()->set_header(true);
  join->set_key("id");
  join->set_column("item");
  AddField(&job_, "genre");
  ExampleAssembler assembler = Make();
  EXPECT_EQ(Append(&assembler, 0, {"a", "x", "1", "5"}), "");
  EXPECT_EQ(Append(&assembler, 1, {"a", "y", "2", "4"}), "");
  EXPECT_THAT(rows_.KeysOf(0, 2), SizeIs(1));
  EXPECT_THAT(rows_.KeysOf(1, 2), SizeIs(0)) << "the join does not know y";
  EXPECT_EQ(assembler.joined().n_lines, 2);
  EXPECT_THAT(assembler.joined().n_found, ElementsAre(1));
  EXPECT_EQ(Append(&assembler, 2, {"a", "x"}), "2 columns, expected 4")
      << "the joined column is not counted";
}

TEST_F(ExampleAssemblerTest, AHistoryHasTheEventsBeforeTheLine) {
  AddBehaviour();
  ExampleAssembler assembler = Make();
  EXPECT_EQ(Append(&assembler, 0, {"a", "x", "1", "5"}), "");
  EXPECT_EQ(Append(&assembler, 1, {"a", "y", "2", "4"}), "");
  EXPECT_THAT(rows_.KeysOf(0, 2), SizeIs(0));
  EXPECT_THAT(rows_.KeysOf(1, 2), SizeIs(1));
}

TEST_F(ExampleAssemblerTest, NegativesHaveOtherItemsAndLabelZeroForTheirTasks) {
  AddBehaviour();
  auto* negatives = job_.mutable_data()->mutable_behaviour()->mutable_negatives();
  negatives->set_per_event(2);
  negatives->add_task("click");
  ExampleAssembler assembler = Make();
  EXPECT_EQ(Append(&assembler, 0, {"a", "x", "1", "5"}), "");
  ASSERT_EQ(rows_.n, 3);
  EXPECT_THAT(rows_.labels, ElementsAre(5, 5, IsNan(), 0, IsNan(), 0));
  for (int64_t negative : {1, 2}) {
    EXPECT_EQ(rows_.KeysOf(negative, 0)[0], rows_.KeysOf(0, 0)[0]) << "one user";
    EXPECT_NE(rows_.KeysOf(negative, 1)[0], rows_.KeysOf(0, 1)[0]) << "another item";
  }
}

TEST_F(ExampleAssemblerTest, ALineBehindTheEndOfTheBehaviourIsRefused) {
  AddBehaviour();
  ExampleAssembler assembler = Make();
  EXPECT_THAT(
      [&] {
        Append(&assembler, 3, {"a", "x", "1", "5"});
      },
      ThrowsMessage<Error>(HasSubstr("events.csv: has grown since the job began")));
}

}  // namespace
}  // namespace zhiyin::worker::data
