#include "worker/model/model.h"

#include <glog/logging.h>

#include <utility>

#include "common/config/kinds.h"
#include "common/error.h"
#include "worker/model/network/feature_stack.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/wide_part.h"

namespace zhiyin::worker::model {
namespace {

/// A network above a feature stack, and the wide part beside it. The weights of the stack come
/// first, those of the network last.
class StackedModel final : public Model {
 public:
  explicit StackedModel(const Job& job)
      : stack_(job, &n_weights_below_),
        wide_(job, stack_.features_layout(), &n_weights_below_),
        network_(MakeNetwork(job, stack_.out(), stack_.features_layout())) {}

  int64_t n_weights() const override { return n_weights_below_ + network_->n_weights(); }

  void InitWeights(Random random, std::span<float> weights) const override {
    Random of_stack(random.Next());
    stack_.Init(&of_stack, weights);
    wide_.Init(weights);
    network_->InitWeights(Random(random.Next()), Above(weights));
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    network_->InitOutputs(outputs, Above(weights));
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    stack_.Forward(weights, x, pass);
    network_->Forward(Above(weights), View(stack_.output()), pass, outputs);
    wide_.Forward(weights, x, stack_.features(), pass, outputs);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const FeatureStack::Values stack = stack_.AddTo(graph, weights, x);
    return wide_.AddTo(graph, weights, x, stack.features,
                       network_->AddTo(graph, Above(weights), stack.output));
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    network_->Backward(Above(weights), View(stack_.output()), doutputs, Above(dweights),
                       &stack_.doutput());
    stack_.BackwardToFeatures(weights, dweights);
    wide_.BackwardToFeatures(stack_.features(), doutputs, stack_.dfeatures());
    stack_.BackwardToInputs(weights, x, dweights, dx);
    wide_.BackwardToInputs(weights, x, doutputs, dweights, dx);
  }

  bool HasAuxiliaryLoss() const override {
    return network_->HasAuxiliaryLoss() || stack_.HasPenalty();
  }
  void AddAuxiliaryLoss(const Matrix& outputs, std::span<const double> labels,
                        std::span<const Key> items, float factor, std::span<double> sums,
                        Matrix* doutputs) override {
    network_->AddAuxiliaryLoss(outputs, labels, items, factor, sums, doutputs);
    // As much for each row, so that it is part of a mean over rows like the losses.
    const double n = static_cast<double>(outputs.rows());
    stack_.AddPenalty(static_cast<float>(n) * factor);
    sums[0] += n * stack_.penalty();
  }

  std::vector<std::pair<std::string, float>> Gates(std::span<const float> weights) const override {
    return stack_.Gates(weights);
  }
  std::optional<TowerVectors> vectors() const override { return network_->vectors(); }

 private:
  static ConstMatrixView View(const Matrix& matrix) {
    return {matrix.data(), matrix.rows(), matrix.cols()};
  }
  template <typename T>
  std::span<T> Above(std::span<T> weights) const {
    return weights.subspan(static_cast<size_t>(n_weights_below_));
  }

  int64_t n_weights_below_ = 0;
  FeatureStack stack_;
  WidePart wide_;
  std::unique_ptr<Model> network_;
};

std::unique_ptr<Model> WithOutputs(const Job& job, std::unique_ptr<Model> logits) {
  const NetworkKind* network = ChosenNetwork(job);
  return network->make_outputs == nullptr ? std::move(logits)
                                          : network->make_outputs(job, std::move(logits));
}

}  // namespace

std::vector<nn::Graph::Value> Model::AddTo(nn::Graph*, std::span<const float>,
                                           const nn::Graph::Value&) const {
  std::vector<std::string> names;
  for (const NetworkKind* network : Networks()) {
    if (network->has_graph) names.emplace_back(network->name);
  }
  Fail("this kind of model has no form of standard operators; ", config::Listed(names, "and"),
       " have one");
}

std::unique_ptr<Model> MakeModel(const Job& job) {
  const zhiyin::Model& model = job.model();
  if (model.sequence_size() > 0 || model.interaction_size() > 0 || model.has_wide() ||
      model.has_gates())
    return WithOutputs(job, std::make_unique<StackedModel>(job));
  const InputLayout layout = InputLayout::Of(job);
  return WithOutputs(job, MakeNetwork(job, layout.dim, layout));
}

std::unique_ptr<Model> MakeNetwork(const Job& job, int input_dim, const InputLayout& layout) {
  const NetworkKind* network = ChosenNetwork(job);
  CHECK(network != nullptr) << "a model without a kind passed the checks";
  return network->make(job, input_dim, layout);
}

}  // namespace zhiyin::worker::model
