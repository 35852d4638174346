#include "worker/model/network/expert_bank.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "worker/model/nn/softmax.h"

namespace zhiyin::worker::model {

ExpertBank::ExpertBank(int in, int n_experts, std::vector<int> widths, std::vector<int> gates,
                       const Hidden& hidden, int64_t* n_weights)
    : n_experts_(n_experts),
      widths_(std::move(widths)),
      gates_(std::move(gates)),
      first_(in, std::accumulate(gates_.begin(), gates_.end(), n_hidden()),
             nn::HiddenStage::ActivationInFront(hidden) == nn::Activation::kRelu ? n_hidden() : 0,
             n_weights),
      y_(widths_.size()),
      dy_(widths_.size()) {
  int begin = n_hidden();
  for (const int gate : gates_) {
    gate_begins_.push_back(begin);
    begin += gate;
  }
  stages_.emplace_back(hidden, n_experts_, widths_[0], n_weights);
  for (size_t l = 1; l < widths_.size(); ++l) {
    std::vector<nn::DenseLayer>& layers = deeper_.emplace_back();
    for (int e = 0; e < n_experts_; ++e)
      layers.emplace_back(widths_[l - 1], widths_[l], nn::HiddenStage::ActivationInFront(hidden),
                          n_weights);
    stages_.emplace_back(hidden, n_experts_, widths_[l], n_weights);
  }
}

void ExpertBank::Init(Random* random, std::span<float> weights) const {
  // The wide layer holds layers of two kinds, and each column is drawn for its own.
  std::vector<double> ranges(static_cast<size_t>(n_hidden()), std::sqrt(6.0 / first_.in()));
  for (const int gate : gates_)
    ranges.insert(ranges.end(), static_cast<size_t>(gate), std::sqrt(6.0 / (first_.in() + gate)));
  first_.InitColumns(random, weights, ranges);
  for (const auto& layers : deeper_) {
    for (const nn::DenseLayer& layer : layers) layer.Init(random, weights);
  }
  for (const nn::HiddenStage& stage : stages_) stage.Init(weights);
}

void ExpertBank::Forward(std::span<const float> weights, const nn::ConstBlock& x,
                         const nn::Pass& pass) {
  const Eigen::Index n = x.rows();
  y_[0].resize(n, first_.out());
  first_.Forward(weights, x, y_[0].view());
  stages_[0].Forward(weights, pass, All(&y_[0], 0));
  for (size_t l = 1; l < widths_.size(); ++l) {
    y_[l].resize(n, n_experts_ * widths_[l]);
    for (int e = 0; e < n_experts_; ++e)
      deeper_[l - 1][static_cast<size_t>(e)].Forward(weights, Expert(&y_[l - 1], l - 1, e),
                                                     Expert(&y_[l], l, e));
    stages_[l].Forward(weights, pass, All(&y_[l], l));
  }
  for (size_t g = 0; g < gates_.size(); ++g) nn::Softmax(Gate(static_cast<int>(g)));
}

ExpertBank::Values ExpertBank::AddTo(nn::Graph* graph, std::span<const float> weights,
                                     const nn::Graph::Value& x) const {
  Values values;
  const nn::Graph::Value first = first_.AddTo(graph, weights, x);
  for (size_t g = 0; g < gates_.size(); ++g)
    values.gates.push_back(
        graph->OpAlong("Softmax", {graph->Columns(first, gate_begins_[g], gates_[g])}, 1));
  nn::Graph::Value all = stages_[0].AddTo(graph, weights, graph->Columns(first, 0, n_hidden()));
  for (size_t l = 1; l < widths_.size(); ++l) {
    std::vector<nn::Graph::Value> deeper;
    for (int e = 0; e < n_experts_; ++e)
      deeper.push_back(deeper_[l - 1][static_cast<size_t>(e)].AddTo(
          graph, weights, graph->Columns(all, e * widths_[l - 1], widths_[l - 1])));
    all = stages_[l].AddTo(graph, weights, graph->Concat(deeper));
  }
  for (int e = 0; e < n_experts_; ++e)
    values.experts.push_back(graph->Columns(all, e * width(), width()));
  return values;
}

void ExpertBank::StartBackward() {
  for (size_t l = 0; l < widths_.size(); ++l) dy_[l].resize(y_[l].rows(), y_[l].cols());
  DExperts(0, n_experts_).setZero();
}

void ExpertBank::Backward(std::span<const float> weights, const nn::ConstBlock& x,
                          std::span<float> dweights, nn::MutableBlock dx) {
  for (size_t g = 0; g < gates_.size(); ++g)
    nn::SoftmaxBackward(Gate(static_cast<int>(g)), DGate(static_cast<int>(g)));
  for (size_t l = widths_.size(); l-- > 1;) {
    stages_[l].Backward(weights, All(&y_[l], l), All(&dy_[l], l), dweights);
    for (int e = 0; e < n_experts_; ++e) {
      nn::DenseLayer& layer = deeper_[l - 1][static_cast<size_t>(e)];
      layer.BackwardWeights(Expert(&y_[l - 1], l - 1, e), Expert(&y_[l], l, e),
                            Expert(&dy_[l], l, e), dweights);
      layer.BackwardInput(weights, Expert(&dy_[l], l, e), Expert(&dy_[l - 1], l - 1, e));
    }
  }
  stages_[0].Backward(weights, All(&y_[0], 0), All(&dy_[0], 0), dweights);
  first_.BackwardWeights(x, y_[0].view(), dy_[0].view(), dweights);
  first_.BackwardInput(weights, dy_[0].view(), dx);
}

}  // namespace zhiyin::worker::model
