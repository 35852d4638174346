// STEM: shared and task-specific embeddings (Su et al., "STEM: Unleashing the Power of Embeddings
// for Multi-Task Recommendation", AAAI 2024). A field's row is [shared | task 1 | ... | task T];
// x_s and x_t are those parts of all fields.
//   S, E_t   experts of the shared part, reading x_s, and of task t, reading x_t
//   g_t = softmax((x_s + x_t) Wg_t + bg_t)            over the experts of all parts
//   m_t = g_t [S, E_t, sg(E_u) for all u != t]        sg: passes no gradient
//   y_t = tower_t(m_t)
// So a task learns from all embeddings, and no other task changes its own. Numerics stand once
// behind every part, and in the gate's input once.
//
// Part 0 is the shared one. Experts of a part read the same columns: their first layers are one
// product.
#include <memory>

#include "worker/model/network/expert_bank.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/row_parts.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/mixture.h"
#include "worker/model/nn/softmax.h"

namespace zhiyin::worker::model {
namespace {

class StemModel final : public Model {
 public:
  StemModel(const Stem& config, const Hidden& hidden, const InputLayout& layout, int n_tasks)
      : n_tasks_(n_tasks), parts_(layout, n_tasks + 1) {
    const std::vector<int> widths(config.expert().begin(), config.expert().end());
    for (int p = 0; p <= n_tasks; ++p) {
      begins_.push_back(n_experts_);
      const int n = p == 0 ? config.shared_experts() : config.task_experts();
      banks_.push_back(std::make_unique<ExpertBank>(parts_.dim(), n, widths, std::vector<int>(),
                                                    hidden, &n_weights_));
      n_experts_ += n;
    }
    for (int t = 0; t < n_tasks; ++t)
      gates_.emplace_back(parts_.dim(), n_experts_, nn::Activation::kNone, &n_weights_);
    towers_ = std::make_unique<Towers>(n_tasks, widths.back(), config.tower(), hidden, &n_weights_);
    x_.resize(banks_.size());
    dx_.resize(banks_.size());
    gate_x_.resize(gates_.size());
    probabilities_.resize(gates_.size());
    mixtures_.resize(gates_.size());
  }

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    for (const auto& bank : banks_) bank->Init(&random, weights);
    for (const nn::DenseLayer& gate : gates_) gate.Init(&random, weights);
    towers_->Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    towers_->InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    const Eigen::Index n = x.rows();
    outputs->resize(n, n_tasks_);
    for (size_t p = 0; p < banks_.size(); ++p) {
      parts_.Take(x, static_cast<int>(p), &x_[p]);
      banks_[p]->Forward(weights, x_[p], pass);
    }
    for (size_t t = 0; t < gates_.size(); ++t) {
      gate_x_[t] = x_[t + 1];
      gate_x_[t].leftCols(parts_.fields_dim()) += x_[0].leftCols(parts_.fields_dim());
      probabilities_[t].resize(n, n_experts_);
      gates_[t].Forward(weights, gate_x_[t], probabilities_[t]);
      nn::Softmax(probabilities_[t]);
      mixtures_[t].setZero(n, banks_[0]->width());
      for (size_t p = 0; p < banks_.size(); ++p)
        nn::AddMixture(Columns(&probabilities_[t], p), Experts(p), mixtures_[t]);
      towers_->Forward(static_cast<int>(t), weights, mixtures_[t], pass, outputs);
    }
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    const Eigen::Index n = x.rows();
    dx->setZero(n, x.cols());
    dmixture_.resize(n, banks_[0]->width());
    dgate_.resize(n, n_experts_);
    dgate_x_.resize(n, parts_.dim());
    for (const auto& bank : banks_) bank->StartBackward();
    for (size_t t = 0; t < gates_.size(); ++t) {
      towers_->Backward(static_cast<int>(t), weights, mixtures_[t], doutputs, dweights, dmixture_);
      for (size_t p = 0; p < banks_.size(); ++p) {
        nn::MixtureGateBackward(Experts(p), dmixture_, Columns(&dgate_, p));
        if (p == 0 || p == t + 1)
          nn::MixtureExpertsBackward(Columns(&probabilities_[t], p), dmixture_,
                                     banks_[p]->DExperts(0, Count(p)));
      }
      nn::SoftmaxBackward(probabilities_[t], dgate_);
      gates_[t].BackwardWeights(gate_x_[t], probabilities_[t], dgate_, dweights);
      gates_[t].BackwardInput(weights, dgate_, dgate_x_);
      // Its numerics came with x_t, not with x_s.
      dx_[t + 1] = dgate_x_;
      dgate_x_.rightCols(parts_.dim() - parts_.fields_dim()).setZero();
      if (t == 0) {
        dx_[0] = dgate_x_;
      } else {
        dx_[0] += dgate_x_;
      }
    }
    for (size_t p = 0; p < banks_.size(); ++p) {
      dpart_.resize(n, parts_.dim());
      banks_[p]->Backward(weights, x_[p], dweights, dpart_);
      dpart_ += dx_[p];
      parts_.Return(dpart_, static_cast<int>(p), dx);
    }
  }

 private:
  int Count(size_t p) const { return banks_[p]->n_experts(); }
  WorkspaceColumns Experts(size_t p) const { return banks_[p]->Experts(0, Count(p)); }
  /// Columns of part p's experts in those of a gate.
  Eigen::Block<Matrix> Columns(Matrix* gate, size_t p) const {
    return gate->block(0, begins_[p], gate->rows(), Count(p));
  }

  int n_tasks_;
  RowParts parts_;
  int64_t n_weights_ = 0;
  int n_experts_ = 0;                               // of all parts
  std::vector<int> begins_;                         // [part]: its first expert
  std::vector<std::unique_ptr<ExpertBank>> banks_;  // [part]
  std::vector<nn::DenseLayer> gates_;               // [task]
  std::unique_ptr<Towers> towers_;
  std::vector<Matrix> x_;              // [part][n, part]
  std::vector<Matrix> dx_;             // [part][n, part], by way of the gates
  std::vector<Matrix> gate_x_;         // [task][n, part]
  std::vector<Matrix> probabilities_;  // [task][n, experts]
  std::vector<Matrix> mixtures_;       // [task][n, width]
  Matrix dmixture_;                    // [n, width], of one task
  Matrix dgate_;                       // [n, experts], of one task
  Matrix dgate_x_;                     // [n, part], of one task
  Matrix dpart_;                       // [n, part], of one part
};

void CheckStem(const ModelChecker& check, const config::ConfigPath& path) {
  const Stem& config = check.job().model().stem();
  check.CheckPlainFields("stem");
  check.CheckExperts(path, config.shared_experts(), config.task_experts());
  check.CheckWidths(path, "expert", config.expert(), 1);
  check.CheckWidths(path, "tower", config.tower(), 0);
  check.CheckParts(check.job().task_size() + 1, "a shared part and one for each task");
}

std::unique_ptr<Model> MakeStem(const Job& job, int, const InputLayout& layout) {
  return std::make_unique<StemModel>(job.model().stem(), job.model().hidden(), layout,
                                     job.task_size());
}

}  // namespace

const NetworkKind kStem = {
    .name = "stem",
    .check = CheckStem,
    .make = MakeStem,
    .has_graph = false,
};

}  // namespace zhiyin::worker::model
