// The last part of a multi-task model: for each task a small network of its own, ending in one
// output.
#pragma once

#include <vector>

#include "worker/model/nn/mlp.h"

namespace zhiyin::worker::model {

/// Tower t maps [n, in] to column t of the outputs.
class Towers {
 public:
  /// `widths_of_hidden` may be empty: then a tower is one linear unit.
  template <typename Widths>
  Towers(int n_tasks, int in, const Widths& widths_of_hidden, const Hidden& hidden,
         int64_t* n_weights) {
    std::vector<int> widths(widths_of_hidden.begin(), widths_of_hidden.end());
    widths.push_back(1);
    for (int t = 0; t < n_tasks; ++t)
      towers_.emplace_back(in, widths, nn::Activation::kNone, hidden, n_weights);
  }
  /// Linear units.
  Towers(int n_tasks, int in, int64_t* n_weights)
      : Towers(n_tasks, in, std::vector<int>(), Hidden::default_instance(), n_weights) {}

  void Init(Random* random, std::span<float> weights) const {
    for (const nn::Mlp& tower : towers_) tower.Init(random, weights);
  }
  /// Model::InitOutputs: outputs [n_tasks].
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const {
    for (size_t t = 0; t < towers_.size(); ++t)
      towers_[t].InitOutputBias(static_cast<float>(outputs[t]), weights);
  }
  void Forward(int task, std::span<const float> weights, const nn::ConstBlock& x,
               const nn::Pass& pass, Matrix* outputs) {
    nn::Mlp& tower = towers_[static_cast<size_t>(task)];
    tower.Forward(weights, x, pass);
    outputs->col(task) = tower.output().col(0);
  }
  nn::Graph::Value AddTo(int task, nn::Graph* graph, std::span<const float> weights,
                         const nn::Graph::Value& x) const {
    return towers_[static_cast<size_t>(task)].AddTo(graph, weights, x);
  }
  void Backward(int task, std::span<const float> weights, const nn::ConstBlock& x,
                const Matrix& doutputs, std::span<float> dweights, nn::MutableBlock dx) {
    nn::Mlp& tower = towers_[static_cast<size_t>(task)];
    tower.doutput().col(0) = doutputs.col(task);
    tower.Backward(weights, x, dweights, dx);
  }

 private:
  std::vector<nn::Mlp> towers_;
};

}  // namespace zhiyin::worker::model
