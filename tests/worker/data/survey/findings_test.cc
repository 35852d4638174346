// Every planted fault is found, and nothing where there is none.
#include "worker/data/survey/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/text.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "tests/support/planted_faults.h"
#include "worker/data/survey/signal.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

constexpr SurveyLimits kAllKept;

Survey SurveyOfJob(const Job& job, const SurveyLimits& limits = kAllKept) {
  return SurveyData(job, model::LabelDomainsOf(job), limits, [] {});
}

/// "kind what", of each finding.
std::vector<std::string> KindsFound(const Job& job, const SurveyLimits& limits = kAllKept) {
  std::vector<std::string> found;
  for (const Finding& finding : FindingsOf(job, SurveyOfJob(job, limits)))
    found.push_back(finding.kind + " " + finding.what);
  return found;
}

/// A job on a training file, whose inputs are still to be added.
Job JobOn(const testing::TempFolder& folder, const std::string& inputs,
          const std::string& data = "") {
  return launch::job::ParseJob(R"(
      data { text { header: true } train { file: "train.csv" } )" +
                                   data + R"( }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } }
      task { name: "y" label { number {} } )" +
                                   inputs,
                               "job", folder.Path(), {});
}

TEST(Findings, NameEveryPlantedFault) {
  const testing::TempFolder folder;
  testing::WriteSplits(folder, /*faulty=*/true);
  const Job job = launch::job::ParseJob(testing::PlantedFaultsJob(), "job", folder.Path(), {});
  EXPECT_THAT(KindsFound(job),
              UnorderedElementsAre("malformed data.train", "rate_drift task \"late\"",
                                   "one_class task \"returned\"", "one_class task \"returned\"",
                                   "unseen field \"user\"", "drift field \"user\"",
                                   "constant field \"shop\"", "duplicate field \"code\"",
                                   "number_as_category field \"price\"", "unseen field \"price\"",
                                   "missing field \"note\"", "constant field \"maker\"",
                                   "tells_label numeric \"paid\"", "drift numeric \"load\"",
                                   "category_as_number numeric \"shelf\"", "shared_rows data.test",
                                   "join data.join of \"good\""));
}

TEST(Findings, AreNoneInCleanData) {
  const testing::TempFolder folder;
  testing::WriteSplits(folder, /*faulty=*/false);
  const Job job = launch::job::ParseJob(testing::PlantedFaultsJob(), "job", folder.Path(), {});
  EXPECT_THAT(KindsFound(job), IsEmpty());
}

TEST(Findings, AreNoneOfCensus) {
  const std::vector<std::string> overrides = {
      "data.train.n_rows=20000", "data.test.first_row=20000", "data.test.n_rows=10000"};
  const Job job =
      launch::job::LoadJob(testing::SourcePath("configs/census_mmoe.textproto"), overrides);
  const Survey survey = SurveyOfJob(job);
  EXPECT_THAT(FindingsOf(job, survey), IsEmpty());
  // Many people are alike, in training as in the test split.
  EXPECT_GT(survey.repeated.Share(SplitKind::kTest), 0.1);
}

TEST(Findings, OfASampleAreThoseThatMatter) {
  const testing::TempFolder folder;
  const Job job = launch::job::ParseJob(testing::PlantedFaultsJob(), "job", folder.Path(), {});
  const SurveyLimits few = {.n_values = 256, .n_rows = 256};
  testing::WriteSplits(folder, /*faulty=*/true);
  EXPECT_THAT(KindsFound(job, few),
              AllOf(Contains("tells_label numeric \"paid\""), Contains("unseen field \"user\""),
                    Contains("shared_rows data.test"), Contains("duplicate field \"code\"")));
}

TEST(Findings, NameTheLabelsOwnColumn) {
  const testing::TempFolder folder;
  folder.Write("train.csv", "y,a\n1,2\n0,3\n1,3\n");
  const Job job = JobOn(folder, R"(binary_cross_entropy {} } field { name: "z" column: "y" }
                                   field { name: "a" })");
  EXPECT_THAT(KindsFound(job), ElementsAre("label_as_input field \"z\""));
}

TEST(Findings, NameACategoryAndAGapThatTellTheLabel) {
  const testing::TempFolder folder;
  std::string text = "y,state,id,weight\n";
  for (int i = 0; i < 1000; ++i) {
    const bool y = i % 3 == 0;
    // Ids occur once, so that they tell nothing although each has one label.
    text += TextOf(y, ",", y ? "done" : "open", i % 5, ",x", i, ",", y ? "" : TextOf(i % 7), "\n");
  }
  folder.Write("train.csv", text);
  const Job job = JobOn(folder, R"(binary_cross_entropy {} } field { name: "state" }
                                   field { name: "id" } numeric { name: "weight" })");
  EXPECT_THAT(KindsFound(job),
              ElementsAre("tells_label field \"state\"", "tells_label numeric \"weight\"",
                          "one_each field \"id\""));
  const Survey survey = SurveyOfJob(job);
  EXPECT_EQ(SignalOf(survey.columns[0], 0, true).by_value, 1);
  EXPECT_EQ(SignalOf(survey.columns[1], 0, true).by_value, 0.5);
}

