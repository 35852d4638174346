// Batch normalisation (Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training
// by Reducing Internal Covariate Shift", ICML 2015, algorithm 1):
//
//   y = g * (x - mean) / sqrt(variance + epsilon) + b       mean and variance of each column
//
//   x, y [n, dim]   g, b [dim]
//
// In training, mean and variance are taken over the examples of the slice, as usual in
// data-parallel training: of one pass, not of the whole step. Otherwise they are taken over many
// slices (batch_statistics.h) and stored among the weights. Algorithm 2 stores unbiased variances;
// over that many examples the difference is negligible.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/pass.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Keeps what Backward needs of Forward; allocates nothing once it has seen the
/// largest batch.
class BatchNorm {
 public:
  static constexpr float kEpsilon = 1e-5f;

  /// Takes 4 * dim floats of the flat vector at *n_weights, and moves it behind them: g, b, and the
  /// stored mean and variance, whose gradient is always zero.
  BatchNorm(int dim, int64_t* n_weights);

  /// Sets g to ones, b to zeros, the stored mean to 0 and the stored variance to 1.
  void Init(std::span<float> weights) const;
  /// Replaces x by y. A training pass adds its mean and variance to pass.statistics, if there is
  /// one. Where these are beyond what statistics can hold (BatchStatistics::CanHold), as of one
  /// example with an extreme number, y is NaN throughout: squashed by a variance that is infinite,
  /// the other examples would all be equal, without a sign of it. Such a pass has no Backward.
  void Forward(std::span<const float> weights, const Pass& pass, MutableBlock x);
  /// Adds what a pass that does not train computes to an inference graph.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;
  /// Backpropagates through the last Forward: dweights += d loss / d weights, and dy [n, dim] is
  /// replaced by dx. REQUIRES: that was a training pass, and its y was finite.
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
  Vector db_;                 // [dim], of one pass
};

}  // namespace zhiyin::worker::model::nn
