#include "launch/apps/report/task_sections.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "common/text.h"
#include "launch/apps/numbers.h"
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

/// Measures predictions of task t, whose log losses have the sum `log_losses`. The group of each
/// example is in `groups`, which is empty where the job has none.
MeasuredPredictions Measure(const ReportData& data, int t, const std::vector<Key>& groups,
                            const std::string& name, PredictionKind kind,
                            const std::vector<float>& by, double log_losses) {
  const std::vector<double>& labels = data.labels(t);
  const std::vector<double>& weights = data.weights(t);
  const worker::model::metric::TaskMetrics m =
      worker::model::metric::ComputeMetrics(name, kind, by, labels, weights, log_losses);
  std::string auc = Number(m.auc, "%.4f");
  if (const auto interval = worker::model::metric::AucInterval(
          by, labels, weights, m.auc ? kBootstraps : 0, data.job.train().seed()))
    auc = WithInterval(*m.auc, interval->low, interval->high);
  std::string group_auc = "–";
  if (!groups.empty() && m.auc) {
    if (const auto found = worker::model::metric::ComputeGroupAuc(by, labels, weights, groups))
      group_auc = Number(found->auc, "%.4f") + TextOf(" (", found->n_groups, " groups)");
  }
  std::string calibration_error = "–";
  if (kind == PredictionKind::kProbability) {
    calibration_error =
        Number(worker::model::metric::ExpectedCalibrationError(
                   worker::model::metric::CalibrationBins(by, labels, weights, kCalibrationBins)),
               "%.4f");
  }
  return {
      {name, std::to_string(m.n_samples), Number(m.label_mean, "%.4f"), auc,
       Number(m.average_precision, "%.4f"), group_auc, Number(m.log_loss),
       Number(m.normalized_entropy, "%.4f"), Number(m.calibration, "%.4f"), calibration_error,
       Number(m.rmse), Number(m.r2, "%.4f")},
      TextOf(data.name(t), ", by ", name, ": AUC ", auc, ", GAUC ", group_auc, ", log loss ",
             Number(m.log_loss), ", RMSE ", Number(m.rmse), "\n"),
  };
}

ChartLine RocLine(const ReportData& data, int t) {
  ChartLine line = {data.name(t), {}, false, false, t};
  for (const worker::model::metric::RocPoint& point : worker::model::metric::RocCurve(
           data.predictions(t), data.labels(t), data.weights(t), kRocPoints))
    line.points.emplace_back(point.false_positives, point.true_positives);
  return line;
}

ChartLine CalibrationLine(const ReportData& data, int t) {
  ChartLine line = {data.name(t), {}, true, false, t};
  for (const worker::model::metric::CalibrationBin& bin : worker::model::metric::CalibrationBins(
           data.predictions(t), data.labels(t), data.weights(t), kCalibrationBins))
    line.points.emplace_back(bin.prediction, bin.label);
  return line;
}

}  // namespace

std::string AddTasks(const ReportData& data, const worker::saved::Baselines& baselines,
                     HtmlPage* page) {
  const std::string& group_name = data.job.evaluation().gauc_field();
  const std::optional<int> group = worker::saved::FieldOfName(data.job, group_name);
  const std::vector<Key> groups =
      group ? worker::saved::FirstKeys(data.test.blocks, *group) : std::vector<Key>();
  std::string lines;
  page->Heading("Tasks");
  for (int t = 0; t < data.n_tasks(); ++t) {
    page->Heading(data.name(t), 3);
    HtmlTable table;
    table.head = {"predicted by", "rows",   "mean label",
                  "AUC (95 %)",   "PR-AUC", group ? "GAUC by " + group_name : "GAUC",
                  "log loss",     "NE",     "calibration",
                  "ECE",          "RMSE",   "R²"};
    const auto add = [&](const std::string& name, PredictionKind kind, const std::vector<float>& by,
                         double log_losses) {
      MeasuredPredictions measured = Measure(data, t, groups, name, kind, by, log_losses);
      table.rows.push_back(std::move(measured.cells));
      lines += measured.line;
    };
    add("the model", data.kind(t), data.predictions(t), data.losses(t));
    // A baseline predicts a mean label, also where the model gives scores.
    const PredictionKind mean_kind =
        data.kind(t) == PredictionKind::kScore ? PredictionKind::kProbability : data.kind(t);
    const size_t at = static_cast<size_t>(t);
    const auto add_mean = [&](const std::string& name, const std::vector<float>& by) {
      add(name, mean_kind, by,
          worker::model::metric::SumLogLosses(by, data.labels(t), data.weights(t)));
    };
    if (!baselines.by_item.empty()) add_mean("its item's mean label", baselines.by_item[at]);
    add_mean("the mean label", baselines.constant[at]);
    page->Add(table);
  }
  page->Paragraph(TextOf(
      "Intervals: ", kBootstraps,
      " bootstrap samples of the rows. Rows count by their weight_column. PR-AUC: average "
      "precision. GAUC: mean of the AUCs within the groups of evaluation.gauc_field, weighted by "
      "their rows. NE: log loss over that of the mean label of these rows. "
      "Calibration: sum of the predictions over sum of the labels. ECE: mean distance of "
      "prediction and label over ",
      kCalibrationBins,
      " bins of as many rows each. An item's mean label is of the training split, with ",
      worker::saved::kPriorExamples,
      " rows of the mean label added. A log loss is infinite where a mean label of 0 or 1 is "
      "wrong."));
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
