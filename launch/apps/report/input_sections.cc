#include "launch/apps/report/input_sections.h"

#include <algorithm>
#include <cmath>

#include "common/text.h"
#include "launch/apps/numbers.h"
#include "worker/model/metric/metric.h"
#include "worker/model/model.h"

namespace zhiyin::launch::apps {

std::vector<std::pair<std::string, float>> GatesOf(const worker::saved::FrozenModel& model) {
  worker::model::DenseWeights weights = model.OwnWeights();
  return worker::model::MakeModel(model.job())->Gates(weights.weights());
}

std::string AddGates(const std::vector<std::pair<std::string, float>>& gates, HtmlPage* page) {
  std::vector<Bar> bars;
  for (const auto& [name, gate] : gates) bars.push_back({name, gate});
  if (bars.empty()) return "";
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) {
    return std::abs(a.value) > std::abs(b.value);
  });
  page->Heading("Gates");
  page->Paragraph("What the model multiplies each input by; they begin at 1.");
  page->Add("gate", bars);
  std::string lines;
  for (const Bar& bar : bars) lines += TextOf("gate of ", bar.name, ": ", Number(bar.value), "\n");
  return lines;
}

worker::saved::PermutationImportance TestSplitImportance(
    const ReportData& data, const worker::saved::ImportanceOptions& options) {
  const auto predict = [&](const std::vector<worker::data::Examples>& blocks) {
    return worker::saved::Predict(*data.model, blocks);
  };
  return worker::saved::FindImportance(predict, data.test.blocks, data.test.labels,
                                       data.test.weights, data.kinds, options);
}

std::string AddImportance(const ReportData& data,
                          const worker::saved::PermutationImportance& importance,
                          const worker::saved::ImportanceOptions& options, HtmlPage* page) {
  std::vector<std::string> inputs;
  for (const Field& field : data.job.field()) inputs.push_back(field.name());
  for (const Numeric& numeric : data.job.numeric()) inputs.push_back(numeric.name());
  page->Heading("What the model uses");
  page->Paragraph(TextOf("What is lost when an input's values are exchanged among ",
                         importance.n_examples, " rows of the test split at random, mean of ",
                         options.n_permutations,
                         ". An input that matters only beside another like it shows little."));
  std::string lines;
  for (int t = 0; t < data.n_tasks(); ++t) {
    std::vector<Bar> bars;
    for (size_t i = 0; i < inputs.size(); ++i)
      bars.push_back({inputs[i], importance.lost[static_cast<size_t>(t)][i]});
    std::stable_sort(bars.begin(), bars.end(),
                     [](const Bar& a, const Bar& b) { return a.value > b.value; });
    const std::string what =
        worker::model::metric::HasAuc(data.kind(t)) ? "AUC lost" : "RMSE added";
    page->Heading(data.name(t), 3);
    page->Add(what, bars);
    for (const Bar& bar : bars)
      lines += TextOf(data.name(t), ", without what ", bar.name, " says: ", what, " ",
                      Number(bar.value), "\n");
  }
  return lines;
}

}  // namespace zhiyin::launch::apps
