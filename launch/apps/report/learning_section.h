// The section of a report on how a model has learned.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "launch/apps/html.h"

namespace zhiyin::launch::apps {

/// Metrics over epochs. By task and split ("train", "test"): epoch and value, in the order of the
/// file.
struct LearningCurves {
  using Points =
      std::map<std::pair<std::string, std::string>, std::vector<std::pair<double, double>>>;
  Points auc;
  Points rmse;  // of tasks without an AUC
};

/// Reads a metrics.jsonl of training. Lines that are no JSON or no metrics of a task, a split and
/// an epoch are left out; a file that cannot be read has no curves. Throws
/// nlohmann::json::exception where task or split is no text or epoch no number.
LearningCurves ReadLearningCurves(const std::string& file);

/// Adds "Learning": a chart of the AUCs and one of the RMSEs of the job's tasks; nothing where
/// there is no curve of them.
void AddLearning(const LearningCurves& curves, const Job& job, HtmlPage* page);

}  // namespace zhiyin::launch::apps
