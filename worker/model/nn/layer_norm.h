// Layer normalisation (Ba, Kiros and Hinton, 2016, eqs. 3 and 4):
//
//   y = g * (x - mean) / sqrt(variance + epsilon) + b       mean and variance of each row
//
//   x, y [n, dim]   g, b [dim]
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Keeps what Backward needs of Forward; allocates nothing once it has seen the
/// largest batch.
class LayerNorm {
 public:
  static constexpr float kEpsilon = 1e-5f;

  /// Takes 2 * dim floats of the flat vector at *n_weights, and moves it behind them.
  LayerNorm(int dim, int64_t* n_weights);

  /// Sets g to ones and b to zeros.
  void Init(std::span<float> weights) const;
  /// y [n, dim] may be x.
  void Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y);
  /// Adds what Forward computes to an inference graph.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;
  /// Backpropagates through the last Forward: dweights += d loss / d weights, and dy [n, dim] is
  /// replaced by dx.
  void Backward(std::span<const float> weights, MutableBlock dy, std::span<float> dweights);

 private:
  int dim_;
  int64_t g_;
  int64_t b_;
  Workspace normal_;                      // [n, dim]: (x - mean) / deviation
  std::vector<float> inverse_deviation_;  // [n]
};

}  // namespace zhiyin::worker::model::nn
