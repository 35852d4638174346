// A trained model as a graph of standard operators, which computes predictions from the positions
// of categories in lists of keys.
#pragma once

#include <span>
#include <vector>

#include "common/types.h"
#include "worker/model/nn/graph.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::saved {

/// Inputs, by the names of the job's fields and numerics:
///
///   a field     int64 [n, any]: the position of each value in the field's list of keys; the length
///   of
///               the list for a value that is not in it; -1 as padding after the last value of an
///               example
///   a numeric   float [n, 1]: its value in the data; NaN where it is missing
///
/// Outputs: TASK.prediction, float [n, 1], as FrozenModel::Session computes it.
/// `keys` [n_fields] are the lists of keys, whose weights become constants of the graph. Throws
/// Error when the model cannot be expressed so, as with sequences. REQUIRES: all keys have rows in
/// the model.
model::nn::Graph ScoringGraph(const FrozenModel& model, std::span<const std::vector<Key>> keys);

}  // namespace zhiyin::worker::saved