TEST(Findings, NameAnInputThatIsARegressionsLabel) {
  const testing::TempFolder folder;
  std::string text = "y,twice,serial,kind\n";
  for (int i = 0; i < 500; ++i)
    text += TextOf(0.5 * (i % 71), ",", 3 - (i % 71), ",", 100 + i * 7, ",k", i % 3, "\n");
  folder.Write("train.csv", text);
  const Job job =
      JobOn(folder, R"(squared_error {} } field { name: "kind" } numeric { name: "twice" }
                                   numeric { name: "serial" })");
  EXPECT_THAT(KindsFound(job),
              ElementsAre("tells_label numeric \"twice\"", "id_as_number numeric \"serial\""));
}

TEST(Findings, DoNotTakeRepeatedExamplesForSharedOnes) {
  // Few distinct examples: nearly each is in both splits, and more than once in training.
  const testing::TempFolder folder;
  std::string text = "y,a\n";
  Random random(1);
  for (int i = 0; i < 2000; ++i) text += TextOf(random.Below(2), ",", random.Below(20), "\n");
  folder.Write("train.csv", text);
  folder.Write("test.csv", text);
  const Job job = JobOn(folder, R"(binary_cross_entropy {} } field { name: "a" })",
                        R"(test { file: "test.csv" })");
  EXPECT_THAT(KindsFound(job), IsEmpty());
  EXPECT_EQ(SurveyOfJob(job).repeated.Share(SplitKind::kTest), 1);
}

TEST(Findings, NameRangesThatOverlapOrEndBehindTheFiles) {
  const testing::TempFolder folder;
  folder.Write("train.csv", "y,a\n1,p\n0,q\n1,q\n0,p\n");
  const Job job = JobOn(folder, R"(binary_cross_entropy {} } field { name: "a" })",
                        R"(test { file: "train.csv" first_row: 1 n_rows: 9 })");
  EXPECT_THAT(KindsFound(job), IsSupersetOf({"n_rows data.test", "overlap data.test"}));
}

TEST(Findings, NameMalformedLinesOfAJoin) {
  const testing::TempFolder folder;
  std::string text = "y,item\n";
  Random random(1);
  for (int i = 0; i < 200; ++i)
    text += TextOf(random.Below(2), ",", random.Below(2) == 0 ? "a" : "b", "\n");
  folder.Write("train.csv", text);
  folder.Write("items.csv", "item,price\na,1\nb,2\nc,cheap\nb,3\n");
  const Job job =
      JobOn(folder, R"(binary_cross_entropy {} } field { name: "item" } numeric { name: "price" })",
            R"(join { file: "items.csv" column: "item" })");
  const std::vector<Finding> findings = FindingsOf(job, SurveyOfJob(job));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].severity, Severity::kNote);
  EXPECT_EQ(findings[0].kind, "malformed");
  EXPECT_EQ(findings[0].what, "data.join of \"item\"");
  EXPECT_THAT(findings[0].text,
              AllOf(HasSubstr("malformed lines: 2 of 4 are left out, the first: "),
                    HasSubstr("items.csv:4: item \"c\": numeric \"price\"")));
}

TEST(Findings, NameATestSplitThatBeginsBeforeTrainingEnds) {
  const testing::TempFolder folder;
  const auto events = [](int begin) {
    std::string text = "y,user,item,time\n";
    for (int i = begin; i < begin + 100; ++i)
      text += TextOf(i % 2, ",u", i % 9, ",i", i % 11, ",", i, "\n");
    return text;
  };
  folder.Write("train.csv", events(0));
  const Job job = JobOn(folder, R"(binary_cross_entropy {} } field { name: "user" })",
                        R"(test { file: "test.csv" }
                           behaviour { user: "user" item: "item" time: "time" })");
  folder.Write("test.csv", events(100));
  EXPECT_THAT(KindsFound(job), IsEmpty());
  folder.Write("test.csv", events(50));
  EXPECT_THAT(KindsFound(job), Contains("time_overlap data.test"));
  EXPECT_THAT(FindingsOf(job, SurveyOfJob(job))[0].text,
              HasSubstr("begins at 50, before data.train ends at 99"));
  Job validated = job;
  *validated.mutable_data()->mutable_validation() = job.data().test();
  EXPECT_THAT(KindsFound(validated),
              IsSupersetOf({"time_overlap data.validation", "time_overlap data.test"}));
}

}  // namespace
}  // namespace zhiyin::worker::data
