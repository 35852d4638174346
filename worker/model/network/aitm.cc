// Adaptive information transfer multi-task framework (Xi et al., "Modeling the Sequential
// Dependence among Audience Multi-step Conversions with Multi-task Learning in Targeted Display
// Advertising", KDD 2021, eqs. 2 to 8). Tasks are a chain: task t is possible
// only after task t - 1.
//   q_t = f_t(x)                                         task t's own network
//   z_1 = q_1
//   z_t = AIT(r_t, q_t), r_t = g_t(z_{t-1})              what is transferred; g_t: layer with ReLU
//   AIT(r, q) = sum over u in {r, q} of w_u V(u)         attention over two vectors
//   w = softmax over u of <K(u), Q(u)> / sqrt(width)     V, K, Q: linear layers of task t
//   y_t = z_t w_t + b_t
// and the behavioural expectation calibrator, an auxiliary loss:
//   calibration_weight * sum over t > 1 of max(sigmoid(y_t) - sigmoid(y_{t-1}), 0)
//
// The first layers of all f_t are one product, and so are V, K and Q of a task: [n, width] times
// [width, 3 * width].
#include <cmath>

#include "worker/model/network/expert_bank.h"
#include "worker/model/network/networks.h"
#include "worker/model/network/towers.h"
#include "worker/model/nn/softmax.h"

namespace zhiyin::worker::model {
namespace {

/// From task t - 1's z to task t's.
class Transfer {
 public:
  Transfer(int width, int64_t* n_weights)
      : width_(width),
        passed_(width, width, nn::Activation::kRelu, n_weights),
        vkq_(width, 3 * width, nn::Activation::kNone, n_weights) {}

  void Init(Random* random, std::span<float> weights) const {
    passed_.Init(random, weights);
    // Three layers side by side.
    vkq_.InitColumns(random, weights,
                     std::vector<double>(static_cast<size_t>(3 * width_), std::sqrt(3.0 / width_)));
  }

  /// z [n, width] of (z of the task before, q).
  void Forward(std::span<const float> weights, const nn::ConstBlock& before,
               const nn::ConstBlock& q) {
    const Eigen::Index n = q.rows();
    r_.resize(n, width_);
    passed_.Forward(weights, before, r_);
    attention_.resize(n, 2);
    z_.resize(n, width_);
    for (int u = 0; u < 2; ++u) {
      Matrix& y = vkq_y_[u];
      y.resize(n, 3 * width_);
      if (u == 0) {
        vkq_.Forward(weights, r_, y);
      } else {
        vkq_.Forward(weights, q, y);
      }
      attention_.col(u) = K(y).cwiseProduct(Q(y)).rowwise().sum() / Scale();
    }
    nn::Softmax(attention_);
    for (Eigen::Index i = 0; i < n; ++i)
      z_.row(i) = attention_(i, 0) * V(vkq_y_[0]).row(i) + attention_(i, 1) * V(vkq_y_[1]).row(i);
  }
  const Matrix& z() const { return z_; }

  /// From dz [n, width]: dweights += ...; dq [n, width] = ...; dbefore [n, width] += ...
  void Backward(std::span<const float> weights, const nn::ConstBlock& before,
                const nn::ConstBlock& q, const Matrix& dz, std::span<float> dweights,
                nn::MutableBlock dq, Matrix* dbefore) {
    const Eigen::Index n = q.rows();
    dattention_.resize(n, 2);
    for (int u = 0; u < 2; ++u) dattention_.col(u) = dz.cwiseProduct(V(vkq_y_[u])).rowwise().sum();
    nn::SoftmaxBackward(attention_, dattention_);
    dr_.resize(n, width_);
    dvkq_.resize(n, 3 * width_);
    for (int u = 0; u < 2; ++u) {
      Matrix& y = vkq_y_[u];
      for (Eigen::Index i = 0; i < n; ++i) {
        const float dscore = dattention_(i, u) / Scale();
        V(dvkq_).row(i) = attention_(i, u) * dz.row(i);
        K(dvkq_).row(i) = dscore * Q(y).row(i);
        Q(dvkq_).row(i) = dscore * K(y).row(i);
      }
      if (u == 0) {
        vkq_.BackwardWeights(r_, y, dvkq_, dweights);
        vkq_.BackwardInput(weights, dvkq_, dr_);
      } else {
        vkq_.BackwardWeights(q, y, dvkq_, dweights);
        vkq_.BackwardInput(weights, dvkq_, dq);
      }
    }
    passed_.BackwardWeights(before, r_, dr_, dweights);
    dbefore_.resize(n, width_);
    passed_.BackwardInput(weights, dr_, dbefore_);
    *dbefore += dbefore_;
  }

 private:
  float Scale() const { return std::sqrt(static_cast<float>(width_)); }
  Eigen::Block<Matrix> V(Matrix& y) const { return y.block(0, 0, y.rows(), width_); }
  Eigen::Block<Matrix> K(Matrix& y) const { return y.block(0, width_, y.rows(), width_); }
  Eigen::Block<Matrix> Q(Matrix& y) const { return y.block(0, 2 * width_, y.rows(), width_); }

