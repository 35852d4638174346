#include "worker/data/split_ranges.h"

#include <gtest/gtest.h>

namespace zhiyin::worker::data {
namespace {

void SetRange(int64_t first_row, int64_t n_rows, Split* split) {
  split->set_first_row(first_row);
  split->set_n_rows(n_rows);
}

Data DataOf(const char* train, const char* test) {
  Data data;
  data.mutable_train()->add_file(train);
  data.mutable_test()->add_file(test);
  return data;
}

TEST(SplitRanges, SayWhereTheFilesHaveTooFewRecords) {
  Data data = DataOf("a.csv", "b.csv");
  EXPECT_EQ(TooFewRecords(data, SplitKind::kTest, 30), "");
  SetRange(30, 5000, data.mutable_test());
  EXPECT_EQ(TooFewRecords(data, SplitKind::kTest, 30),
            "n_rows is 5000, but the files have only 30 rows from first_row on");
  EXPECT_EQ(TooFewRecords(data, SplitKind::kTest, 5000), "");
  EXPECT_EQ(TooFewRecords(data, SplitKind::kTrain, 30), "");
}

TEST(SplitRanges, SayWhichRecordsAreInTrainingToo) {
  Data data = DataOf("a.csv", "a.csv");
  const auto said = [&](int64_t n_records) {
    return RecordsOfTraining(data, SplitKind::kTest, n_records);
  };
  EXPECT_EQ(said(60), "60 of its 60 rows are in data.train, too");
  SetRange(0, 40, data.mutable_train());
  SetRange(30, 5000, data.mutable_test());
  EXPECT_EQ(said(30), "10 of its 30 rows are in data.train, too");
  EXPECT_EQ(said(5), "5 of its 5 rows are in data.train, too");
  SetRange(40, 0, data.mutable_test());
  EXPECT_EQ(said(20), "");
  SetRange(20, 0, data.mutable_train());
  SetRange(0, 20, data.mutable_test());
  EXPECT_EQ(said(20), "");
  SetRange(0, 21, data.mutable_test());
  EXPECT_EQ(said(21), "1 of its 21 rows is in data.train, too");
  EXPECT_EQ(RecordsOfTraining(data, SplitKind::kTrain, 21), "");
  data.mutable_test()->set_file(0, "b.csv");
  EXPECT_EQ(said(21), "");
}

TEST(SplitRanges, AreNotThoseOfBehaviour) {
  Data data = DataOf("a.csv", "a.csv");
  data.mutable_behaviour();
  EXPECT_EQ(RecordsOfTraining(data, SplitKind::kTest, 5), "");
}

}  // namespace
}  // namespace zhiyin::worker::data
