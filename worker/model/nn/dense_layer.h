// A fully connected layer: y = act(x W + b).
//
//   x [n, in]   W [in, out]   b [out]   y [n, out]
//   act: ReLU, none, or ReLU for the first columns only (for layers that share one wide matrix)
//
// Weights live in the model's flat vector, and the layer knows their offsets; the functions take
// the whole flat vectors of weights and gradients. Activations are blocks of the model's matrices,
// so that layers side by side share one wide matrix. Nothing is allocated apart from what the
// matrix product needs inside. The products are divided among the threads of the caller's team
// (team.h), if it has one.
#pragma once

#include <cstdint>
#include <span>

#include "common/matrix.h"
#include "common/random.h"
#include "worker/model/nn/graph.h"
#include "worker/model/nn/init.h"

namespace zhiyin::worker::model::nn {

/// A block of columns of a row-major matrix.
using ConstBlock = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;
using MutableBlock = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;

enum class Activation { kNone, kRelu };

/// Immutable: used by any number of threads, each with its own activations and gradients.
class DenseLayer {
 public:
  /// Takes in * out + out floats of the flat vector at *n_weights, and moves it behind them.
  DenseLayer(int in, int out, Activation activation, int64_t* n_weights)
      : DenseLayer(in, out, activation == Activation::kRelu ? out : 0, n_weights) {}
  /// Applies ReLU to the first `n_relu` columns only.
  DenseLayer(int in, int out, int n_relu, int64_t* n_weights);

  int in() const { return in_; }
  int out() const { return out_; }

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
    InitConstant(value, b_, out_, weights);
  }

  /// y [n, out] = act(x [n, in] W + b).
  void Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y) const;
  /// Adds what Forward computes to an inference graph.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;

  /// dW += x^T dz, db += column sums of dz, where dz = dy * act'(y) overwrites dy [n, out].
  void BackwardWeights(const ConstBlock& x, const ConstBlock& y, MutableBlock dy,
                       std::span<float> dweights) const;
  /// dx [n, in] = dz W^T, with the dz that BackwardWeights left in `dy`.
  void BackwardInput(std::span<const float> weights, const ConstBlock& dy, MutableBlock dx) const;

 private:
  double Flops(Eigen::Index rows) const { return 2.0 * static_cast<double>(rows) * in_ * out_; }
  ConstMatrixView W(std::span<const float> weights) const {
    return {weights.data() + w_, in_, out_};
  }
  ConstVectorView B(std::span<const float> weights) const { return {weights.data() + b_, out_}; }

  int in_;
  int out_;
  int n_relu_;
  int64_t w_;
  int64_t b_;
};

}  // namespace zhiyin::worker::model::nn
