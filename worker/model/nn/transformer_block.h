// A block of the behavior sequence transformer (Chen et al., DLP-KDD 2019, section 2.2): the
// encoder layer of Vaswani et al. (NIPS 2017) with a leaky ReLU, here without dropout.
//
//   s = LayerNorm(x + SelfAttention(x))
//   y = LayerNorm(s + LeakyReLU(s W1 + b1) W2 + b2)
//
//   x, s, y [T, dim]   W1 [dim, hidden]   W2 [hidden, dim]
//   T: tokens of all sequences of a batch, as in attention.h
#pragma once

#include <cstdint>
#include <span>

#include "worker/model/nn/attention.h"
#include "worker/model/nn/layer_norm.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Keeps its activations between Forward and Backward; allocates nothing once
/// it has seen the largest number of tokens.
class TransformerBlock {
 public:
  /// Takes its weights from the flat vector as DenseLayer does. REQUIRES: n_heads divides dim.
  TransformerBlock(int dim, int n_heads, int hidden, int64_t* n_weights);

  void Init(Random* random, std::span<float> weights) const;
  /// Computes output() [T, dim]. x and begin must stay unchanged until Backward has returned.
  void Forward(std::span<const float> weights, std::span<const int32_t> begin, const ConstBlock& x);
  ConstMatrixView output() const { return y_.view(); }
  /// The caller puts d loss / d output [T, dim] here before Backward, which overwrites it.
  /// REQUIRES: Forward was called.
  MatrixView doutput() { return dy_.view(); }
  /// dweights += d loss / d weights; dx [T, dim] = d loss / d x.
  void Backward(std::span<const float> weights, std::span<const int32_t> begin, const ConstBlock& x,
                std::span<float> dweights, MutableBlock dx);

 private:
  int hidden_;
  SelfAttention attention_;
  LayerNorm attention_norm_;
  DenseLayer widen_;
  DenseLayer narrow_;
  LayerNorm forward_norm_;
  Workspace s_;   // [T, dim]
  Workspace h_;   // [T, hidden], output of the leaky ReLU
  Workspace y_;   // [T, dim]
  Workspace dy_;  // [T, dim]
  Workspace ds_;  // [T, dim]
  Workspace dh_;  // [T, hidden]
};

}  // namespace zhiyin::worker::model::nn
