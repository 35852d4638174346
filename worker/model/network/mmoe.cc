// Multi-gate mixture-of-experts (Ma et al., "Modeling Task Relationships in Multi-task Learning
// with Multi-gate Mixture-of-Experts", KDD 2018, eqs. 5 to 7):
//   g_t = softmax(x Wg_t + bg_t)            gate of task t over E experts
//   m_t = sum_e g_t[e] * expert_e(x)        its own mixture
//   y_t = tower_t(m_t)
#include "worker/model/network/expert_bank.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/mixture.h"

namespace zhiyin::worker::model {
namespace {

class MmoeModel final : public Model {
 public:
  MmoeModel(const Mmoe& config, const Hidden& hidden, int input_dim, int n_tasks)
      : n_tasks_(n_tasks),
        n_experts_(config.n_experts()),
        bank_(input_dim, n_experts_, {config.expert().begin(), config.expert().end()},
              std::vector<int>(static_cast<size_t>(n_tasks), n_experts_), hidden, &n_weights_),
        towers_(n_tasks, bank_.width(), config.tower(), hidden, &n_weights_),
        mixtures_(static_cast<size_t>(n_tasks)),
        dmixtures_(static_cast<size_t>(n_tasks)) {}

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
    const nn::ConstBlock experts = bank_.Experts(0, n_experts_);
    for (nn::Workspace& mixture : mixtures_) mixture.resize(x.rows(), bank_.width());
    nn::ForRowsInCache(x.rows(), [&](Eigen::Index begin, Eigen::Index n) {
      for (int t = 0; t < n_tasks_; ++t) {
        auto mixture = mixtures_[static_cast<size_t>(t)].view().middleRows(begin, n);
        mixture.setZero();
        nn::AddMixture(bank_.Gate(t).middleRows(begin, n), experts.middleRows(begin, n), mixture);
      }
    });
    for (int t = 0; t < n_tasks_; ++t)
      towers_.Forward(t, weights, mixtures_[static_cast<size_t>(t)].view(), pass, outputs);
  }

  std::vector<nn::Graph::Value> AddTo(nn::Graph* graph, std::span<const float> weights,
                                      const nn::Graph::Value& x) const override {
    const ExpertBank::Values bank = bank_.AddTo(graph, weights, x);
    std::vector<nn::Graph::Value> outputs;
    for (int t = 0; t < n_tasks_; ++t)
      outputs.push_back(
          towers_.AddTo(t, graph, weights,
                        nn::MixtureOf(graph, bank.gates[static_cast<size_t>(t)], bank.experts)));
    return outputs;
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    for (int t = 0; t < n_tasks_; ++t) {
      nn::Workspace& dmixture = dmixtures_[static_cast<size_t>(t)];
      dmixture.resize(x.rows(), bank_.width());
      towers_.Backward(t, weights, mixtures_[static_cast<size_t>(t)].view(), doutputs, dweights,
                       dmixture.view());
    }
    bank_.StartBackward();
    nn::ForRowsInCache(x.rows(), [&](Eigen::Index begin, Eigen::Index n) {
      const auto part = [&](auto block) { return block.middleRows(begin, n); };
      for (int t = 0; t < n_tasks_; ++t) {
        const auto dmixture = part(dmixtures_[static_cast<size_t>(t)].view());
        nn::MixtureGateBackward(part(bank_.Experts(0, n_experts_)), dmixture, part(bank_.DGate(t)));
        nn::MixtureExpertsBackward(part(bank_.Gate(t)), dmixture,
                                   part(bank_.DExperts(0, n_experts_)));
      }
    });
    bank_.Backward(weights, x, dweights, *dx);
  }

 private:
  int n_tasks_;
  int n_experts_;
  int64_t n_weights_ = 0;
  ExpertBank bank_;  // a gate a task
  Towers towers_;
  std::vector<nn::Workspace> mixtures_;   // [task][n, width]
  std::vector<nn::Workspace> dmixtures_;  // [task][n, width]
};

void CheckMmoe(const ModelChecker& check, const config::ConfigPath& path) {
  const Mmoe& config = check.job().model().mmoe();
  check.CheckRange(path("n_experts"), config.n_experts(), 1, kMaxExperts);
  check.CheckWidths(path, "expert", config.expert(), 1);
  check.CheckWidths(path, "tower", config.tower(), 0);
}

std::unique_ptr<Model> MakeMmoe(const Job& job, int input_dim, const InputLayout&) {
  return std::make_unique<MmoeModel>(job.model().mmoe(), job.model().hidden(), input_dim,
                                     job.task_size());
}

}  // namespace

const NetworkKind kMmoe = {
    .name = "mmoe",
    .check = CheckMmoe,
    .make = MakeMmoe,
};

}  // namespace zhiyin::worker::model
