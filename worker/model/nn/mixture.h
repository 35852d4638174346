// Sums of vectors, weighted row by row: what gates do with experts.
#pragma once

#include <vector>

#include "worker/model/nn/dense_layer.h"

namespace zhiyin::worker::model::nn {

/// E = gate.cols() experts of `width` columns side by side, width = m.cols():
/// m[i, :] += sum_e gate[i, e] * expert_e[i, :]
void AddMixture(const ConstBlock& gate, const ConstBlock& experts, MutableBlock m);

/// The same from zeros, with a value an expert.
Graph::Value MixtureOf(Graph* graph, const Graph::Value& gate,
                       const std::vector<Graph::Value>& experts);

/// dgate[i, e] = <dm[i, :], expert_e[i, :]>
void MixtureGateBackward(const ConstBlock& experts, const ConstBlock& dm, MutableBlock dgate);
/// dexpert_e[i, :] += gate[i, e] * dm[i, :]
void MixtureExpertsBackward(const ConstBlock& gate, const ConstBlock& dm, MutableBlock dexperts);

}  // namespace zhiyin::worker::model::nn
