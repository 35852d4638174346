// Sums of experts, weighted by gates.
#pragma once

#include <algorithm>
#include <vector>

#include "worker/model/nn/dense_layer.h"

namespace zhiyin::worker::model::nn {

/// m[i, :] += sum_e gate[i, e] * expert_e[i, :]
///
///   gate [n, E]   experts [n, E * width], side by side   m [n, width]
void AddMixture(const ConstBlock& gate, const ConstBlock& experts, MutableBlock m);

/// Adds the mixture to an inference graph; `experts` has a value [n, width] for each expert.
Graph::Value MixtureOf(Graph* graph, const Graph::Value& gate,
                       const std::vector<Graph::Value>& experts);

/// Calls work(begin, n) for blocks of the matrix rows [0, n_rows), small enough that what several
/// mixtures read of them stays in cache.
template <typename Work>
void ForRowsInCache(Eigen::Index n_rows, const Work& work) {
  constexpr Eigen::Index kRows = 64;
  for (Eigen::Index begin = 0; begin < n_rows; begin += kRows)
    work(begin, std::min(kRows, n_rows - begin));
}

/// dgate[i, e] = <dm[i, :], expert_e[i, :]>, with the shapes of AddMixture.
void MixtureGateBackward(const ConstBlock& experts, const ConstBlock& dm, MutableBlock dgate);
/// dexpert_e[i, :] += gate[i, e] * dm[i, :], with the shapes of AddMixture.
void MixtureExpertsBackward(const ConstBlock& gate, const ConstBlock& dm, MutableBlock dexperts);

}  // namespace zhiyin::worker::model::nn