  int width_;
  nn::DenseLayer passed_;
  nn::DenseLayer vkq_;
  Matrix r_;           // [n, width]
  Matrix vkq_y_[2];    // of r and of q: [n, 3 * width]
  Matrix attention_;   // [n, 2], as probabilities
  Matrix z_;           // [n, width]
  Matrix dattention_;  // [n, 2]
  Matrix dvkq_;        // [n, 3 * width], of one of them
  Matrix dr_;          // [n, width]
  Matrix dbefore_;     // [n, width]
};

class AitmModel final : public Model {
 public:
  AitmModel(const Aitm& config, const Hidden& hidden, int input_dim, int n_tasks)
      : n_tasks_(n_tasks),
        calibration_weight_(config.calibration_weight()),
        bank_(input_dim, n_tasks, {config.hidden().begin(), config.hidden().end()}, {}, hidden,
              &n_weights_) {
    for (int t = 1; t < n_tasks; ++t) transfers_.emplace_back(bank_.width(), &n_weights_);
    outputs_ = std::make_unique<Towers>(n_tasks, bank_.width(), &n_weights_);
    dz_.resize(static_cast<size_t>(n_tasks));
  }

  int64_t n_weights() const override { return n_weights_; }

  void InitWeights(Random random, std::span<float> weights) const override {
    bank_.Init(&random, weights);
    for (const Transfer& transfer : transfers_) transfer.Init(&random, weights);
    outputs_->Init(&random, weights);
  }
  void InitOutputs(std::span<const double> outputs, std::span<float> weights) const override {
    outputs_->InitOutputs(outputs, weights);
  }

  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass,
               Matrix* outputs) override {
    outputs->resize(x.rows(), n_tasks_);
    bank_.Forward(weights, x, pass);
    for (int t = 0; t < n_tasks_; ++t) {
      dz_[static_cast<size_t>(t)].resize(x.rows(), bank_.width());
      if (t > 0) To(t).Forward(weights, Z(t - 1), bank_.Experts(t, 1));
      outputs_->Forward(t, weights, Z(t), pass, outputs);
    }
  }

  void Backward(std::span<const float> weights, const ConstMatrixView& x, const Matrix& doutputs,
                std::span<float> dweights, Matrix* dx) override {
    dx->resize(x.rows(), x.cols());
    bank_.StartBackward();
    for (int t = 0; t < n_tasks_; ++t)
      outputs_->Backward(t, weights, Z(t), doutputs, dweights, dz_[static_cast<size_t>(t)]);
    for (int t = n_tasks_ - 1; t > 0; --t) {
      To(t).Backward(weights, Z(t - 1), bank_.Experts(t, 1), dz_[static_cast<size_t>(t)], dweights,
                     bank_.DExperts(t, 1), &dz_[static_cast<size_t>(t) - 1]);
    }
    bank_.DExperts(0, 1) = dz_[0];
    bank_.Backward(weights, x, dweights, *dx);
  }

  bool HasAuxiliaryLoss() const override { return calibration_weight_ != 0; }
  void AddAuxiliaryLoss(const Matrix& outputs, std::span<const double>, std::span<const Key>,
                        float factor, std::span<double> sums, Matrix* doutputs) override {
    if (calibration_weight_ == 0) return;
    const auto p = [&](Eigen::Index i, int t) {
      return 1 / (1 + std::exp(-static_cast<double>(outputs(i, t))));
    };
    for (Eigen::Index i = 0; i < outputs.rows(); ++i) {
      for (int t = 1; t < n_tasks_; ++t) {
        const double before = p(i, t - 1);
        const double after = p(i, t);
        if (after <= before) continue;
        sums[static_cast<size_t>(t)] += calibration_weight_ * (after - before);
        (*doutputs)(i, t) += factor * static_cast<float>(calibration_weight_ * after * (1 - after));
        (*doutputs)(i, t - 1) -=
            factor * static_cast<float>(calibration_weight_ * before * (1 - before));
      }
    }
  }

 private:
  Transfer& To(int t) { return transfers_[static_cast<size_t>(t) - 1]; }
  nn::ConstBlock Z(int t) {
    if (t == 0) return bank_.Experts(0, 1);
    return To(t).z();
  }

  int n_tasks_;
  double calibration_weight_;
  int64_t n_weights_ = 0;
  ExpertBank bank_;                  // f_t is expert t
  std::vector<Transfer> transfers_;  // [task - 1]
  std::unique_ptr<Towers> outputs_;  // the linear units
  std::vector<Matrix> dz_;           // [task][n, width]
};

void FillAitm(Job* job) {
  Aitm* config = job->mutable_model()->mutable_aitm();
  if (!config->has_calibration_weight()) config->set_calibration_weight(0.6);
}

void CheckAitm(const ModelChecker& check, const config::ConfigPath& path) {
  const Aitm& config = check.job().model().aitm();
  check.CheckSeveralTasks(path);
  check.CheckWidths(path, "hidden", config.hidden(), 1);
  check.CheckNotNegative(path("calibration_weight"), config.calibration_weight());
  if (config.calibration_weight() == 0) return;
  for (int t = 0; t < check.job().task_size(); ++t) {
    check.CheckProbability(path("calibration_weight"), t, "the calibrator compares probabilities");
  }
}

std::unique_ptr<Model> MakeAitm(const Job& job, int input_dim, const InputLayout&) {
  return std::make_unique<AitmModel>(job.model().aitm(), job.model().hidden(), input_dim,
                                     job.task_size());
}

}  // namespace

const NetworkKind kAitm = {
    .name = "aitm",
    .fill_defaults = FillAitm,
    .check = CheckAitm,
    .make = MakeAitm,
    .has_graph = false,
};

}  // namespace zhiyin::worker::model
