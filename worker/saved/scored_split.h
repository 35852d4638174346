// The examples of a split with a model's predictions.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/data/examples.h"
#include "worker/data/source.h"
#include "worker/data/unpredicted.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::saved {

/// All examples of a split, in order, in memory. Plain data.
struct ScoredSplit {
  std::vector<data::Examples> blocks;
  int64_t n = 0;                                // examples
  int64_t n_bad = 0;                            // malformed lines
  std::vector<std::vector<double>> labels;      // [n_tasks][n], none where there is no prediction
  std::vector<std::vector<float>> predictions;  // [n_tasks][n]; NaN where the model has none
  data::Unpredicted unpredicted;                // the examples that lack the prediction of a task
  /// [n_tasks][n]: what each example stands for (worker/model/metric/metric.h); [n_tasks][0]: one
  /// example each.
  std::vector<std::vector<double>> weights;
  /// [n_tasks]: the sum of the losses of the examples with a label, each weighed by what it stands
  /// for, from the model's outputs.
  std::vector<double> losses;
  /// [n_fields]: the value in the data of every category of the split.
  std::vector<std::unordered_map<Key, std::string>> names;
};

/// Reads a split of the model's job and computes the predictions. Throws Error as a Source does,
/// when there are no examples, and when no prediction of a task is finite.
ScoredSplit ScoreSplit(const FrozenModel& model, data::SplitKind kind);

/// Computes the predictions [n_tasks][examples of all blocks] on all processors; NaN where the
/// model has none.
std::vector<std::vector<float>> Predict(const FrozenModel& model,
                                        const std::vector<data::Examples>& blocks);

/// Returns the position of the field of this name; nullopt where there is none.
std::optional<int> FieldOfName(const Job& job, const std::string& name);

/// Returns the field of single categories that reads this column as it is; nullopt where there is
/// none.
std::optional<int> FieldOfColumn(const Job& job, const std::string& column);

/// Returns [examples of all blocks]: the first key of the field; 0 where the example has none.
std::vector<Key> FirstKeys(const std::vector<data::Examples>& blocks, int field);

}  // namespace zhiyin::worker::saved
