#include "launch/apps/report/learning_section.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace zhiyin::launch::apps {

LearningCurves ReadLearningCurves(const std::string& file) {
  LearningCurves curves;
  std::error_code none;
  if (!std::filesystem::is_regular_file(file, none)) return curves;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object() || !entry.contains("task") || !entry.contains("split") ||
        !entry.contains("epoch"))
      continue;
    const std::pair name(entry["task"].get<std::string>(), entry["split"].get<std::string>());
    const double epoch = entry["epoch"].get<double>();
    if (entry.contains("auc") && entry["auc"].is_number()) {
      curves.auc[name].emplace_back(epoch, entry["auc"].get<double>());
    } else if (entry.contains("rmse") && entry["rmse"].is_number()) {
      curves.rmse[name].emplace_back(epoch, entry["rmse"].get<double>());
    }
  }
  return curves;
}

void AddLearning(const LearningCurves& curves, const Job& job, HtmlPage* page) {
  std::vector<Chart> charts;
  const auto add = [&](const char* metric, const LearningCurves::Points& of_metric) {
    Chart chart = {metric, "epoch", metric, {}, false, true};
    for (int t = 0; t < job.task_size(); ++t) {
      for (const std::string split : {"train", "validation", "test"}) {
        const std::string& task = job.task(t).name();
        const auto points = of_metric.find({task, split});
        if (points != of_metric.end())
          chart.lines.push_back({task + ", " + split, points->second, true, split == "train", t});
      }
    }
    if (!chart.lines.empty()) charts.push_back(std::move(chart));
  };
  add("AUC", curves.auc);
  add("RMSE", curves.rmse);
  if (charts.empty()) return;
  page->Heading("Learning");
  page->Add(charts);
}

}  // namespace zhiyin::launch::apps
