#include "launch/apps/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhiyin::launch::apps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Html, EscapesWhatHasAMeaning) {
  EXPECT_EQ(Escaped("a < b & \"c\" > 'd'"), "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  EXPECT_EQ(Escaped("词 – ²"), "词 – ²");
}

TEST(Html, PageHasATitleHeadingsAndParagraphs) {
  HtmlPage page("A & B");
  page.Heading("Part");
  page.Heading("Smaller", 3);
  page.Paragraph("x < y");
  const std::string text = page.Finish();
  EXPECT_THAT(text, StartsWith("<!DOCTYPE html>\n"));
  EXPECT_THAT(text, HasSubstr("<title>A &amp; B</title>"));
  EXPECT_THAT(text, HasSubstr("<body>\n<h1>A &amp; B</h1>\n<h2>Part</h2>\n<h3>Smaller</h3>\n"
                              "<p>x &lt; y</p>\n</body></html>\n"));
}

TEST(Html, TableHasAHeadAndRows) {
  HtmlPage page("page");
  page.Add(HtmlTable{{"name", "n"}, {{"<b>", "1"}, {"c", "2"}}});
  EXPECT_THAT(page.Finish(),
              HasSubstr("<div class=\"wide\"><table><tr><th>name</th><th>n</th></tr>\n"
                        "<tr><td>&lt;b&gt;</td><td>1</td></tr>\n"
                        "<tr><td>c</td><td>2</td></tr>\n"
                        "</table></div>\n"));
}

std::string PageOf(const Chart& chart) {
  HtmlPage page("page");
  page.Add(std::vector<Chart>{chart});
  return page.Finish();
}

TEST(Html, ChartOfTheUnitSquareIsDrawnFromZeroToOne) {
  // The plot is 420 wide and 280 high, with its corner at (62, 30).
  const std::string page =
      PageOf({"ROC", "false", "true", {{"a & b", {{0, 0}, {0.5, 0.75}, {1, 1}}}}, true, false});
  EXPECT_THAT(page, HasSubstr("points=\"62.0,310.0 272.0,100.0 482.0,30.0 \""));
  EXPECT_THAT(page, AllOf(HasSubstr("<title>ROC</title>"), HasSubstr(">false</text>"),
                          HasSubstr(">true</text>"), HasSubstr(">a &amp; b</text>")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<circle")), Not(HasSubstr("stroke-dasharray"))));
}

TEST(Html, ChartHoldsAllPointsWithAMarginAboveAndBelow) {
  // y goes from 0.95 to 2.05: a twentieth of the range more at both ends.
  const std::string page =
      PageOf({"", "epoch", "", {{"line", {{1, 1}, {3, 2}}, true, true}}, false, true});
  EXPECT_THAT(page, HasSubstr("points=\"62.0,297.3 482.0,42.7 \""));
  EXPECT_THAT(page, HasSubstr("<circle cx=\"62.0\" cy=\"297.3\" r=\"3\""));
  EXPECT_THAT(page, HasSubstr("stroke-dasharray=\"4 4\""));
  // Whole epochs alone are at the axis.
  EXPECT_THAT(page, HasSubstr("text-anchor=\"middle\">2</text>"));
  EXPECT_THAT(page, Not(HasSubstr("text-anchor=\"middle\">1.5</text>")));
}

TEST(Html, ChartOfOnePointIsNoDivisionByZero) {
  const std::string page = PageOf({"", "", "", {{"line", {{1, 2}}}}, false, false});
  EXPECT_THAT(page, HasSubstr("points=\"272.0,170.0 \""));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(PageOf({"", "", "", {{"line", {}}}, false, false}), Not(HasSubstr("nan")));
}

TEST(Html, BarsStartAtZero) {
  HtmlPage page("page");
  page.Add("lost", {{"up", 3}, {"none", 0}, {"down", -1}});
  // Four units are 360 wide, and zero is one unit from the left.
  const std::string text = page.Finish();
  EXPECT_THAT(text, HasSubstr("<th>lost</th>"));
  EXPECT_THAT(text, HasSubstr("<tr><td>up</td><td>3</td><td><svg width=\"360\" height=\"14\">"
                              "<rect x=\"90.0\" y=\"1\" width=\"270.0\""));
  EXPECT_THAT(text, HasSubstr("<td>none</td><td>0</td><td><svg width=\"360\" height=\"14\">"
                              "<rect x=\"90.0\" y=\"1\" width=\"0.5\""));
  EXPECT_THAT(text, HasSubstr("<td>down</td><td>-1</td><td><svg width=\"360\" height=\"14\">"
                              "<rect x=\"0.0\" y=\"1\" width=\"90.0\""));
}

}  // namespace
}  // namespace zhiyin::launch::apps
