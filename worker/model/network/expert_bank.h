// Experts of equal shape that read one input, and the gates that read it, too.
//
// The first layers of all experts and the gates are one product: x [n, in] times W [in, E * h1 +
// all gates]. A deeper layer of an expert works on the columns of this expert.
#pragma once

#include <span>
#include <vector>

#include "common/matrix.h"
#include "common/random.h"
#include "worker/model/nn/dense_layer.h"
#include "worker/model/nn/hidden_stage.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {

/// Some columns of a workspace.
using WorkspaceColumns = Eigen::Block<MatrixView>;

/// x [n, in] -> E experts with ReLU after each of their layers, and G gates, each a softmax of a
/// linear layer. Keeps its activations between Forward and Backward. Takes its weights as
/// DenseLayer does: the wide layer, then the deeper ones layer by layer, in each expert by expert;
/// behind each the stage of all experts.
class ExpertBank {
 public:
  /// REQUIRES: widths, of an expert's layers, is not empty. `gates` are the widths of the gates.
  ExpertBank(int in, int n_experts, std::vector<int> widths, std::vector<int> gates,
             const Hidden& hidden, int64_t* n_weights);

  int n_experts() const { return n_experts_; }
  /// The number of output columns of an expert.
  int width() const { return widths_.back(); }
  void Init(Random* random, std::span<float> weights) const;

  /// x must stay unchanged until Backward has returned.
  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass& pass);
  /// The results of a pass that does not train, in an inference graph: one value for each expert
  /// and gate.
  struct Values {
    std::vector<nn::Graph::Value> experts;
    std::vector<nn::Graph::Value> gates;
  };
  Values AddTo(nn::Graph* graph, std::span<const float> weights, const nn::Graph::Value& x) const;
  /// The outputs of `count` experts from `first` on, side by side: [n, count * width()].
  WorkspaceColumns Experts(int first, int count) { return Columns(&y_.back(), first, count); }
  /// The probabilities of a gate, [n, width of the gate].
  WorkspaceColumns Gate(int gate) { return GateColumns(&y_[0], gate); }

  /// Prepares the derivatives and sets those of the experts to zero. The caller then adds d loss /
  /// d outputs to DExperts and sets DGate to d loss / d probabilities; Backward overwrites both.
  void StartBackward();
  WorkspaceColumns DExperts(int first, int count) { return Columns(&dy_.back(), first, count); }
  WorkspaceColumns DGate(int gate) { return GateColumns(&dy_[0], gate); }
  /// dweights += d loss / d weights; dx [n, in] = d loss / d x.
  void Backward(std::span<const float> weights, const nn::ConstBlock& x, std::span<float> dweights,
                nn::MutableBlock dx);

 private:
  WorkspaceColumns Expert(nn::Workspace* y, size_t l, int e) const {
    return y->view().block(0, e * widths_[l], y->rows(), widths_[l]);
  }
  /// All experts' columns of a layer.
  WorkspaceColumns All(nn::Workspace* y, size_t l) const {
    return y->view().block(0, 0, y->rows(), n_experts_ * widths_[l]);
  }
  WorkspaceColumns Columns(nn::Workspace* y, int first, int count) const {
    return y->view().block(0, first * width(), y->rows(), count * width());
  }
  WorkspaceColumns GateColumns(nn::Workspace* y, int gate) const {
    const size_t g = static_cast<size_t>(gate);
    return y->view().block(0, gate_begins_[g], y->rows(), gates_[g]);
  }
  int n_hidden() const { return n_experts_ * widths_[0]; }

  int n_experts_;
  std::vector<int> widths_;
  std::vector<int> gates_;
  std::vector<int> gate_begins_;                     // in the wide layer's columns
  nn::DenseLayer first_;                             // of all experts, then all gates
  std::vector<std::vector<nn::DenseLayer>> deeper_;  // [layer - 1][expert]
  std::vector<nn::HiddenStage> stages_;              // [layer], of all experts
  std::vector<nn::Workspace> y_;   // [layer][n, E * width]; layer 0 has the gates behind
  std::vector<nn::Workspace> dy_;  // [layer][n, E * width]; layer 0 has the gates behind
};

}  // namespace zhiyin::worker::model
