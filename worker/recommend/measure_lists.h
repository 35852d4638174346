// How good the lists of a recommender are, measured on held-out events beside baselines.
#pragma once

#include <string>
#include <vector>

#include "worker/model/metric/list_metrics.h"
#include "worker/recommend/recommender.h"

namespace zhiyin::worker::recommend {

/// The lists of these users, in their order, computed by all processors.
std::vector<std::vector<Recommended>> ListsFor(const Recommender& recommender,
                                               const std::vector<AskedUser>& users);

/// The metrics of one way to make lists.
struct MeasuredLists {
  std::string name;
  model::metric::ListMetrics metrics;
};

struct ListMeasure {
  std::vector<MeasuredLists> rows;
  /// Which held-out events and users are not measured, and why, a line each.
  std::vector<std::string> left_out;
};

/// Measures lists for every user with a held-out event of a candidate, by the baselines and, last,
/// by the recommender under the name `model_name`. All of them rank the same candidates
/// (CandidateItems), and only candidates are relevant. Throws Error, with the reasons, where
/// nothing is left to measure.
ListMeasure MeasureLists(const Recommender& recommender, const std::string& model_name);

}  // namespace zhiyin::worker::recommend
