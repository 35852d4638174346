#include "launch/apps/report/task_sections.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "common/text.h"
#include "launch/apps/report/numbers.h"
#include "worker/model/metric/curves.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::launch::apps {
namespace {

using worker::model::loss::PredictionKind;

constexpr int kBootstraps = 200;
constexpr int kRocPoints = 200;
constexpr int kCalibrationBins = 15;

/// How good predictions of a task are, for the page and for the terminal.
struct MeasuredPredictions {
  std::vector<std::string> cells;  // of a row of the table
  std::string line;
};

/// Measures predictions of task t. The user of each example is in `users`, which is empty where the
/// job has none.
MeasuredPredictions Measure(const ReportData& data, int t, const std::vector<Key>& users,
                            const std::string& name, PredictionKind kind,
                            const std::vector<float>& by) {
  const std::vector<float>& labels = data.labels(t);
  const worker::model::metric::TaskMetrics m =
      worker::model::metric::ComputeMetrics(name, kind, by, labels);
  std::string auc = Number(m.auc, "%.4f");
  if (const auto interval = worker::model::metric::AucInterval(by, labels, m.auc ? kBootstraps : 0,
                                                               data.job.train().seed()))
    auc = WithInterval(*m.auc, interval->low, interval->high);
  std::string group_auc = "–";
  if (!users.empty() && m.auc) {
    if (const auto of_users = worker::model::metric::ComputeGroupAuc(by, labels, users))
      group_auc = Number(of_users->auc, "%.4f") + TextOf(" (", of_users->n_groups, " users)");
  }
  std::string calibration_error = "–";
  if (kind == PredictionKind::kProbability) {
    calibration_error =
        Number(worker::model::metric::ExpectedCalibrationError(
                   worker::model::metric::CalibrationBins(by, labels, kCalibrationBins)),
               "%.4f");
  }
  return {
      {name, std::to_string(m.n_samples), Number(m.label_mean, "%.4f"), auc, group_auc,
       Number(m.log_loss), Number(m.calibration, "%.4f"), calibration_error, Number(m.rmse),
       Number(m.r2, "%.4f")},
      TextOf(data.name(t), ", by ", name, ": AUC ", auc, ", GAUC ", group_auc, ", log loss ",
             Number(m.log_loss), ", RMSE ", Number(m.rmse), "\n"),
  };
}

ChartLine RocLine(const ReportData& data, int t) {
  ChartLine line = {data.name(t), {}, false, false, t};
  for (const worker::model::metric::RocPoint& point :
       worker::model::metric::RocCurve(data.predictions(t), data.labels(t), kRocPoints))
    line.points.emplace_back(point.false_positives, point.true_positives);
  return line;
}

ChartLine CalibrationLine(const ReportData& data, int t) {
  ChartLine line = {data.name(t), {}, true, false, t};
  for (const worker::model::metric::CalibrationBin& bin : worker::model::metric::CalibrationBins(
           data.predictions(t), data.labels(t), kCalibrationBins))
    line.points.emplace_back(bin.prediction, bin.label);
  return line;
}

}  // namespace

std::string AddTasks(const ReportData& data, const worker::saved::Baselines& baselines,
                     HtmlPage* page) {
  const std::optional<int> user =
      data.job.data().has_behaviour()
          ? worker::saved::FieldOfColumn(data.job, data.job.data().behaviour().user())
          : std::nullopt;
  const std::vector<Key> users =
      user ? worker::saved::FirstKeys(data.test.blocks, *user) : std::vector<Key>();
  std::string lines;
  page->Heading("Tasks");
  for (int t = 0; t < data.n_tasks(); ++t) {
    page->Heading(data.name(t), 3);
    HtmlTable table;
    table.head = {"predicted by", "rows",        "mean label", "AUC (95 %)", "GAUC by user",
                  "log loss",     "calibration", "ECE",        "RMSE",       "R²"};
    const auto add = [&](const std::string& name, PredictionKind kind,
                         const std::vector<float>& by) {
      MeasuredPredictions measured = Measure(data, t, users, name, kind, by);
      table.rows.push_back(std::move(measured.cells));
      lines += measured.line;
    };
    add("the model", data.kind(t), data.predictions(t));
    // A baseline predicts a mean label, also where the model gives scores.
    const PredictionKind mean_kind =
        data.kind(t) == PredictionKind::kScore ? PredictionKind::kProbability : data.kind(t);
    const size_t at = static_cast<size_t>(t);
    if (!baselines.by_item.empty()) add("its item's mean label", mean_kind, baselines.by_item[at]);
    add("the mean label", mean_kind, baselines.constant[at]);
    page->Add(table);
  }
  page->Paragraph(TextOf(
      "Intervals: ", kBootstraps,
      " bootstrap samples of the rows. GAUC: mean of the users' own AUCs, weighted by their rows. "
      "Calibration: sum of the predictions over sum of the labels. ECE: mean distance of "
      "prediction and label over ",
      kCalibrationBins,
      " bins of as many rows each. An item's mean label is of the training split, with ",
      worker::saved::kPriorExamples, " rows of the mean label added."));
  return lines;
}

void AddCurves(const ReportData& data, HtmlPage* page) {
  Chart roc = {"ROC", "share of the negatives", "share of the positives", {}, true, false};
  Chart calibration = {"Calibration", "mean prediction of a bin", "mean label of a bin", {}, false,
                       false};
  for (int t = 0; t < data.n_tasks(); ++t) {
    if (worker::model::metric::HasAuc(data.kind(t))) roc.lines.push_back(RocLine(data, t));
    if (data.kind(t) != PredictionKind::kScore)
      calibration.lines.push_back(CalibrationLine(data, t));
  }
  double low = HUGE_VAL;
  double high = -HUGE_VAL;
  for (const ChartLine& line : calibration.lines) {
    for (const auto& [prediction, label] : line.points) {
      low = std::min({low, prediction, label});
      high = std::max({high, prediction, label});
    }
  }
  std::vector<Chart> charts;
  if (!roc.lines.empty()) {
    roc.lines.push_back({"by chance", {{0, 0}, {1, 1}}, false, true, kGrey});
    charts.push_back(std::move(roc));
  }
  if (!calibration.lines.empty() && low <= high) {
    calibration.lines.push_back(
        {"as it should be", {{low, low}, {high, high}}, false, true, kGrey});
    charts.push_back(std::move(calibration));
  }
  if (charts.empty()) return;
  page->Heading("Curves");
  page->Add(charts);
}

}  // namespace zhiyin::launch::apps
