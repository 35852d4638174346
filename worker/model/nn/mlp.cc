#include "worker/model/nn/mlp.h"

namespace zhiyin::worker::model::nn {

Mlp::Mlp(int in, std::span<const int> widths, Activation last, const Hidden& hidden,
         int64_t* n_weights) {
  for (size_t l = 0; l < widths.size(); ++l) {
    const bool is_hidden = l + 1 < widths.size() || last == Activation::kRelu;
    layers_.emplace_back(in, widths[l], is_hidden ? HiddenStage::ActivationInFront(hidden) : last,
                         n_weights);
    if (is_hidden) stages_.emplace_back(hidden, 1, widths[l], n_weights);
    in = widths[l];
  }
  y_.resize(layers_.size());
  dy_.resize(layers_.size());
}

void Mlp::Init(Random* random, std::span<float> weights) const {
  for (const DenseLayer& layer : layers_) layer.Init(random, weights);
  for (const HiddenStage& stage : stages_) stage.Init(weights);
}

void Mlp::Forward(std::span<const float> weights, const ConstBlock& x, const Pass& pass) {
  for (size_t l = 0; l < layers_.size(); ++l) {
    y_[l].resize(x.rows(), layers_[l].out());
    dy_[l].resize(x.rows(), layers_[l].out());
    if (l == 0) {
      layers_[l].Forward(weights, x, y_[l].view());
    } else {
      layers_[l].Forward(weights, y_[l - 1].view(), y_[l].view());
    }
    if (l < stages_.size()) stages_[l].Forward(weights, pass, y_[l].view());
  }
}

Graph::Value Mlp::AddTo(Graph* graph, std::span<const float> weights, Graph::Value x) const {
  for (size_t l = 0; l < layers_.size(); ++l) {
    x = layers_[l].AddTo(graph, weights, x);
    if (l < stages_.size()) x = stages_[l].AddTo(graph, weights, x);
  }
  return x;
}

void Mlp::Backward(std::span<const float> weights, const ConstBlock& x, std::span<float> dweights,
                   MutableBlock dx) {
  for (size_t l = layers_.size(); l-- > 0;) {
    if (l < stages_.size()) stages_[l].Backward(weights, y_[l].view(), dy_[l].view(), dweights);
    if (l == 0) {
      layers_[0].BackwardWeights(x, y_[0].view(), dy_[0].view(), dweights);
      layers_[0].BackwardInput(weights, dy_[0].view(), dx);
    } else {
      layers_[l].BackwardWeights(y_[l - 1].view(), y_[l].view(), dy_[l].view(), dweights);
      layers_[l].BackwardInput(weights, dy_[l].view(), dy_[l - 1].view());
    }
  }
}

}  // namespace zhiyin::worker::model::nn
