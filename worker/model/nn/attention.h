// Multi-head self-attention (Vaswani et al., NIPS 2017, section 3.2) among the tokens of a
// sequence:
//
//   Q, K, V = x Wq, x Wk, x Wv
//   head_h = softmax(scale * Q_h K_h^T) V_h       for each of the H heads
//   y = [head_1, ..., head_H] Wo
//
//   x [T, in]   Wq, Wk, Wv [in, H * width], side by side   Wo [H * width, out] or none   y [T, out]
//
// The T tokens are those of all sequences of a batch, one below the other without padding: sequence
// i has the tokens begin[i] to begin[i + 1]. So there is nothing to mask, and each product with
// weights is one product for the whole batch: a LinearMap, divided among the threads of a team
// (team.h) and in bfloat16 within a Bfloat16Pass (rounding.h).
//
// The products of a sequence and head, Q_h K_h^T and P V_h, are Eigen's, in floats and in the
// calling thread: they are [l, width] times [width, l], with an l that differs from sequence to
// sequence, and mostly too small to gain from anything else.
#pragma once

#include <cstdint>
#include <span>

#include "common/random.h"
#include "worker/model/nn/linear_map.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread. Allocates nothing, apart from what the matrix product needs inside, once it
/// has seen the largest number of tokens. Keeps Q, K and V between Forward and Backward; Backward
/// computes the attention probabilities again, since their size grows with the square of a length.
class SelfAttention {
 public:
  /// out = 0: there is no Wo, and y holds the heads side by side. Takes its weights from the flat
  /// vector as DenseLayer does.
  SelfAttention(int in, int n_heads, int width, float scale, int out, int64_t* n_weights);

  int out() const { return HasOutput() ? output_.out() : wide(); }
  void Init(Random* random, std::span<float> weights) const;
  /// `begin` and x must stay as they are until Backward has returned.
  void Forward(std::span<const float> weights, std::span<const int32_t> begin, const ConstBlock& x,
               MutableBlock y);
  /// Backpropagates through the last Forward: dweights += d loss / d weights, dx [T, in] += d loss
  /// / d x, given dy [T, out()].
  void Backward(std::span<const float> weights, std::span<const int32_t> begin, const ConstBlock& x,
                const ConstBlock& dy, std::span<float> dweights, MutableBlock dx);

 private:
  /// The columns of all heads.
  int wide() const { return n_heads_ * width_; }
  /// Whether there is Wo.
  bool HasOutput() const { return output_.out() > 0; }
  /// Columns of Q, K, V (0, 1, 2) of a head.
  int Column(int which, int head) const { return (which * n_heads_ + head) * width_; }
  void Attend(std::span<const int32_t> begin, MutableBlock heads);
  void AttendBackward(std::span<const int32_t> begin, const ConstBlock& dheads);
  /// p_ [l, l] = softmax(scale * Q_h K_h^T) of the l tokens from `first`.
  void Probabilities(int first, int l, int head);

  int n_heads_;
  int width_;
  float scale_;
  LinearMap projection_;  // [Wq, Wk, Wv]
  LinearMap output_;      // Wo; without columns where there is none
  Workspace qkv_;         // [T, 3 * H * width]
  Workspace dqkv_;        // [T, 3 * H * width]
  Workspace heads_;       // [T, H * width], with Wo only
  Workspace dheads_;      // [T, H * width], with Wo only
  Workspace p_;           // [l, l], probabilities of one sequence and head
  Workspace dp_;          // [l, l]
};

}  // namespace zhiyin::worker::model::nn
