// The last part of a multi-task model: for each task a small network of its own, ending in one output.
#pragma once

#include <vector>

#include "worker/nn/mlp.h"

namespace zhiyin::worker {

/// Tower t maps [n, in] to column t of the outputs.
class Towers {
 public:
  /// `widths_of_hidden` may be empty: then a tower is one linear unit.
  template <typename Widths>
  Towers(int n_tasks, int in, const Widths& widths_of_hidden, const Hidden& hidden, int64_t* n_weights) {
    std::vector<int> widths(widths_of_hidden.begin(), widths_of_hidden.end());
    widths.push_back(1);
    for (int t = 0; t < n_tasks; ++t) towers_.emplace_back(in, widths, Activation::kNone, hidden, n_weights);
  }
  /// Linear units.
  Towers(int n_tasks, int in, int64_t* n_weights)
      : Towers(n_tasks, in, std::vector<int>(), Hidden::default_instance(), n_weights) {}

  void Init(Random* random, std::span<float> weights) const {
    for (const Mlp& tower : towers_) tower.Init(random, weights);
  }
  void Forward(int task, std::span<const float> weights, const ConstBlock& x, const Pass& pass, Matrix* outputs) {
    Mlp& tower = towers_[static_cast<size_t>(task)];
    tower.Forward(weights, x, pass);
    outputs->col(task) = tower.output().col(0);
  }
  Graph::Value AddTo(int task, Graph* graph, std::span<const float> weights, const Graph::Value& x) const {
    return towers_[static_cast<size_t>(task)].AddTo(graph, weights, x);
  }
  void Backward(int task, std::span<const float> weights, const ConstBlock& x, const Matrix& doutputs,
                std::span<float> dweights, MutableBlock dx) {
    Mlp& tower = towers_[static_cast<size_t>(task)];
    tower.doutput().col(0) = doutputs.col(task);
    tower.Backward(weights, x, dweights, dx);
  }

 private:
  std::vector<Mlp> towers_;
};

}  // namespace zhiyin::worker
