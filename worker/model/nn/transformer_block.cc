#include "worker/model/nn/transformer_block.h"

#include <cmath>

namespace zhiyin::worker::model::nn {
namespace {

constexpr float kLeak = 0.01f;

}  // namespace

TransformerBlock::TransformerBlock(int dim, int n_heads, int hidden, int64_t* n_weights)
    : hidden_(hidden),
      attention_(dim, n_heads, dim / n_heads, 1 / std::sqrt(static_cast<float>(dim / n_heads)), dim,
                 n_weights),
      attention_norm_(dim, n_weights),
      widen_(dim, hidden, Activation::kNone, n_weights),
      narrow_(hidden, dim, Activation::kNone, n_weights),
      forward_norm_(dim, n_weights) {}

void TransformerBlock::Init(Random* random, std::span<float> weights) const {
  attention_.Init(random, weights);
  attention_norm_.Init(weights);
  widen_.Init(random, weights);
  narrow_.Init(random, weights);
  forward_norm_.Init(weights);
}

void TransformerBlock::Forward(std::span<const float> weights, std::span<const int32_t> begin,
                               const ConstBlock& x) {
  const Eigen::Index n = x.rows();
  for (Workspace* w : {&s_, &y_, &dy_, &ds_}) w->resize(n, x.cols());
  h_.resize(n, hidden_);
  dh_.resize(n, hidden_);

  MatrixView s = s_.view();
  attention_.Forward(weights, begin, x, s);
  s += x;
  attention_norm_.Forward(weights, s, s);

  MatrixView h = h_.view();
  widen_.Forward(weights, s, h);
  h = h.cwiseMax(kLeak * h);
  MatrixView y = y_.view();
  narrow_.Forward(weights, h, y);
  y += s;
  forward_norm_.Forward(weights, y, y);
}

void TransformerBlock::Backward(std::span<const float> weights, std::span<const int32_t> begin,
                                const ConstBlock& x, std::span<float> dweights, MutableBlock dx) {
  const MatrixView s = s_.view();
  const MatrixView h = h_.view();
  MatrixView dy = dy_.view();
  MatrixView ds = ds_.view();
  MatrixView dh = dh_.view();
  forward_norm_.Backward(weights, dy, dweights);
  narrow_.BackwardWeights(h, y_.view(), dy, dweights);
  narrow_.BackwardInput(weights, dy, dh);
  dh = (h.array() > 0.0f).select(dh, kLeak * dh);
  widen_.BackwardWeights(s, h, dh, dweights);
  widen_.BackwardInput(weights, dh, ds);
  ds += dy;

  attention_norm_.Backward(weights, ds, dweights);
  dx = ds;
  attention_.Backward(weights, begin, x, ds, dweights, dx);
}

}  // namespace zhiyin::worker::model::nn
