// A fully connected layer: y = act(x W + b).
//
//   x [n, in]   W [in, out]   b [out]   y [n, out]   act: ReLU or none; or ReLU for the first
//   columns only, of layers side by side
//
// Weights live in the model's flat vector; the layer knows where. Activations are blocks of the
// model's matrices, so that layers side by side share one wide matrix. Nothing is allocated apart
// from what the matrix product needs inside. Products are shared by the team of the calling thread
// (team.h), if it has one.
#pragma once

#include <cstdint>
#include <span>

#include "common/matrix.h"
#include "common/random.h"
#include "worker/model/nn/graph.h"

namespace zhiyin::worker::model::nn {

/// Columns of a row-major matrix.
using ConstBlock = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;
using MutableBlock = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;

enum class Activation { kNone, kRelu };

class DenseLayer {
 public:
  /// Takes in * out + out floats of the flat vector at *n_weights, and moves it behind them.
  DenseLayer(int in, int out, Activation activation, int64_t* n_weights)
      : DenseLayer(in, out, activation == Activation::kRelu ? out : 0, n_weights) {}
  /// With ReLU in the first `n_relu` columns.
  DenseLayer(int in, int out, int n_relu, int64_t* n_weights);

  int in() const { return in_; }
  int out() const { return out_; }

  /// W: uniform in +-sqrt(6 / in) before a ReLU (He et al., ICCV 2015, eq. 10), +-sqrt(6 / (in +
  /// out)) otherwise (Glorot and Bengio, AISTATS 2010, eq. 16). b: zero. `random` is advanced.
  /// REQUIRES: the same activation everywhere.
  void Init(Random* random, std::span<float> weights) const;
  /// For layers side by side: column k of W uniform in +-ranges[k] instead. REQUIRES: ranges [out].
  void InitColumns(Random* random, std::span<float> weights, std::span<const double> ranges) const;

  void Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y) const;
  /// What Forward computes.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;

  /// dy [n, out] is overwritten by its product with the activation's derivative. dweights += ...
  void BackwardWeights(const ConstBlock& x, const ConstBlock& y, MutableBlock dy,
                       std::span<float> dweights) const;
  /// dx [n, in] = ..., after BackwardWeights has treated dy.
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
