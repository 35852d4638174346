#include "launch/apps/report/input_sections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using worker::model::loss::PredictionKind;

TEST(GatesSection, ShowsTheLargestFirst) {
  HtmlPage page("page");
  EXPECT_EQ(AddGates({{"user", 0.5f}, {"age", -1.5f}, {"item", 1}}, &page),
            "gate of age: -1.50000\ngate of item: 1.00000\ngate of user: 0.50000\n");
  EXPECT_THAT(page.Finish(), HasSubstr("<h2>Gates</h2>"));
}

TEST(GatesSection, IsNotThereWithoutGates) {
  HtmlPage page("page");
  EXPECT_EQ(AddGates({}, &page), "");
  EXPECT_EQ(page.Finish(), HtmlPage("page").Finish());
}

TEST(ImportanceSection, ShowsWhatEachTaskLosesTheLargestFirst) {
  ReportData data;
  data.job.add_task()->set_name("click");
  data.job.add_task()->set_name("price");
  data.job.add_field()->set_name("user");
  data.job.add_field()->set_name("item");
  data.job.add_numeric()->set_name("age");
  data.kinds = {PredictionKind::kScore, PredictionKind::kNumber};
  worker::saved::PermutationImportance importance;
  importance.n_examples = 512;
  importance.lost = {{0.25, -0.125, 0.375}, {0, 2.5, 0}};
  worker::saved::ImportanceOptions options;
  options.n_permutations = 7;
  HtmlPage page("page");
  EXPECT_EQ(AddImportance(data, importance, options, &page),
            "click, without what age says: AUC lost 0.37500\n"
            "click, without what user says: AUC lost 0.25000\n"
            "click, without what item says: AUC lost -0.12500\n"
            "price, without what item says: RMSE added 2.50000\n"
            "price, without what user says: RMSE added 0.00000\n"
            "price, without what age says: RMSE added 0.00000\n");
  const std::string text = page.Finish();
  EXPECT_THAT(text, HasSubstr("<h2>What the model uses</h2>"));
  EXPECT_THAT(text, HasSubstr("among 512 rows of the test split at random, mean of 7."));
  EXPECT_THAT(text, HasSubstr("<h3>price</h3>"));
}

}  // namespace
}  // namespace zhiyin::launch::apps
