// What a model's inputs are worth to its predictions: permutation importance (Breiman, Random
// forests, Machine Learning 45, 2001, section 10).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "worker/data/examples.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::saved {

/// Returns how good predictions are, the larger the better: the AUC of probabilities and scores,
/// 0.5 where a class is absent; of numbers minus the RMSE, in the unit of the labels, 0 without
/// labels. Examples without a label or a finite prediction are left out, the others count by their
/// weights; `weights` may be empty: all 1. REQUIRES: equal lengths.
double Quality(model::loss::PredictionKind kind, std::span<const float> predictions,
               std::span<const double> labels, std::span<const double> weights = {});

/// Returns the blocks with the values of one input exchanged among all their examples by a random
/// permutation, a pure function of the seed. Inputs are numbered through the fields and, behind
/// them, the numerics; all keys of a field move together. REQUIRES: blocks of one shape, one at
/// least.
std::vector<data::Examples> Permuted(const std::vector<data::Examples>& blocks, int input,
                                     uint64_t seed);

/// Returns predictions [tasks][examples of all blocks].
using Predictor =
    std::function<std::vector<std::vector<float>>(const std::vector<data::Examples>& blocks)>;

struct ImportanceOptions {
  /// Only as many blocks are looked at, drawn at random, as are needed for so many examples.
  int64_t max_examples = 20'000;
  /// Independent permutations of an input, over which the loss is averaged.
  int n_permutations = 3;
  uint64_t seed = 0;
};

/// What is lost when an input's values are exchanged among the examples.
struct PermutationImportance {
  /// The number of examples that were looked at: whole blocks.
  int64_t n_examples = 0;
  /// [tasks][inputs], inputs as in Permuted: the Quality of the predictions as they are, less their
  /// mean Quality with the input exchanged. Negative where the predictions became better. An input
  /// that only repeats another one shows little, since the other one remains.
  std::vector<std::vector<double>> lost;
};

/// Calls `predict`, in this thread, for the drawn blocks and, for every input, for n_permutations
/// copies of them. `labels` and `weights` are [tasks][examples of all blocks], where weights may be
/// [tasks][0]: all 1. `kinds` are [tasks]. A pure function
/// where `predict` is one, from any thread; throws what `predict` throws. REQUIRES: blocks of one
/// shape, one at least.
PermutationImportance FindImportance(const Predictor& predict,
                                     const std::vector<data::Examples>& blocks,
                                     const std::vector<std::vector<double>>& labels,
                                     const std::vector<std::vector<double>>& weights,
                                     std::span<const model::loss::PredictionKind> kinds,
                                     const ImportanceOptions& options);

}  // namespace zhiyin::worker::saved
