#include "launch/apps/report/task_sections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using worker::model::loss::PredictionKind;

/// Four examples of two users, of a probability and of a number.
ReportData TwoTasks() {
  ReportData data;
  data.job.add_task()->set_name("click");
  data.job.add_task()->set_name("price");
  data.job.add_field()->set_column("user");
  data.job.mutable_field(0)->set_name("user");
  worker::data::Examples block(1, 0, 2);
  block.n = 4;
  block.keys = {1, 1, 2, 2};
  block.key_begin = {0, 1, 2, 3, 4};
  data.test.blocks = {block};
  data.test.n = 4;
  data.test.labels = {{1, 0, 1, 0}, {1, 2, 3, kMissing}};
  data.test.weights.resize(2);
  data.test.predictions = {{0.8f, 0.2f, 0.8f, 0.2f}, {2, 3, 4, 9}};
  data.test.losses = {-4 * std::log(0.8), 3};
  data.kinds = {PredictionKind::kProbability, PredictionKind::kNumber};
  return data;
}

worker::saved::Baselines MeanBaselines() {
  return {{}, {{0.5f, 0.5f, 0.5f, 0.5f}, {2, 2, 2, 2}}};
}

TEST(TaskSection, MeasuresTheModelBesideTheMean) {
  HtmlPage page("page");
  // Log loss -ln 0.8 and ln 2; RMSE of the prices 1 and sqrt(2 / 3).
  EXPECT_EQ(AddTasks(TwoTasks(), MeanBaselines(), &page),
            "click, by the model: AUC 1.0000 (1.0000–1.0000), GAUC –, log loss 0.22314, RMSE "
            "0.20000\n"
            "click, by the mean label: AUC 0.5000 (0.5000–0.5000), GAUC –, log loss 0.69315, RMSE "
            "0.50000\n"
            "price, by the model: AUC –, GAUC –, log loss –, RMSE 1.00000\n"
            "price, by the mean label: AUC –, GAUC –, log loss –, RMSE 0.81650\n");
  const std::string text = page.Finish();
  // Calibration 2 / 2; ECE 0.2; R² 1 - 0.16 / 1.
  EXPECT_THAT(text, HasSubstr("<h3>click</h3>"));
  EXPECT_THAT(text, HasSubstr("<tr><td>the model</td><td>4</td><td>0.5000</td><td>1.0000 "
                              "(1.0000–1.0000)</td><td>1.0000</td><td>–</td><td>0.22314</td>"
                              "<td>0.3219</td><td>1.0000</td><td>0.2000</td><td>0.20000</td>"
                              "<td>0.8400</td></tr>"));
  // Three prices are known; calibration 9 / 6; R² 1 - 3 / 2.
  EXPECT_THAT(text,
              HasSubstr("<tr><td>the model</td><td>3</td><td>2.0000</td><td>–</td><td>–</td>"
                        "<td>–</td><td>–</td><td>–</td><td>1.5000</td><td>–</td><td>1.00000</td>"
                        "<td>-0.5000</td></tr>"));
  EXPECT_THAT(text, HasSubstr("with 10 rows of the mean label added."));
}

TEST(TaskSection, ShowsTheBaselineOfItems) {
  worker::saved::Baselines baselines = MeanBaselines();
  baselines.by_item = {{0.2f, 0.8f, 0.2f, 0.8f}, {1, 2, 3, 4}};
  HtmlPage page("page");
  const std::string lines = AddTasks(TwoTasks(), baselines, &page);
  EXPECT_THAT(lines, HasSubstr("click, by its item's mean label: AUC 0.0000 "));
  EXPECT_THAT(lines, HasSubstr("price, by its item's mean label: AUC –, GAUC –, log loss –, RMSE "
                               "0.00000\n"));
}

TEST(TaskSection, ShowsTheAucOfGroups) {
  ReportData data = TwoTasks();
  data.job.mutable_field(0)->set_name("user");
  data.job.mutable_evaluation()->set_gauc_field("user");
  HtmlPage page("page");
  EXPECT_THAT(AddTasks(data, MeanBaselines(), &page), HasSubstr("GAUC 1.0000 (2 groups)"));
  EXPECT_THAT(page.Finish(), HasSubstr("<th>GAUC by user</th>"));
}

TEST(TaskSection, ABaselineOfAScoreIsAProbability) {
  ReportData data = TwoTasks();
  data.kinds[0] = PredictionKind::kScore;
  HtmlPage page("page");
  const std::string lines = AddTasks(data, MeanBaselines(), &page);
  EXPECT_THAT(lines, HasSubstr("click, by the model: AUC 1.0000 (1.0000–1.0000), GAUC –, log loss "
                               "–, RMSE –\n"));
  EXPECT_THAT(lines, HasSubstr("click, by the mean label: AUC 0.5000 (0.5000–0.5000), GAUC –, log "
                               "loss 0.69315, RMSE 0.50000\n"));
}

std::string CurvesOf(const ReportData& data) {
  HtmlPage page("page");
  AddCurves(data, &page);
  return page.Finish();
}

TEST(CurvesSection, HasTheCurvesThatFitTheTasks) {
  ReportData data = TwoTasks();
  std::string text = CurvesOf(data);
  for (const char* what : {"<h2>Curves</h2>", "<title>ROC</title>", "<title>Calibration</title>",
                           ">click</text>", ">by chance</text>", ">as it should be</text>"})
    EXPECT_THAT(text, HasSubstr(what));
  // The whole way up, then to the right.
  EXPECT_THAT(text, HasSubstr("points=\"62.0,310.0 62.0,30.0 482.0,30.0 \""));

  data.kinds[0] = PredictionKind::kScore;
  text = CurvesOf(data);
  EXPECT_THAT(text, HasSubstr("<title>ROC</title>"));
  EXPECT_THAT(text, HasSubstr("<title>Calibration</title>"));  // of the price

  data.kinds[0] = PredictionKind::kNumber;
  text = CurvesOf(data);
  EXPECT_THAT(text, Not(HasSubstr("<title>ROC</title>")));
  EXPECT_THAT(text, HasSubstr("<title>Calibration</title>"));

  data.kinds = {PredictionKind::kScore, PredictionKind::kScore};
  EXPECT_THAT(CurvesOf(data), Not(HasSubstr("<title>Calibration</title>")));
}

TEST(CurvesSection, IsNotThereWithoutLabels) {
  ReportData data = TwoTasks();
  data.test.labels[1].assign(4, kMissing);
  data.kinds[0] = PredictionKind::kNumber;
  data.test.labels[0].assign(4, kMissing);
  EXPECT_EQ(CurvesOf(data), HtmlPage("page").Finish());
}

}  // namespace
}  // namespace zhiyin::launch::apps
