// Gradient normalisation (Chen et al., "GradNorm: Gradient Normalization for Adaptive Loss
// Balancing in Deep Multitask Networks", ICML 2018, section 3.1 to 3.2, eq. 2). The weights w_t of
// the tasks are learned so that their gradients have norms in proportion to how slowly they learn:
//   G_t = w_t |g_t|
//   r_t = (L_t / L_t(0)) / mean of L_t / L_t(0) over tasks
//   L_grad = sum over t of | G_t - mean(G) r_t^alpha |     mean(G) r_t^alpha counts as a constant
//
// Differences from the paper: g_t is the gradient with respect to all shared parameters rather than
// to one layer. L_t(0) is the task's mean loss in the first epoch, which all workers have; during
// that epoch all r_t are 1. The paper scales the weights to a sum of T after each step; here w = T
// softmax(u), and u is learned, beginning at 0.
#include <cmath>

#include "worker/model/balance/balancers.h"

namespace zhiyin::worker::model::balance {
namespace {

class GradNormBalancer final : public Balancer {
 public:
  GradNormBalancer(const GradNorm& config, int n_tasks)
      : alpha_(config.alpha()), n_tasks_(n_tasks) {}

  int n_own_weights() const override { return n_tasks_; }
  bool UsesGradients() const override { return true; }
  bool UsesEpochs() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    const Eigen::ArrayXd u =
        Eigen::Map<const Eigen::ArrayXf>(facts.own_weights.data(), n_tasks_).cast<double>();
    Eigen::ArrayXd weights = (u - u.maxCoeff()).exp();
    weights *= n_tasks_ / weights.sum();
    const Eigen::ArrayXd norms = facts.gram.diagonal().array().sqrt();
    const Eigen::ArrayXd weighted = weights * norms;
    const Eigen::ArrayXd target = weighted.mean() * InverseRates(facts).pow(alpha_);
    const Eigen::ArrayXd distance = weighted - target;
    factors->objective = distance.abs().sum();
    const Eigen::ArrayXd dweights = distance.sign() * norms;
    // Through the softmax.
    const Eigen::ArrayXd du = weights * (dweights - (dweights * weights).sum() / n_tasks_);
    for (int t = 0; t < n_tasks_; ++t) {
      const size_t at = static_cast<size_t>(t);
      factors->own[at] = factors->shared[at] = weights[t];
      factors->down_weights[at] = static_cast<float>(du[t]);
    }
  }

 private:
  /// r_t
  Eigen::ArrayXd InverseRates(const SliceFacts& facts) const {
    Eigen::ArrayXd rates = Eigen::ArrayXd::Ones(n_tasks_);
    if (facts.epochs->empty()) return rates;
    for (int t = 0; t < n_tasks_; ++t) {
      const double rate =
          facts.losses[static_cast<size_t>(t)] / facts.epochs->front()[static_cast<size_t>(t)];
      if (std::isfinite(rate) && rate > 0) rates[t] = rate;
    }
    return rates / rates.mean();
  }

  double alpha_;
  int n_tasks_;
};

}  // namespace

const BalancerKind kGradNorm = {
    .name = "grad_norm",
    .fill_defaults =
        [](zhiyin::Balance* config) {
          GradNorm* norm = config->mutable_grad_norm();
          if (!norm->has_alpha()) norm->set_alpha(1.5);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Balance& config) {
          check.CheckNotNegative(path("alpha"), config.grad_norm().alpha());
        },
    .make = [](const Job& job) -> std::unique_ptr<Balancer> {
      return std::make_unique<GradNormBalancer>(job.train().balance().grad_norm(), job.task_size());
    },
};

}  // namespace zhiyin::worker::model::balance
