// Batch normalisation (Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training
// by Reducing Internal Covariate Shift", ICML 2015, algorithm 1):
//   y = g * (x - mean) / sqrt(variance + epsilon) + b       mean and variance of a column
//
//   x, y [n, dim]   g, b [dim]
//
// In training they are those over the rows of the slice (what each worker of a data-parallel run
// normalises by: the rows of a pass, not of the whole step), else those kept among the weights, of
// many slices together (batch_statistics.h). Algorithm 2 keeps unbiased variances; over so many
// rows the difference is nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/pass.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Keeps what it needs between Forward and Backward; allocates nothing once it
/// has seen the most rows.
class BatchNorm {
 public:
  static constexpr float kEpsilon = 1e-5f;

  /// Takes 4 * dim floats of the flat vector at *n_weights, and moves it behind them: g, b, and the
  /// mean and variance that are kept, whose gradient is always zero.
  BatchNorm(int dim, int64_t* n_weights);

  /// g: ones, b: zeros; kept: mean 0, variance 1.
  void Init(std::span<float> weights) const;
  /// In the place of x. A training pass tells pass.statistics, where there is one, what it saw.
  void Forward(std::span<const float> weights, const Pass& pass, MutableBlock x);
  /// What a pass that does not train computes.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;
  /// Of the last Forward. dweights += ..., and dx, which replaces dy. REQUIRES: it was a training
  /// pass.
  void Backward(std::span<const float> weights, MutableBlock dy, std::span<float> dweights);

 private:
  int dim_;
  int64_t g_;
  int64_t b_;
  int64_t kept_;
  Workspace normal_;          // [n, dim]: (x - mean) / deviation
  Vector mean_;               // [dim]
  Vector variance_;           // [dim]
  Vector inverse_deviation_;  // [dim]
  Vector dg_;                 // [dim], of one pass
  Vector db_;                 // the same
};

}  // namespace zhiyin::worker::model::nn
