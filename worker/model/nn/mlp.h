// A stack of fully connected layers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/hidden_stage.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model::nn {

/// x [n, in] -> hidden layers with ReLU -> the last layer, with `last` as its activation. Layers
/// with ReLU are followed by a HiddenStage. Used by one thread. Keeps its activations between
/// Forward and Backward; allocates nothing once it has seen the largest batch.
class Mlp {
 public:
  /// Takes its weights from the flat vector as DenseLayer does. REQUIRES: widths is not empty.
  Mlp(int in, std::span<const int> widths, Activation last, const Hidden& hidden,
      int64_t* n_weights);

  int out() const { return layers_.back().out(); }
  void Init(Random* random, std::span<float> weights) const;
  /// Sets the biases of the last layer.
  void InitOutputBias(float value, std::span<float> weights) const {
    layers_.back().InitBias(value, weights);
  }

  /// Computes output() [n, out]. x must stay unchanged until Backward has returned.
  void Forward(std::span<const float> weights, const ConstBlock& x, const Pass& pass);
  /// Adds what a pass that does not train computes to an inference graph.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, Graph::Value x) const;
  ConstMatrixView output() const { return y_.back().view(); }

  /// The caller puts d loss / d output [n, out] here before Backward, which overwrites it.
  /// REQUIRES: Forward was called.
  MatrixView doutput() { return dy_.back().view(); }
  /// dweights += d loss / d weights; dx [n, in] = d loss / d x.
  void Backward(std::span<const float> weights, const ConstBlock& x, std::span<float> dweights,
                MutableBlock dx);

 private:
  std::vector<DenseLayer> layers_;
  std::vector<HiddenStage> stages_;  // [layer]; none for a last layer without ReLU
  std::vector<Workspace> y_;         // [layer][n, out of the layer]
  std::vector<Workspace> dy_;        // [layer][n, out of the layer]
};

}  // namespace zhiyin::worker::model::nn
