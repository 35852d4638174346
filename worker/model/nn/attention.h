// Multi-head self-attention (Vaswani et al., NIPS 2017, section 3.2) among the tokens of a
// sequence:
//   Q, K, V = x Wq, x Wk, x Wv      head_h = softmax(scale * Q_h K_h^T) V_h      y = [head_1, ...,
//   head_H] Wo
//
// A batch's sequences stand one below the other, without padding: sequence i is the tokens begin[i]
// to begin[i + 1]. So there is nothing to mask, and the products with weights are over the tokens
// of the whole batch.
//
//   x [T, in]   Wq, Wk, Wv [in, H * width], side by side   Wo [H * width, out] or none   y [T, out]
#pragma once

#include <cstdint>
#include <span>

#include "common/random.h"
#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread; allocates nothing once it has seen the most tokens, apart from what the
/// matrix product needs inside. Keeps Q, K and V between Forward and Backward; the attention
/// itself, which grows with the square of a length, is computed again.
class SelfAttention {
 public:
  /// out = 0: without Wo, y is the heads side by side. Takes its weights as DenseLayer does.
  SelfAttention(int in, int n_heads, int width, float scale, int out, int64_t* n_weights);

  int out() const { return out_ > 0 ? out_ : n_heads_ * width_; }
  void Init(Random* random, std::span<float> weights) const;
  /// `begin` must stay as it is until Backward has returned.
  void Forward(std::span<const float> weights, std::span<const int32_t> begin, const ConstBlock& x,
               MutableBlock y);
  /// Of the last Forward. dweights += ..., dx [T, in] += ...
  void Backward(std::span<const float> weights, std::span<const int32_t> begin, const ConstBlock& x,
                const ConstBlock& dy, std::span<float> dweights, MutableBlock dx);

 private:
  /// Columns of Q, K, V (0, 1, 2) of a head.
  int Column(int which, int head) const { return (which * n_heads_ + head) * width_; }
  void Attend(std::span<const int32_t> begin, MutableBlock heads);
  void AttendBackward(std::span<const int32_t> begin, const ConstBlock& dheads);
  /// p_ [l, l] = softmax(scale * Q_h K_h^T) of the l tokens from `first`.
  void Probabilities(int first, int l, int head);

  int in_;
  int n_heads_;
  int width_;
  float scale_;
  int out_;
  int64_t qkv_weights_;
  int64_t out_weights_;
  Workspace qkv_;     // [T, 3 * H * width]
  Workspace dqkv_;    // the same
  Workspace heads_;   // [T, H * width], with Wo only
  Workspace dheads_;  // the same
  Workspace p_;       // [l, l], of one sequence and head
  Workspace dp_;      // the same
};

}  // namespace zhiyin::worker::model::nn
