// Layer normalisation (Ba, Kiros and Hinton, 2016, eqs. 3 and 4):
//   y = g * (x - mean) / sqrt(variance + epsilon) + b       mean and variance over the columns of a
//   row
//
//   x, y [n, dim]   g, b [dim]
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Keeps what it needs between Forward and Backward; allocates nothing once it
/// has seen the most rows.
class LayerNorm {
 public:
  static constexpr float kEpsilon = 1e-5f;

  /// Takes 2 * dim floats of the flat vector at *n_weights, and moves it behind them.
  LayerNorm(int dim, int64_t* n_weights);

  /// g: ones, b: zeros.
  void Init(std::span<float> weights) const;
  /// y may be x.
  void Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y);
  /// What Forward computes.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;
  /// Of the last Forward. dweights += ..., and dx, which replaces dy.
  void Backward(std::span<const float> weights, MutableBlock dy, std::span<float> dweights);

 private:
  int dim_;
  int64_t g_;
  int64_t b_;
  Workspace normal_;                      // [n, dim]: (x - mean) / deviation
  std::vector<float> inverse_deviation_;  // [n]
};

}  // namespace zhiyin::worker::model::nn
