// zhiyin recommend: lists for users from a saved model, in one process.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "worker/model/metric/list_metrics.h"
#include "worker/recommend/recommender.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::launch::apps {

struct RecommendCommand {
  std::string checkpoint;
  std::string ranker;  // "": the checkpoint itself
  std::vector<std::string> overrides;
  std::string users = "all";   // or a file with a user a line
  std::string items = "all";   // or a file with an item a line: only these
  std::string format = "tsv";  // or jsonl, or text
  std::string output;          // a file; "": print
  bool overwrite = false;
  bool measure = false;  // lists of held-out events instead, as a table beside the baselines
  worker::recommend::RecommendOptions options;
  std::function<void(const std::string&)> print;
};

/// A saved model, all rows of it. `folder` as --checkpoint; overrides may change data alone. Throws
/// Error.
std::shared_ptr<const worker::saved::FrozenModel> LoadFrozen(
    const std::string& folder, const std::vector<std::string>& overrides,
    Manifest* manifest = nullptr);

/// Lists for everybody with a held-out event, by baselines and, last, by the model.
struct MeasuredLists {
  std::string name;
  worker::model::metric::ListMetrics metrics;
};
/// Throws Error where nothing is held out.
std::vector<MeasuredLists> MeasureLists(const worker::recommend::Recommender& recommender,
                                        const worker::recommend::RecommendOptions& options,
                                        const std::string& model_name);

/// Throws Error. The same output whatever the number of processors.
void RunRecommend(const RecommendCommand& command);

}  // namespace zhiyin::launch::apps
