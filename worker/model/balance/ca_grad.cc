// Conflict-averse gradient descent (Liu et al., NeurIPS 2021, section 3.2, algorithm 1): the
// direction within c |g_0| of the mean gradient g_0 along which the task that gains least gains
// most. By its dual,
//   w = argmin over the simplex of  g_w . g_0 + c |g_0| |g_w|,   g_w = sum of w_t g_t,
//   d = g_0 + c |g_0| / |g_w| g_w;
// here times T, as the sum of the objectives is what is trained on without it. The T tasks are
// those with a gradient in the slice.
#include <cmath>

#include "worker/model/balance/balancers.h"
#include "worker/model/balance/simplex.h"

namespace zhiyin::worker::model::balance {
namespace {

class CaGradBalancer final : public Balancer {
 public:
  explicit CaGradBalancer(const CaGrad& config) : c_(config.c()) {}

  bool UsesGradients() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    const std::vector<Eigen::Index> tasks = TasksWithGradient(facts.gram);
    if (tasks.empty()) return;
    const Eigen::MatrixXd gram = facts.gram(tasks, tasks);
    const Eigen::Index n_tasks = gram.rows();
    const double n = static_cast<double>(n_tasks);
    const Eigen::VectorXd with_mean = gram.rowwise().sum() / n;  // g_t . g_0
    const double radius = c_ * std::sqrt(std::max(with_mean.sum() / n, 0.0));
    const auto norm = [&](const Eigen::VectorXd& w) {
      return std::sqrt(std::max(w.dot(gram * w), 0.0));
    };
    const Eigen::VectorXd w = MinimizeOnSimplex(
        n_tasks, [&](const Eigen::VectorXd& v) { return v.dot(with_mean) + radius * norm(v); });
    const double norm_w = norm(w);
    if (norm_w == 0) return;  // no direction is better for all than the mean
    for (size_t i = 0; i < tasks.size(); ++i) {
      factors->shared[static_cast<size_t>(tasks[i])] =
          1 + n * radius / norm_w * w[static_cast<Eigen::Index>(i)];
    }
  }

 private:
  double c_;
};

}  // namespace

const BalancerKind kCaGrad = {
    .name = "ca_grad",
    .fill_defaults =
        [](zhiyin::Balance* config) {
          CaGrad* ca_grad = config->mutable_ca_grad();
          if (!ca_grad->has_c()) ca_grad->set_c(0.4);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Balance& config) {
          check.CheckRange(path("c"), config.ca_grad().c(), 0.0, 1.0);
        },
    .make = [](const Job& job) -> std::unique_ptr<Balancer> {
      return std::make_unique<CaGradBalancer>(job.train().balance().ca_grad());
    },
};

}  // namespace zhiyin::worker::model::balance
