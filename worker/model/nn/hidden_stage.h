// What follows the matrix product of a hidden layer, configured by Model.hidden: normalisation,
// ReLU, dropout.
//
//   x W + b  ->  batch or layer normalisation  ->  ReLU  ->  dropout
//
// Dropout (Srivastava et al., JMLR 15, 2014, section 4) is scaled during training rather than
// during inference: an activation is set to zero with probability p, and divided by 1 - p
// otherwise. Layers that are side by side in one matrix have a layer normalisation each.
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

/// Used by one thread. Without normalisation and dropout it does nothing. Takes its weights from
/// the flat vector as DenseLayer does.
class HiddenStage {
 public:
  /// For n_layers layers of `width` columns each, side by side.
  HiddenStage(const Hidden& config, int n_layers, int width, int64_t* n_weights);

  /// The activation of the DenseLayer before this stage: ReLU, unless a normalisation comes
  /// between.
  static Activation ActivationInFront(const Hidden& config) {
    return config.normalization() == Hidden::NONE ? Activation::kRelu : Activation::kNone;
  }

  void Init(std::span<float> weights) const;
  /// Replaces y [n, n_layers * width] by the output of the stage.
  void Forward(std::span<const float> weights, const Pass& pass, MutableBlock y);
  /// Adds what a pass that does not train computes to an inference graph.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, Graph::Value y) const;
  /// Backpropagates through the last Forward, which was a training pass and left `y`: dweights += d
  /// loss / d weights, and dy is replaced by the derivative with respect to Forward's input. The
  /// caller then calls DenseLayer::BackwardWeights with y and dy.
  void Backward(std::span<const float> weights, const ConstBlock& y, MutableBlock dy,
                std::span<float> dweights);

 private:
  void Drop(uint64_t seed, MutableBlock y) const;

  int width_;
  int64_t place_;         // distinguishes its random numbers from those of other stages
  uint32_t dropped_ = 0;  // dropout probability, in units of 2^-16
  float scale_ = 1;       // factor for activations that are not dropped
  std::optional<BatchNorm> batch_norm_;
  std::vector<LayerNorm> layer_norms_;  // [layer]
};

}  // namespace zhiyin::worker::model::nn
