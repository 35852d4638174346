// A block of the behavior sequence transformer (Chen et al., DLP-KDD 2019, section 2.2), which is
// the encoder layer of Vaswani et al. (NIPS 2017) with a leaky ReLU, and here without dropout:
//   s = LayerNorm(x + SelfAttention(x))
//   y = LayerNorm(s + LeakyReLU(s W1 + b1) W2 + b2)
//
//   x, s, y [T, dim]   W1 [dim, hidden]   W2 [hidden, dim]   tokens of a batch one below the other
//   as in attention.h
#pragma once

#include <cstdint>
#include <span>

#include "worker/model/nn/attention.h"
#include "worker/model/nn/layer_norm.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread; allocates nothing once it has seen the most tokens.
class TransformerBlock {
 public:
  /// REQUIRES: n_heads divides dim. Takes its weights as DenseLayer does.
  TransformerBlock(int dim, int n_heads, int hidden, int64_t* n_weights);

  void Init(Random* random, std::span<float> weights) const;
  /// output() [T, dim]. x and begin must stay as they are until Backward has returned.
  void Forward(std::span<const float> weights, std::span<const int32_t> begin, const ConstBlock& x);
  ConstMatrixView output() const { return y_.view(); }
  /// Where the caller puts d loss / d output before Backward; overwritten by it. REQUIRES: Forward
  /// came before.
  MatrixView doutput() { return dy_.view(); }
  /// dweights += ..., dx [T, dim] = ...
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
  Workspace h_;   // [T, hidden], behind the leaky ReLU
  Workspace y_;   // [T, dim]
  Workspace dy_;  // the same
  Workspace ds_;  // [T, dim]
  Workspace dh_;  // [T, hidden]
};

}  // namespace zhiyin::worker::model::nn
