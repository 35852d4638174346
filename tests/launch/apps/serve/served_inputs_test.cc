#include "launch/apps/serve/served_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/data_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ServedInputsTest : public ::testing::Test {
 protected:
  ServedInputsTest() {
    job_ = testing::TextJob({folder_.Write("events.csv", "user,item,time\nann,cup,1\n")});
    job_.mutable_data()->mutable_text()->set_header(true);
    testing::AddNumeric(&job_, "price");
    Join* join = job_.mutable_data()->add_join();
    join->add_file(folder_.Write("items.csv", "item,price\ncup,1\npot,cheap\nmug,2\n"));
    join->mutable_text()->set_header(true);
    join->set_key("item");
    join->set_column("item");
  }
  void AddBehaviour() {
    Behaviour* behaviour = job_.mutable_data()->mutable_behaviour();
    behaviour->set_user("user");
    behaviour->set_item("item");
    behaviour->set_time("time");
    behaviour->set_history_length(5);
  }

  using Behaviour = zhiyin::Behaviour;
  testing::TempFolder folder_;
  Job job_;
};

TEST_F(ServedInputsTest, AreOfAJobUntilTheFilesOfItsJoinsChange) {
  const ServedInputs inputs(job_);
  EXPECT_TRUE(inputs.AreOf(job_));
  folder_.Write("events.csv", "user,item,time\nann,cup,1\nbob,pot,2\n");
  EXPECT_TRUE(inputs.AreOf(job_)) << "without behaviour, events are not read";
  folder_.Write("items.csv", "item,price\ncup,1\n");
  EXPECT_FALSE(inputs.AreOf(job_));
}

TEST_F(ServedInputsTest, AreOfAJobUntilItsEventsChange) {
  AddBehaviour();
  const ServedInputs inputs(job_);
  EXPECT_TRUE(inputs.AreOf(job_));
  folder_.Write("events.csv", "user,item,time\nann,cup,1\nbob,pot,2\n");
  EXPECT_FALSE(inputs.AreOf(job_));
}

TEST_F(ServedInputsTest, AreNotOfAJobThatReadsAnotherColumnOfAJoin) {
  const ServedInputs inputs(job_);
  Job other = job_;
  other.mutable_numeric(0)->set_log1p(true);
  EXPECT_FALSE(inputs.AreOf(other)) << "other lines may be malformed";
  AddBehaviour();
  EXPECT_FALSE(inputs.AreOf(job_));
}

TEST_F(ServedInputsTest, NameTheMalformedLinesOfJoins) {
  EXPECT_THAT(ServedInputs(job_).BadLineNotes(),
              ElementsAre("data.join[0]: 1 of 3 lines is malformed and left out",
                          HasSubstr("items.csv:3: item \"pot\": ")));
  EXPECT_THAT(ServedInputs(testing::TextJob({"nowhere"})).BadLineNotes(), IsEmpty());
}

}  // namespace
}  // namespace zhiyin::launch::apps
