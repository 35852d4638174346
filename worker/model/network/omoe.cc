// One-gate mixture-of-experts, the baseline of Ma et al., "Modeling Task Relationships in
// Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018, eqs. 3 and 4: one mixture for
// all tasks.
//   g = softmax(x Wg + bg)             over E experts
//   m = sum_e g[e] * expert_e(x)
//   y_t = tower_t(m)
#include "worker/model/network/expert_bank.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/mixture.h"

namespace zhiyin::worker::model {
namespace {

class OmoeModel final : public Model {
 public:
  OmoeModel(const Omoe& config, const Hidden& hidden, int input_dim, int n_tasks)
      : n_tasks_(n_tasks),
        bank_(input_dim, config.n_experts(), {config.expert().begin(), config.expert().end()},
              {config.n_experts()}, hidden, &n_weights_),
        towers_(n_tasks, bank_.width(), config.tower(), hidden, &n_weights_) {}

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    bank_.Init(&random, weights);
    towers_.Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    towers_.InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    bank_.Forward(weights, x, pass);
    mixture_.resize(x.rows(), bank_.width());
    mixture_.view().setZero();
    nn::AddMixture(bank_.Gate(0), bank_.Experts(0, bank_.n_experts()), mixture_.view());
    for (int t = 0; t < n_tasks_; ++t) towers_.Forward(t, weights, mixture_.view(), pass, outputs);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const ExpertBank::Values bank = bank_.AddTo(graph, weights, x);
    const nn::Graph::Value mixture = nn::MixtureOf(graph, bank.gates[0], bank.experts);
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t) outputs.push_back(towers_.AddTo(t, graph, weights, mixture));
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    dmixture_.resize(x.rows(), bank_.width());
    dmixture_of_task_.resize(x.rows(), bank_.width());
    dmixture_.view().setZero();
    for (int t = 0; t < n_tasks_; ++t) {
      towers_.Backward(t, weights, mixture_.view(), doutputs, dweights, dmixture_of_task_.view());
      dmixture_.view() += dmixture_of_task_.view();
    }
    bank_.StartBackward();
    const int n_experts = bank_.n_experts();
    nn::MixtureGateBackward(bank_.Experts(0, n_experts), dmixture_.view(), bank_.DGate(0));
    nn::MixtureExpertsBackward(bank_.Gate(0), dmixture_.view(), bank_.DExperts(0, n_experts));
    bank_.Backward(weights, x, dweights, *dx);
  }

 private:
  int n_tasks_;
  int64_t n_weights_ = 0;
  ExpertBank bank_;  // one gate
  Towers towers_;
  nn::Workspace mixture_;           // [n, width]
  nn::Workspace dmixture_;          // [n, width], summed over the tasks
  nn::Workspace dmixture_of_task_;  // [n, width]
};

void CheckOmoe(const ModelChecker& check, const config::ConfigPath& path) {
  const Omoe& config = check.job().model().omoe();
  check.CheckRange(path("n_experts"), config.n_experts(), 1, kMaxExperts);
  check.CheckWidths(path, "expert", config.expert(), 1);
  check.CheckWidths(path, "tower", config.tower(), 0);
}

std::unique_ptr<Model> MakeOmoe(const Job& job, int input_dim, const InputLayout&) {
  return std::make_unique<OmoeModel>(job.model().omoe(), job.model().hidden(), input_dim,
                                     job.task_size());
}

}  // namespace

const NetworkKind kOmoe = {
    .name = "omoe",
    .check = CheckOmoe,
    .make = MakeOmoe,
};

}  // namespace zhiyin::worker::model
