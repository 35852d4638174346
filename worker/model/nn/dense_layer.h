// A fully connected layer: y = act(x W + b).
//
//   x [n, in]   W [in, out]   b [out]   y [n, out]
//   act: ReLU, none, or ReLU for the first columns only (for layers that share one wide matrix)
//
// Weights live in the model's flat vector, and the layer knows their offsets; the functions take
// the whole flat vectors of weights and gradients. Activations are blocks of the model's matrices,
// so that layers side by side share one wide matrix. The products are those of product.h, divided
// among the threads of the caller's team (team.h), if it has one, and in bfloat16 within a
// Bfloat16Pass (rounding.h).
#pragma once

#include <cstdint>
#include <span>

#include "common/matrix.h"
#include "common/random.h"
#include "worker/model/nn/graph.h"
#include "worker/model/nn/init.h"
#include "worker/model/nn/linear_map.h"

namespace zhiyin::worker::model::nn {

enum class Activation { kNone, kRelu };

/// Used by one thread, as its LinearMap is.
class DenseLayer {
 public:
  /// Takes in * out + out floats of the flat vector at *n_weights, and moves it behind them.
  DenseLayer(int in, int out, Activation activation, int64_t* n_weights)
      : DenseLayer(in, out, activation == Activation::kRelu ? out : 0, n_weights) {}
  /// Applies ReLU to the first `n_relu` columns only.
  DenseLayer(int in, int out, int n_relu, int64_t* n_weights);

  int in() const { return map_.in(); }
  int out() const { return map_.out(); }

  /// W: uniform in +-sqrt(6 / in) before a ReLU (He et al., ICCV 2015, eq. 10), +-sqrt(6 / (in +
  /// out)) otherwise (Glorot and Bengio, AISTATS 2010, eq. 16). b: zero. `random` is advanced.
  /// REQUIRES: all columns have one
  /// activation.
  void Init(Random* random, std::span<float> weights) const;
  /// Initializes layers that are side by side: column k of W uniform in +-ranges[k] instead.
  /// REQUIRES: ranges [out].
  void InitColumns(Random* random, std::span<float> weights, std::span<const double> ranges) const;

  /// Sets every entry of b.
  void InitBias(float value, std::span<float> weights) const {
    InitConstant(value, b_, out(), weights);
  }

  /// y [n, out] = act(x [n, in] W + b).
  void Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y);
  /// Adds what Forward computes to an inference graph.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;

  /// dW += x^T dz, db += column sums of dz, where dz = dy * act'(y); dy [n, out] is overwritten.
  void BackwardWeights(const ConstBlock& x, const ConstBlock& y, MutableBlock dy,
                       std::span<float> dweights);
  /// dx [n, in] = dz W^T. REQUIRES: the last BackwardWeights was given this dy.
  void BackwardInput(std::span<const float> weights, const ConstBlock& dy, MutableBlock dx);

 private:
  LinearMap map_;
  int n_relu_;
  int64_t b_;
};

}  // namespace zhiyin::worker::model::nn
