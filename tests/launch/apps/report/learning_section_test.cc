#include "launch/apps/report/learning_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using zhiyin::testing::TempFolder;

TEST(LearningCurves, AreTheMetricsOfTasksInTheirFile) {
  const TempFolder folder;
  const LearningCurves curves = ReadLearningCurves(
      folder.Write("metrics.jsonl",
                   R"({"epoch":1,"split":"train","task":"click","auc":0.5,"rmse":0.75}
{"epoch":1,"split":"test","task":"click","auc":0.625,"rmse":0.5}
{"epoch":1,"split":"test","task":"price","auc":null,"rmse":2.5}
not JSON
[1, 2]
{"epoch":1,"seconds":3}
{"epoch":2,"split":"test","task":"empty","auc":null,"rmse":null}
{"epoch":2,"split":"test","task":"click","auc":0.75}
)"));
  EXPECT_THAT(curves.auc,
              ElementsAre(Pair(Pair("click", "test"), ElementsAre(Pair(1, 0.625), Pair(2, 0.75))),
                          Pair(Pair("click", "train"), ElementsAre(Pair(1, 0.5)))));
  EXPECT_THAT(curves.rmse, ElementsAre(Pair(Pair("price", "test"), ElementsAre(Pair(1, 2.5)))));
}

TEST(LearningCurves, OfNoFileThereAreNone) {
  const TempFolder folder;
  const LearningCurves curves = ReadLearningCurves(folder.Path("metrics.jsonl"));
  EXPECT_THAT(curves.auc, IsEmpty());
  EXPECT_THAT(curves.rmse, IsEmpty());
}

TEST(LearningCurves, RefuseATaskThatIsNoText) {
  const TempFolder folder;
  const std::string file =
      folder.Write("metrics.jsonl", R"({"epoch":1,"split":"test","task":7,"auc":0.5})");
  EXPECT_THROW(ReadLearningCurves(file), nlohmann::json::exception);
}

Job JobWithTasks(const std::vector<std::string>& names) {
  Job job;
  for (const std::string& name : names) job.add_task()->set_name(name);
  return job;
}

TEST(LearningSection, HasAChartOfEachMetric) {
  LearningCurves curves;
  curves.auc[{"click", "train"}] = {{1, 0.5}, {2, 0.75}};
  curves.auc[{"click", "test"}] = {{1, 0.5}, {2, 0.625}};
  curves.auc[{"other job's", "test"}] = {{1, 0.5}};
  curves.rmse[{"price", "test"}] = {{1, 2.5}};
  HtmlPage page("page");
  AddLearning(curves, JobWithTasks({"click", "price"}), &page);
  const std::string text = page.Finish();
  for (const char* what : {"<h2>Learning</h2>", "<title>AUC</title>", "<title>RMSE</title>",
                           ">click, train</text>", ">click, test</text>", ">price, test</text>"})
    EXPECT_THAT(text, HasSubstr(what));
  EXPECT_THAT(text, Not(HasSubstr("other job")));
}

TEST(LearningSection, IsNotThereWithoutCurves) {
  LearningCurves curves;
  curves.auc[{"other job's", "test"}] = {{1, 0.5}};
  HtmlPage page("page");
  AddLearning(curves, JobWithTasks({"click"}), &page);
  EXPECT_EQ(page.Finish(), HtmlPage("page").Finish());
}

}  // namespace
}  // namespace zhiyin::launch::apps
