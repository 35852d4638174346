// Shared-bottom multi-task network (Caruana, Machine Learning 28, 1997; Ma et al., KDD 2018, eq.
// 1):
//   y_t = tower_t(f(x)), f a network that all tasks share.
#include "worker/model/network/networks.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/mlp.h"

namespace zhiyin::worker::model {
namespace {

class SharedBottomModel final : public Model {
 public:
  SharedBottomModel(const SharedBottom& config, const Hidden& hidden, int input_dim, int n_tasks)
      : n_tasks_(n_tasks),
        bottom_(input_dim, std::vector<int>(config.bottom().begin(), config.bottom().end()),
                nn::Activation::kRelu, hidden, &n_weights_),
        towers_(n_tasks, bottom_.out(), config.tower(), hidden, &n_weights_) {}

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    bottom_.Init(&random, weights);
    towers_.Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    towers_.InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    bottom_.Forward(weights, x, pass);
    for (int t = 0; t < n_tasks_; ++t) towers_.Forward(t, weights, bottom_.output(), pass, outputs);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const nn::Graph::Value bottom = bottom_.AddTo(graph, weights, x);
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t) outputs.push_back(towers_.AddTo(t, graph, weights, bottom));
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    dbottom_.resize(x.rows(), bottom_.out());
    for (int t = 0; t < n_tasks_; ++t) {
      towers_.Backward(t, weights, bottom_.output(), doutputs, dweights, dbottom_);
      if (t == 0) {
        bottom_.doutput() = dbottom_;
      } else {
        bottom_.doutput() += dbottom_;
      }
    }
    bottom_.Backward(weights, x, dweights, *dx);
  }

 private:
  int n_tasks_;
  int64_t n_weights_ = 0;
  nn::Mlp bottom_;
  Towers towers_;
  Matrix dbottom_;  // [n, bottom], of one task
};

void CheckSharedBottom(const ModelChecker& check, const config::ConfigPath& path) {
  const SharedBottom& config = check.job().model().shared_bottom();
  check.CheckWidths(path, "bottom", config.bottom(), 1);
  check.CheckWidths(path, "tower", config.tower(), 0);
}

std::unique_ptr<Model> MakeSharedBottom(const Job& job, int input_dim, const InputLayout&) {
  return std::make_unique<SharedBottomModel>(job.model().shared_bottom(), job.model().hidden(),
                                             input_dim, job.task_size());
}

}  // namespace

const NetworkKind kSharedBottom = {
    .name = "shared_bottom",
    .check = CheckSharedBottom,
    .make = MakeSharedBottom,
};

}  // namespace zhiyin::worker::model
