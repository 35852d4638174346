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

/// x [n, in] -> hidden layers with ReLU -> the last layer, with `last` as its activation. Keeps its
/// activations between Forward and Backward. Layers with ReLU have a HiddenStage behind them.
class Mlp {
 public:
  /// REQUIRES: widths is not empty. Takes its weights as DenseLayer does.
  Mlp(int in, std::span<const int> widths, Activation last, const Hidden& hidden,
      int64_t* n_weights);

  int out() const { return layers_.back().out(); }
  void Init(Random* random, std::span<float> weights) const;

  /// output() [n, out]. x must stay as it is until Backward has returned.
  void Forward(std::span<const float> weights, const ConstBlock& x, const Pass& pass);
  /// What a pass that does not train computes.
  Graph::Value AddTo(Graph* graph, std::span<const float> weights, Graph::Value x) const;
  ConstMatrixView output() const { return y_.back().view(); }

  /// Where the caller puts d loss / d output [n, out] before Backward; overwritten by it. REQUIRES:
  /// Forward came before.
  MatrixView doutput() { return dy_.back().view(); }
  /// dweights += ...; dx [n, in] = ...
  void Backward(std::span<const float> weights, const ConstBlock& x, std::span<float> dweights,
                MutableBlock dx);

 private:
  std::vector<DenseLayer> layers_;
  std::vector<HiddenStage> stages_;  // [layer]; none behind a last layer without ReLU
  std::vector<Workspace> y_;         // [layer][n, out]
  std::vector<Workspace> dy_;        // the same
};

}  // namespace zhiyin::worker::model::nn
