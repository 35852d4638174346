#include "worker/nn/mlp.h"

namespace zhiyin::worker {

Mlp::Mlp(int in, std::span<const int> widths, Activation last, int64_t* n_weights) {
  for (size_t l = 0; l < widths.size(); ++l) {
    layers_.emplace_back(in, widths[l], l + 1 == widths.size() ? last : Activation::kRelu, n_weights);
    in = widths[l];
  }
  y_.resize(layers_.size());
  dy_.resize(layers_.size());
}

void Mlp::Init(Random* random, std::span<float> weights) const {
  for (const DenseLayer& layer : layers_) layer.Init(random, weights);
}

void Mlp::Forward(std::span<const float> weights, const ConstBlock& x) {
  for (size_t l = 0; l < layers_.size(); ++l) {
    y_[l].resize(x.rows(), layers_[l].out());
    dy_[l].resize(x.rows(), layers_[l].out());
    if (l == 0) {
      layers_[l].Forward(weights, x, y_[l].view());
    } else {
      layers_[l].Forward(weights, y_[l - 1].view(), y_[l].view());
    }
  }
}

void Mlp::Backward(std::span<const float> weights, const ConstBlock& x, std::span<float> dweights,
                   MutableBlock dx) {
  for (size_t l = layers_.size(); l-- > 1;) {
    layers_[l].BackwardWeights(y_[l - 1].view(), y_[l].view(), dy_[l].view(), dweights);
    layers_[l].BackwardInput(weights, dy_[l].view(), dy_[l - 1].view());
  }
  layers_[0].BackwardWeights(x, y_[0].view(), dy_[0].view(), dweights);
  layers_[0].BackwardInput(weights, dy_[0].view(), dx);
}

}  // namespace zhiyin::worker
