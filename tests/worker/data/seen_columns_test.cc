#include "worker/data/seen_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/source.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;
using zhiyin::testing::TextJob;

TEST(MergeSeen, AddsTheColumnsOfOtherRecords) {
  std::vector<uint8_t> seen;
  MergeSeen(std::vector<uint8_t>{}, &seen);
  EXPECT_THAT(seen, IsEmpty());
  MergeSeen(std::vector<uint8_t>{1, 0, 0}, &seen);
  MergeSeen(std::vector<uint8_t>{}, &seen);
  MergeSeen(std::vector<uint8_t>{0, 1, 0}, &seen);
  EXPECT_THAT(seen, ElementsAre(1, 1, 0));
}

class SeenColumnsTest : public ::testing::Test {
 protected:
  /// A job that trains on files of this content and reads users, items and clicks.
  Job ClickJob(const std::vector<std::string>& contents) {
    std::vector<std::string> files;
    for (const std::string& content : contents)
      files.push_back(folder_.Write("f" + std::to_string(files.size()), content));
    Job job = TextJob(files);
    AddField(&job, "user");
    AddField(&job, "place", "item");
    AddTask(&job, "click");
    return job;
  }
  /// What the records of the training files have, where they are read with labels.
  static std::vector<uint8_t> SeenOf(const Job& job) {
    const auto source = MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job));
    Examples examples;
    std::vector<BadLine> bad;
    std::vector<uint8_t> seen;
    for (int64_t block = 0; source->Read(block, &examples, &bad) > 0; ++block)
      MergeSeen(source->seen(), &seen);
    return seen;
  }
  static void Check(const Job& job, SplitKind split = SplitKind::kTrain) {
    CheckSeen(job, split, LabelUse::kNeeded, SeenOf(job));
  }

  testing::TempFolder folder_;
};

TEST_F(SeenColumnsTest, AKeyThatNoRecordHasIsRefusedWithTheNearest) {
  const std::string good = "{\"user\": \"u\", \"item\": null, \"click\": 1}\n";
  const std::string other = "{\"User\": \"u\", \"Item\": \"i\", \"click\": 1}\n";
  EXPECT_NO_THROW(Check(ClickJob({good})));
  EXPECT_NO_THROW(Check(ClickJob({other, good}))) << "one record is enough";
  EXPECT_THAT([&] { Check(ClickJob({other})); },
              ThrowsMessage<Error>(folder_.Path("f0") +
                                   ": no record of data.train has the column \"user\" (field[0] "
                                   "\"user\"), nor 1 more that the job reads; the nearest is "
                                   "\"User\""));
  Job job = ClickJob({good, good});
  job.mutable_field(1)->set_column("itm");
  EXPECT_THAT(
      [&] { Check(job); },
      ThrowsMessage<Error>(folder_.Path("f0") +
                           " and 1 more: no record of data.train has the column \"itm\" (field[1] "
                           "\"place\"); the nearest is \"item\""));
}

TEST_F(SeenColumnsTest, AnIndexThatNoRecordHasIsRefusedInTrainingAndNotedLater) {
  Job job = TextJob({folder_.Write("f", "1 3:1\n0 30:1\n")});
  AddNumeric(&job, "age", "3");
  AddNumeric(&job, "price", "4");
  AddTask(&job, "click", "label");
  EXPECT_THAT([&] { Check(job); },
              ThrowsMessage<Error>(folder_.Path("f") +
                                   ": no record of data.train has the column \"4\" (numeric[1] "
                                   "\"price\"), expected some with it"));
  *job.mutable_data()->mutable_test() = job.data().train();
  EXPECT_NO_THROW(Check(job, SplitKind::kTest));
  EXPECT_THAT(
      SeenNotes(job, SplitKind::kTest, LabelUse::kNeeded, SeenOf(job)),
      ElementsAre("note: no record of data.test has the column \"4\" (numeric[1] \"price\"): "
                  "absent ones are read as 0 or as missing"));
}

TEST_F(SeenColumnsTest, DelimitedTextTellsItsColumnsBefore) {
  Job job = ClickJob({"user,item,click\nu,,1\n"});
  job.mutable_data()->mutable_text()->set_header(true);
  EXPECT_THAT(SeenOf(job), IsEmpty());
  EXPECT_NO_THROW(Check(job));
}

TEST_F(SeenColumnsTest, OnlyRecordsOfTheSplitCount) {
  std::string content = "{\"user\": \"u\", \"item\": \"i\", \"click\": 1}\n";
  for (int i = 0; i < 300; ++i) content += "{\"user\": \"u\", \"click\": 1}\n";
  Job job = ClickJob({content});
  EXPECT_THAT(SeenOf(job), ElementsAre(1, 1, 1));
  job.mutable_data()->mutable_train()->set_first_row(1);
  EXPECT_THAT(SeenOf(job), ElementsAre(1, 0, 1));
}

}  // namespace
}  // namespace zhiyin::worker::data
