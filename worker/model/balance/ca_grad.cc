// Conflict-averse gradient descent (Liu et al., NeurIPS 2021, section 3.2, algorithm 1): the
// direction within c |g_0| of the mean gradient g_0 along which the task that gains least gains
// most. By its dual,
//   w = argmin over the simplex of  g_w . g_0 + c |g_0| |g_w|,   g_w = sum of w_t g_t,
//   d = g_0 + c |g_0| / |g_w| g_w;
// here times T, as the sum of the objectives is what is trained on without it.
#include <cmath>

#include "worker/model/balance/balancer.h"
#include "worker/model/balance/simplex.h"

namespace zhiyin::worker::model::balance {
namespace {

class CaGradBalancer final : public Balancer {
 public:
  explicit CaGradBalancer(const CaGrad& config) : c_(config.c()) {}

  bool UsesGradients() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    const Eigen::MatrixXd& gram = facts.gram;
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
    for (Eigen::Index t = 0; t < n_tasks; ++t)
      factors->shared[static_cast<size_t>(t)] = 1 + n * radius / norm_w * w[t];
  }

 private:
  double c_;
};

}  // namespace

std::unique_ptr<Balancer> MakeCaGrad(const CaGrad& config) {
  return std::make_unique<CaGradBalancer>(config);
}

}  // namespace zhiyin::worker::model::balance
