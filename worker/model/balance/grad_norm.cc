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
// softmax(u), and u is learned, beginning at 0. The T tasks are those whose own weight is not 0.
//
// A slice tells of the tasks with a gradient in it: means are over these, and only their u_t are
// learned there, by how their w_t compare with each other.
#include <algorithm>
#include <cmath>
#include <limits>

#include "worker/model/balance/balancers.h"

namespace zhiyin::worker::model::balance {
namespace {

class GradNormBalancer final : public Balancer {
 public:
  explicit GradNormBalancer(const Job& job)
      : alpha_(job.train().balance().grad_norm().alpha()),
        n_tasks_(job.task_size()),
        tasks_(WeightedTasks(job)) {}

  int n_own_weights() const override { return n_tasks_; }
  bool UsesGradients() const override { return true; }
  bool UsesEpochs() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    SetWeights(facts.own_weights, &factors->own);
    factors->shared = factors->own;
    const std::vector<Eigen::Index> active = TasksWithGradient(facts.gram);
    if (active.empty()) return;
    const Eigen::ArrayXd norms = facts.gram.diagonal().array().sqrt()(active);
    const Eigen::ArrayXd weights =
        Eigen::Map<const Eigen::ArrayXd>(factors->own.data(), n_tasks_)(active);
    const Eigen::ArrayXd weighted = weights * norms;
    const Eigen::ArrayXd target = weighted.mean() * InverseRates(facts, active).pow(alpha_);
    const Eigen::ArrayXd distance = weighted - target;
    factors->objective = distance.abs().sum();
    const Eigen::ArrayXd dweights = distance.sign() * norms;
    // Through the softmax over these tasks, whose weights have this sum.
    const Eigen::ArrayXd du = weights * (dweights - (dweights * weights).sum() / weights.sum());
    for (size_t i = 0; i < active.size(); ++i) {
      factors->down_weights[static_cast<size_t>(active[i])] =
          static_cast<float>(du[static_cast<Eigen::Index>(i)]);
    }
  }

 private:
  /// w_t of the weighted tasks, from u [T].
  void SetWeights(std::span<const float> u, std::vector<double>* weights) const {
    double largest = -std::numeric_limits<double>::infinity();
    for (const size_t t : tasks_) largest = std::max(largest, static_cast<double>(u[t]));
    double sum = 0;
    for (const size_t t : tasks_)
      sum += (*weights)[t] = std::exp(static_cast<double>(u[t]) - largest);
    for (const size_t t : tasks_) (*weights)[t] *= static_cast<double>(tasks_.size()) / sum;
  }

  /// r_t of the active tasks.
  Eigen::ArrayXd InverseRates(const SliceFacts& facts,
                              const std::vector<Eigen::Index>& active) const {
    const auto n = static_cast<Eigen::Index>(active.size());
    Eigen::ArrayXd rates = Eigen::ArrayXd::Ones(n);
    if (facts.epochs->empty()) return rates;
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto t = static_cast<size_t>(active[static_cast<size_t>(i)]);
      rates[i] = LossRatio(facts.losses[t], facts.epochs->front()[t]);
    }
    return rates / rates.mean();
  }

  double alpha_;
  int n_tasks_;
  std::vector<size_t> tasks_;  // whose weight is not 0
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
      return std::make_unique<GradNormBalancer>(job);
    },
};

}  // namespace zhiyin::worker::model::balance
