#include "launch/apps/check/survey_page.h"

#include <sstream>

#include "launch/apps/check/survey_text.h"
#include "launch/apps/html.h"

namespace zhiyin::launch::apps {
namespace {

HtmlTable TableOfCells(const Cells& cells) {
  return {cells[0], {cells.begin() + 1, cells.end()}};
}

/// The outline of a histogram's bars.
ChartLine OutlineOf(const Histogram& histogram, worker::data::SplitKind split) {
  ChartLine line;
  line.name = PathOf(split);
  line.is_dashed = split != worker::data::SplitKind::kTrain;
  line.colour = static_cast<int>(split);
  for (size_t i = 0; i < histogram.shares.size(); ++i) {
    const double left = histogram.least + histogram.width * static_cast<double>(i);
    const double share = histogram.shares[i].of(split);
    line.points.emplace_back(left, share);
    line.points.emplace_back(left + histogram.width, share);
  }
  return line;
}

void AddNumerics(const SurveyResults& results, HtmlPage* page) {
  constexpr size_t kIntervals = 40;
  std::vector<Chart> charts;
  for (const worker::data::ColumnSurvey& column : results.survey.columns) {
    if (!column.is_numeric) continue;
    const Histogram histogram = HistogramOf(column, kIntervals);
    if (histogram.shares.empty()) continue;
    Chart chart = {column.name, column.column, "share of the values", {}};
    for (const worker::data::SplitKind split : SplitsOf(results))
      chart.lines.push_back(OutlineOf(histogram, split));
    charts.push_back(std::move(chart));
  }
  if (charts.empty()) return;
  page->Heading("Numerics");
  page->Add(charts);
}

void AddFields(const SurveyResults& results, HtmlPage* page) {
  bool is_first = true;
  for (size_t i = 0; i < results.inputs.size(); ++i) {
    const worker::data::ColumnSurvey& column = results.survey.columns[i];
    if (column.is_numeric || results.inputs[i].most_frequent.empty()) continue;
    if (is_first) page->Heading("Fields");
    is_first = false;
    page->Heading(column.name, 3);
    std::vector<Bar> bars;
    for (const ValueShare& value : results.inputs[i].most_frequent) {
      bars.push_back({value.value, value.share.train});
      for (const worker::data::SplitKind split : results.survey.held_out)
        bars.push_back({"in " + PathOf(split), value.share.of(split)});
    }
    page->Add("share", bars);
  }
}

}  // namespace

std::string SurveyPage(const SurveyResults& results) {
  HtmlPage page(results.job.name() + ": what its data holds");
  std::istringstream lines(SplitLines(results));
  for (std::string line; std::getline(lines, line);) page.Paragraph(line);
  page.Heading("Findings");
  for (const worker::data::Finding& finding : results.findings) {
    page.Paragraph(std::string(SeverityName(finding.severity)) + ": " + finding.what + ": " +
                   finding.text + " (" + finding.kind + ")");
  }
  if (results.findings.empty()) page.Paragraph("Nothing found.");
  page.Heading("Tasks");
  page.Add(TableOfCells(TaskCells(results)));
  page.Heading("Inputs");
  page.Add(TableOfCells(InputCells(results)));
  AddNumerics(results, &page);
  AddFields(results, &page);
  return page.Finish();
}

}  // namespace zhiyin::launch::apps
