#include "launch/apps/report/list_section.h"

#include <string>

#include "launch/apps/numbers.h"
#include "worker/recommend/measure_lists.h"

namespace zhiyin::launch::apps {

void AddLists(const ReportData& data, int k, HtmlPage* page) {
  const Data& source = data.job.data();
  if (!source.has_behaviour() ||
      source.behaviour().hold_out_case() == zhiyin::Behaviour::HOLD_OUT_NOT_SET)
    return;
  worker::recommend::RecommendOptions options;
  options.k = k;
  const worker::recommend::Recommender recommender(
      data.model, nullptr, worker::data::Behaviour::Read(data.job), options);
  HtmlTable table;
  const std::string at = "@" + std::to_string(k);
  table.head = {"lists by",
                "users",
                "Recall" + at + " (95 %)",
                "NDCG" + at + " (95 %)",
                "HitRate" + at,
                "MRR",
                "coverage",
                "novelty"};
  const worker::recommend::ListMeasure measure =
      worker::recommend::MeasureLists(recommender, "the model");
  for (const worker::recommend::MeasuredLists& row : measure.rows) {
    const worker::model::metric::ListMetrics& m = row.metrics;
    table.rows.push_back({row.name, std::to_string(m.n_users),
                          WithInterval(m.recall.mean, m.recall.low, m.recall.high),
                          WithInterval(m.ndcg.mean, m.ndcg.low, m.ndcg.high),
                          Number(m.hit_rate.mean, "%.4f"), Number(m.mrr.mean, "%.4f"),
                          Number(m.coverage, "%.3f"), Number(m.novelty, "%.2f")});
  }
  page->Heading("Lists");
  page->Add(table);
  page->Paragraph(
      "All items that the user has no event with are ranked, for everybody with a held-out "
      "event.");
  for (const std::string& line : measure.left_out) page->Paragraph(line);
}

}  // namespace zhiyin::launch::apps
