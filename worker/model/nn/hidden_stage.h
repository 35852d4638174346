// What follows the product of a hidden layer: normalisation, ReLU, dropout, as Model.hidden of the
// job says.
//
//   x W + b  ->  batch or layer normalisation  ->  ReLU  ->  dropout
//
// Dropout (Srivastava et al., JMLR 15, 2014, section 4), scaled in training rather than in use: an
// activation is zero with probability p, else divided by 1 - p. Layers may stand side by side in
// one matrix: each has its own layer normalisation.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "configs/job.pb.h"
#include "worker/model/nn/batch_norm.h"
#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/layer_norm.h"
#include "worker/model/nn/pass.h"

namespace zhiyin::worker::model::nn {

/// Used by one thread; without normalisation and dropout it does nothing. Takes its weights as
/// DenseLayer does.
class HiddenStage {
 public:
  /// Behind n_layers layers of `width` columns each.
  HiddenStage(const Hidden& config, int n_layers, int width, int64_t* n_weights);

  /// What the layer in front does itself: the ReLU, unless a normalisation comes before it.
  static Activation ActivationInFront(const Hidden& config) {
    return config.normalization() == Hidden::NONE ? Activation::kRelu : Activation::kNone;
  }

  void Init(std::span<float> weights) const;
  /// y [n, n_layers * width], in place.
  void Forward(std::span<const float> weights, const Pass& pass, MutableBlock y);
  /// What a pass that does not train computes.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, Graph::Value y) const;
  /// Of the last Forward, which was a training pass; y as it left it. dweights += ..., and dy
  /// becomes the derivative by what Forward was given. Then DenseLayer::BackwardWeights, with y.
  void Backward(std::span<const float> weights, const ConstBlock& y, MutableBlock dy,
                std::span<float> dweights);

 private:
  void Drop(uint64_t seed, MutableBlock y) const;

  int width_;
  int64_t place_;         // tells its random numbers from those of other stages
  uint32_t dropped_ = 0;  // of 2^16
  float scale_ = 1;       // of what is not dropped
  std::optional<BatchNorm> batch_norm_;
  std::vector<LayerNorm> layer_norms_;  // [layer]
};

}  // namespace zhiyin::worker::model::nn
