// Runs a graph of standard operators by their definitions, slowly: what other programs make of an
// export.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "worker/model/nn/graph.h"

namespace zhiyin::testing {

/// Any number of dimensions; whole numbers are kept as doubles, too.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

/// The outputs by name. Fails the test for an operator that it does not know. `inputs` has each of
/// the graph's inputs.
std::map<std::string, Tensor> RunGraph(const worker::model::nn::Graph& graph,
                                       const std::map<std::string, Tensor>& inputs);

}  // namespace zhiyin::testing
