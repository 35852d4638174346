#include "launch/apps/report/slice_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;
using worker::model::loss::PredictionKind;

/// Examples of one field, "colour", whose keys are these, 0 for none.
ReportData ColouredExamples(const std::vector<Key>& keys) {
  ReportData data;
  data.job.add_field()->set_name("colour");
  worker::data::Examples block(1, 0, 0);
  for (const Key key : keys) {
    if (key != 0) block.keys.push_back(key);
    block.key_begin.push_back(static_cast<uint32_t>(block.keys.size()));
    ++block.n;
  }
  data.test.blocks = {block};
  data.test.n = block.n;
  data.test.names.resize(1);
  for (const Key key : keys) {
    if (key != 0) data.test.names[0].try_emplace(key, "<" + std::to_string(key) + ">");
  }
  return data;
}

std::string SlicesPage(const ReportData& data, const std::vector<std::string>& names = {}) {
  HtmlPage page("page");
  AddSlices(data, names, &page);
  return page.Finish();
}

TEST(SliceSection, MeasuresTheExamplesOfEachValue) {
  ReportData data = ColouredExamples({7, 7, 5, 0, 7});
  data.job.add_task()->set_name("click");
  data.job.add_task()->set_name("price");
  data.kinds = {PredictionKind::kProbability, PredictionKind::kNumber};
  data.test.labels = {{1, 0, 1, 0, kMissing}, {1, 2, kMissing, 4, 3}};
  data.test.weights.resize(2);
  data.test.predictions = {{0.75f, 0.5f, 0.5f, 0.5f, 0.25f}, {2, 3, 9, 4, 4}};
  const std::string text = SlicesPage(data);
  EXPECT_THAT(text, HasSubstr("<h2>Slices</h2>\n<h3>colour</h3>\n"));
  EXPECT_THAT(text,
              HasSubstr("<th>value</th><th>rows</th><th>click: mean label</th><th>click: mean "
                        "prediction</th><th>click: AUC</th><th>price: mean label</th><th>price: "
                        "mean prediction</th><th>price: RMSE</th></tr>\n"
                        "<tr><td>&lt;7&gt;</td><td>3</td><td>0.5000</td><td>0.6250</td>"
                        "<td>1.0000</td><td>2.0000</td><td>3.0000</td><td>1.0000</td></tr>\n"
                        "<tr><td>(none)</td><td>1</td><td>0.0000</td><td>0.5000</td>"
                        "<td>–</td><td>4.0000</td><td>4.0000</td><td>0.0000</td></tr>\n"
                        "<tr><td>&lt;5&gt;</td><td>1</td><td>1.0000</td><td>0.5000</td>"
                        "<td>–</td><td>–</td><td>–</td><td>–</td></tr>\n"));
}

TEST(SliceSection, TakesTheFieldsWithFewValues) {
  EXPECT_EQ(SlicesPage(ColouredExamples({7, 7})), HtmlPage("page").Finish());
  EXPECT_THAT(SlicesPage(ColouredExamples({7, 5})), HasSubstr("<h3>colour</h3>"));
  ReportData with_lists = ColouredExamples({7, 5});
  with_lists.job.mutable_field(0)->set_separator("|");
  EXPECT_EQ(SlicesPage(with_lists), HtmlPage("page").Finish());
  EXPECT_THAT(SlicesPage(with_lists, {"colour"}), HasSubstr("<h3>colour</h3>"));
}

TEST(SliceSection, ShowsThirtyValuesOfMany) {
  std::vector<Key> keys = {31, 31};
  for (Key key = 1; key <= 31; ++key) keys.push_back(key);
  const ReportData data = ColouredExamples(keys);
  EXPECT_EQ(SlicesPage(data), HtmlPage("page").Finish());
  const std::string text = SlicesPage(data, {"colour"});
  EXPECT_THAT(text, HasSubstr("<p>The 30 values with the most rows, of 31.</p>"));
  EXPECT_THAT(text, HasSubstr("<tr><td>&lt;31&gt;</td><td>3</td></tr>\n<tr><td>&lt;1&gt;</td>"));
  EXPECT_THAT(text, Not(HasSubstr("&lt;30&gt;")));
}

TEST(SliceSection, RefusesANameOfNoField) {
  EXPECT_THAT(
      [] {
        SlicesPage(ColouredExamples({7, 5}), {"color"});
      },
      ThrowsMessage<Error>(HasSubstr("--slices: no field \"color\"; the nearest is \"colour\"")));
}

}  // namespace
}  // namespace zhiyin::launch::apps
