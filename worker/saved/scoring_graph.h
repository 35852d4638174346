// A trained model as a graph of standard operators, from positions of categories to predictions.
#pragma once

#include <span>
#include <vector>

#include "common/types.h"
#include "worker/model/nn/graph.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::saved {

/// Inputs, by the names of the job's fields and numerics:
///
///   a field     int64 [n, any]: positions in its list of keys; the number of keys for a value that
///               is not in it; -1 for none (at the end of an example with fewer values than others)
///   a numeric   float [n, 1]: as it is in the data; NaN where not known
///
/// Outputs: TASK.prediction, float [n, 1], as FrozenModel::Session gives them. `keys`, of each
/// field, are the constants' rows; they have rows in the model. Throws Error where the model has no
/// such form, as for sequences.
model::nn::Graph ScoringGraph(const FrozenModel& model, std::span<const std::vector<Key>> keys);

}  // namespace zhiyin::worker::saved
