#include "worker/nn/dense_layer.h"

#include <cmath>
#include <vector>

namespace zhiyin::worker {

DenseLayer::DenseLayer(int in, int out, Activation activation, int64_t* n_weights)
    : in_(in), out_(out), activation_(activation), w_(*n_weights), b_(w_ + int64_t{in} * out) {
  *n_weights = b_ + out;
}

void DenseLayer::Init(Random* random, std::span<float> weights) const {
  const double range =
      activation_ == Activation::kRelu ? std::sqrt(6.0 / in_) : std::sqrt(6.0 / (in_ + out_));
  InitColumns(random, weights, std::vector<double>(static_cast<size_t>(out_), range));
}

void DenseLayer::InitColumns(Random* random, std::span<float> weights, std::span<const double> ranges) const {
  for (int64_t i = w_; i < b_; ++i) {
    const double range = ranges[static_cast<size_t>((i - w_) % out_)];
    weights[static_cast<size_t>(i)] = static_cast<float>(range * (2 * random->Uniform() - 1));
  }
  for (int64_t i = b_; i < b_ + out_; ++i) weights[static_cast<size_t>(i)] = 0;
}

void DenseLayer::Forward(std::span<const float> weights, const ConstBlock& x, MutableBlock y) const {
  y.noalias() = x * W(weights);
  if (activation_ == Activation::kRelu) {
    y.array() = (y.array().rowwise() + B(weights).array()).max(0.0f);
  } else {
    y.rowwise() += B(weights);
  }
}

void DenseLayer::BackwardWeights(const ConstBlock& x, const ConstBlock& y, MutableBlock dy,
                                 std::span<float> dweights) const {
  if (activation_ == Activation::kRelu) dy.array() = (y.array() > 0.0f).select(dy.array(), 0.0f);
  MatrixView dW(dweights.data() + w_, in_, out_);
  VectorView db(dweights.data() + b_, out_);
  dW.noalias() += x.transpose() * dy;
  db += dy.colwise().sum();
}

void DenseLayer::BackwardInput(std::span<const float> weights, const ConstBlock& dy, MutableBlock dx) const {
  dx.noalias() = dy * W(weights).transpose();
}

}  // namespace zhiyin::worker
