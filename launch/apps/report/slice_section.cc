#include "launch/apps/report/slice_section.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "common/text.h"
#include "launch/apps/numbers.h"
#include "worker/model/metric/metric.h"
#include "worker/saved/slices.h"

namespace zhiyin::launch::apps {
namespace {

constexpr size_t kMaxSliceValues = 30;

/// Returns the fields with these names, or, without names, those that have a few values.
std::vector<int> SliceFields(const ReportData& data, const std::vector<std::string>& names) {
  std::vector<int> fields;
  std::vector<std::string> known;
  for (const Field& field : data.job.field()) known.push_back(field.name());
  for (const std::string& name : names) {
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end()) Fail("--slices: no field \"", name, "\"", Suggestion(name, known));
    fields.push_back(static_cast<int>(at - known.begin()));
  }
  if (!fields.empty()) return fields;
  for (int f = 0; f < data.job.field_size(); ++f) {
    const size_t n = data.test.names[static_cast<size_t>(f)].size();
    if (n >= 2 && n <= kMaxSliceValues && data.job.field(f).separator().empty())
      fields.push_back(f);
  }
  return fields;
}

/// Returns the row of a slice of a field in the field's table.
std::vector<std::string> SliceRow(const ReportData& data, int field,
                                  const worker::saved::Slice& slice) {
  const auto& names = data.test.names[static_cast<size_t>(field)];
  const auto name = names.find(slice.key);
  std::vector<std::string> cells = {name == names.end() ? "(none)" : name->second,
                                    std::to_string(slice.examples.size())};
  for (int t = 0; t < data.n_tasks(); ++t) {
    std::vector<float> predictions;
    std::vector<double> labels;
    std::vector<double> weights;
    double sum = 0;
    for (const size_t example : slice.examples) {
      if (std::isnan(data.labels(t)[example])) continue;
      labels.push_back(data.labels(t)[example]);
      predictions.push_back(data.predictions(t)[example]);
      if (!data.weights(t).empty()) weights.push_back(data.weights(t)[example]);
      sum += predictions.back() * (weights.empty() ? 1.0 : weights.back());
    }
    const worker::model::metric::TaskMetrics m =
        worker::model::metric::ComputeMetrics("", data.kind(t), predictions, labels, weights);
    cells.push_back(m.weight > 0 ? Number(m.label_mean, "%.4f") : "–");
    cells.push_back(m.weight > 0 ? Number(sum / m.weight, "%.4f") : "–");
    cells.push_back(Number(worker::model::metric::HasAuc(data.kind(t)) ? m.auc : m.rmse, "%.4f"));
  }
  return cells;
}

void AddSlicesOf(const ReportData& data, int field, HtmlPage* page) {
  std::vector<worker::saved::Slice> slices = worker::saved::SlicesOf(data.test.blocks, field);
  const size_t n_values = slices.size();
  if (slices.size() > kMaxSliceValues) slices.resize(kMaxSliceValues);
  page->Heading(data.job.field(field).name(), 3);
  if (n_values > slices.size())
    page->Paragraph(
        TextOf("The ", slices.size(), " values with the most rows, of ", n_values, "."));
  HtmlTable table;
  table.head = {"value", "rows"};
  for (int t = 0; t < data.n_tasks(); ++t) {
    for (const char* what : {"mean label", "mean prediction",
                             worker::model::metric::HasAuc(data.kind(t)) ? "AUC" : "RMSE"})
      table.head.push_back(data.name(t) + ": " + what);
  }
  for (const worker::saved::Slice& slice : slices)
    table.rows.push_back(SliceRow(data, field, slice));
  page->Add(table);
}

}  // namespace

void AddSlices(const ReportData& data, const std::vector<std::string>& names, HtmlPage* page) {
  const std::vector<int> fields = SliceFields(data, names);
  if (fields.empty()) return;
  page->Heading("Slices");
  for (const int field : fields) AddSlicesOf(data, field, page);
}

}  // namespace zhiyin::launch::apps
