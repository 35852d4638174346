#include "worker/data/survey/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "worker/data/survey/signal.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Survey SurveyOfText(const testing::TempFolder& folder, const std::string& data,
                    const std::string& inputs) {
  const Job job =
      launch::job::ParseJob(R"(data { text { header: true missing: "NA" } )" + data + R"( }
         table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
         task { name: "y" label { number {} } squared_error {} }
         model { shared_bottom { bottom: 2 } }
         train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } } )" +
                                inputs,
                            "job", folder.Path(), {});
  return SurveyData(job, model::LabelDomainsOf(job), SurveyLimits(), [] {});
}

TEST(Survey, CountsWhatStandsInTheData) {
  const testing::TempFolder folder;
  folder.Write("train.csv",
               "y,tags,n\n"
               "1,a|b,10\n"
               "0,NA,-2\n"
               "NA,b,NA\n"
               "2,\"c,1\n"
               "bad,a,1\n");
  folder.Write("test.csv", "y,tags,n\n3,a|z,7\n");
  const Survey survey = SurveyOfText(folder, R"(max_bad_share: 1 train { file: "train.csv" }
                                                test { file: "test.csv" })",
                                     R"(field { name: "tags" separator: "|" }
                                        numeric { name: "n" log1p: true })");
  EXPECT_THAT(survey.held_out, ElementsAre(SplitKind::kTest));
  EXPECT_EQ(survey.splits.train.n_examples, 4);
  EXPECT_EQ(survey.splits.train.n_bad, 1);
  EXPECT_THAT(survey.splits.train.first_bad, HasSubstr("train.csv:6: "));
  EXPECT_EQ(survey.tasks[0].splits.train.labels.n, 3);
  EXPECT_EQ(survey.tasks[0].splits.train.labels.mean, 1);
  EXPECT_EQ(survey.tasks[0].splits.train.most, 2);
  EXPECT_FALSE(survey.tasks[0].splits.train.is_binary);

  const ColumnSurvey& tags = survey.columns[0];
  EXPECT_EQ(tags.splits.train.n_missing, 1);
  EXPECT_EQ(tags.splits.train.n_values, 4);  // not those of the malformed line
  EXPECT_EQ(tags.values.n_distinct(), 4);
  EXPECT_TRUE(tags.HasSeveralValues());
  EXPECT_EQ(UnseenShare(tags, SplitKind::kTest), 0.5);

  const ColumnSurvey& n = survey.columns[1];
  EXPECT_EQ(n.splits.train.n_missing, 1);
  EXPECT_EQ(n.splits.train.least, -2);  // as in the data, not its logarithm
  EXPECT_EQ(n.splits.train.most, 10);
  EXPECT_EQ(n.splits.train.numbers.mean, 3);
  EXPECT_EQ(n.splits.test.n_values, 1);
}

TEST(Survey, KnowsColumnsThatSayTheSame) {
  const testing::TempFolder folder;
  std::string text = "y,a,equal,renamed,other,constant\n";
  for (const char* line : {"p,p,1,q,c", "q,q,2,p,c", "p,p,1,p,c", "r,r,3,p,c"})
    text += "0," + std::string(line) + "\n";
  folder.Write("train.csv", text);
  const Survey survey = SurveyOfText(folder, R"(train { file: "train.csv" })",
                                     R"(field { name: "a" } field { name: "equal" }
                                        field { name: "renamed" } field { name: "other" }
                                        field { name: "constant" })");
  const auto digests = [&](size_t c) { return survey.columns[c].Digests(); };
  EXPECT_EQ(digests(0), digests(1));
  EXPECT_NE(digests(0)[0], digests(2)[0]);  // other values,
  EXPECT_EQ(digests(0)[1], digests(2)[1]);  // which stand for those of a
  EXPECT_NE(digests(0)[1], digests(3)[1]);
  EXPECT_FALSE(survey.columns[0].IsConstant());
  EXPECT_TRUE(survey.columns[4].IsConstant());
}

TEST(Survey, CountsJoinedExamplesAndFindsTheRangeOfTimes) {
  const testing::TempFolder folder;
  folder.Write("train.csv", "y,user,item,time\n1,u,i,30\n0,u,j,4\n1,v,i,5.5\n0,v,k,6\n");
  folder.Write("items.csv", "item,maker\ni,m\nj,n\n");
  const Survey survey = SurveyOfText(folder,
                                     R"(train { file: "train.csv" }
                                        join { file: "items.csv" column: "item" }
                                        behaviour { user: "user" item: "item" time: "time" })",
                                     R"(field { name: "maker" })");
  ASSERT_EQ(survey.columns.size(), 1);
  EXPECT_EQ(survey.columns[0].splits.train.n_missing, 1);
  ASSERT_EQ(survey.joins.size(), 1);
  EXPECT_EQ(survey.joins[0].n_matched.train, 3);
  ASSERT_TRUE(survey.splits.train.times);
  EXPECT_EQ(survey.splits.train.times->first, "4");
  EXPECT_EQ(survey.splits.train.times->last, "30");
  EXPECT_THAT(survey.held_out, IsEmpty());
}

TEST(Survey, CountsRepeatedExamples) {
  const testing::TempFolder folder;
  folder.Write("train.csv", "y,a\n1,p\n1,p\n0,p\n1,q\n");
  folder.Write("validation.csv", "y,a\n1,p\n1,z\n1,q\n1,q\n");
  folder.Write("test.csv", "y,a\n0,p\n0,q\n");
  const Survey survey = SurveyOfText(folder,
                                     R"(train { file: "train.csv" } test { file: "test.csv" }
                                        validation { file: "validation.csv" })",
                                     R"(field { name: "a" })");
  EXPECT_THAT(survey.held_out, ElementsAre(SplitKind::kValidation, SplitKind::kTest));
  EXPECT_EQ(survey.repeated.Share(SplitKind::kTrain), 0.5);
  EXPECT_EQ(survey.repeated.Share(SplitKind::kValidation), 0.75);
  EXPECT_EQ(survey.repeated.Share(SplitKind::kTest), 0.5);
  EXPECT_EQ(UnseenShare(survey.columns[0], SplitKind::kValidation), 0.25);
  EXPECT_EQ(UnseenShare(survey.columns[0], SplitKind::kTest), 0);
}

TEST(Survey, FindsTheRangeOfDates) {
  const testing::TempFolder folder;
  folder.Write("train.csv", "y,user,item,time\n1,u,i,2024-06-01\n0,u,j,2024-05-31T08:30:00Z\n");
  const Survey survey = SurveyOfText(folder,
                                     R"(train { file: "train.csv" }
                                        behaviour { user: "user" item: "item" time: "time" })",
                                     R"(field { name: "item" })");
  ASSERT_TRUE(survey.splits.train.times);
  EXPECT_EQ(survey.splits.train.times->first, "2024-05-31T08:30:00Z");
  EXPECT_EQ(survey.splits.train.times->last, "2024-06-01");
}

TEST(SurveyLimits, BoundWhatAllColumnsKeep) {
  Job job;
  for (int i = 0; i < 3; ++i) job.add_field();
  EXPECT_EQ(SurveyLimits::For(job).n_values, size_t{1} << 16);
  for (int i = 0; i < 997; ++i) job.add_field();
  EXPECT_LT(SurveyLimits::For(job).n_values, 2000);
  for (int i = 0; i < 100; ++i) job.add_task();
  EXPECT_EQ(SurveyLimits::For(job).n_values, 64);
}

}  // namespace
}  // namespace zhiyin::worker::data
