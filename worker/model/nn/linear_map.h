// A matrix of weights as a layer without bias and activation: y = x W.
//
//   x [n, in]   W [in, out]   y [n, out]
//
// The weights live in the model's flat vector, as those of DenseLayer. The products are those of
// product.h, divided among the threads of the caller's team (team.h), if it has one, and in
// bfloat16 within a Bfloat16Pass (rounding.h).
#pragma once

#include <cstdint>
#include <span>

#include "worker/model/nn/product.h"
#include "worker/model/nn/rounding.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. In bfloat16 it keeps the rounded x from Forward to BackwardWeights; where
/// another x was read in between, x is rounded again. Allocates nothing, apart from what the matrix
/// product needs inside, once it has seen the largest batch.
class LinearMap {
 public:
  /// Takes in * out floats of the flat vector at *n_weights, and moves it behind them.
  LinearMap(int in, int out, int64_t* n_weights)
      : in_(in), out_(out), w_(*n_weights), x_(in, out), dy_(in, out) {
    *n_weights += int64_t{in} * out;
  }

  int in() const { return in_; }
  int out() const { return out_; }
  /// Where the weights begin in the flat vector.
  int64_t begin() const { return w_; }
  ConstMatrixView W(std::span<const float> weights) const {
    return {weights.data() + w_, in_, out_};
  }

  /// y = x W.
  void Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y) {
    Multiply(x_.Set(x), WeightFactor(weights, w_, in_, out_), y);
  }
  /// y += x W.
  void ForwardAdd(std::span<const float> weights, const ConstBlock& x, MutableBlock y) {
    MultiplyAdd(x_.Set(x), WeightFactor(weights, w_, in_, out_), y);
  }
  /// dW += x^T dy.
  void BackwardWeights(const ConstBlock& x, const ConstBlock& dy, std::span<float> dweights) {
    MultiplyAdd(x_.Keep(x).Transposed(), dy_.Set(dy), MatrixView(dweights.data() + w_, in_, out_));
  }
  /// BackwardWeights where finish(i, row) writes to `row` what row i of dy is to be
  /// (ActivationFactor::SetByRows).
  template <typename Finish>
  void BackwardWeightsByRows(const ConstBlock& x, MutableBlock dy, const Finish& finish,
                             std::span<float> dweights) {
    const Factor& dy_factor = dy_.SetByRows(dy, finish);
    MultiplyAdd(x_.Keep(x).Transposed(), dy_factor, MatrixView(dweights.data() + w_, in_, out_));
  }
  /// dx = dy W^T. REQUIRES: the last BackwardWeights was given this dy.
  void BackwardInput(std::span<const float> weights, const ConstBlock& dy, MutableBlock dx) {
    Multiply(dy_.Keep(dy), WeightFactor(weights, w_, in_, out_).Transposed(), dx);
  }
  /// dx += dy W^T, likewise.
  void BackwardInputAdd(std::span<const float> weights, const ConstBlock& dy, MutableBlock dx) {
    MultiplyAdd(dy_.Keep(dy), WeightFactor(weights, w_, in_, out_).Transposed(), dx);
  }

 private:
  int in_;
  int out_;
  int64_t w_;
  ActivationFactor x_;
  ActivationFactor dy_;
};

}  // namespace zhiyin::worker::model::nn
