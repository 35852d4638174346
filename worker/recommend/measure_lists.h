// How good the lists of a recommender are, measured on held-out events beside baselines.
#pragma once

#include <string>
#include <vector>

#include "worker/model/metric/list_metrics.h"
#include "worker/recommend/recommender.h"

namespace zhiyin::worker::recommend {

/// The lists of these users, in their order, computed by all processors.
std::vector<std::vector<Recommended>> ListsFor(const Recommender& recommender,
                                               const std::vector<int>& users);

/// The metrics of one way to make lists.
struct MeasuredLists {
  std::string name;
  model::metric::ListMetrics metrics;
};

/// Measures lists for every user with a held-out event, by the baselines and, last, by the
/// recommender under the name `model_name`. Throws Error where nothing is held out.
std::vector<MeasuredLists> MeasureLists(const Recommender& recommender,
                                        const RecommendOptions& options,
                                        const std::string& model_name);

}  // namespace zhiyin::worker::recommend
