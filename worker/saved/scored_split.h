// A split of a job's data with a model's predictions.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/data/rows.h"
#include "worker/data/source.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::saved {

/// All good rows, in order, in memory.
struct ScoredSplit {
  std::vector<data::Rows> blocks;
  int64_t n = 0;
  int64_t n_bad = 0;
  std::vector<std::vector<float>> labels;       // [tasks][n]
  std::vector<std::vector<float>> predictions;  // [tasks][n]
  /// By field, for every category that was met: what the data calls it.
  std::vector<std::unordered_map<Key, std::string>> names;
};

/// Throws Error as a Source does, and where there are no rows.
ScoredSplit ScoreSplit(const FrozenModel& model, data::SplitKind kind);

/// Predictions [tasks][rows of all blocks] by all processors.
std::vector<std::vector<float>> Predict(const FrozenModel& model,
                                        const std::vector<data::Rows>& blocks);

/// Returns the field of single categories that reads this column as it is; nullopt where there is
/// none.
std::optional<int> FieldOfColumn(const Job& job, const std::string& column);

/// Returns [examples of all blocks]: the first key of the field; 0 where the example has none.
std::vector<Key> FirstKeys(const std::vector<data::Rows>& blocks, int field);

}  // namespace zhiyin::worker::saved
