// The multiple-gradient descent algorithm (Sener, Koltun, "Multi-Task Learning as Multi-Objective
// Optimization", NeurIPS 2018, section 3.2, eq. 3): the shortest vector among the weighted means of
// the tasks' gradients,
//   alpha = argmin over the simplex of | sum of alpha_t g_t |^2,
// which is zero or a direction in which no task loses. Here times T, so that equal alphas are the
// plain sum. The T tasks are those with a gradient in the slice.
#include "worker/model/balance/balancers.h"
#include "worker/model/balance/simplex.h"

namespace zhiyin::worker::model::balance {
namespace {

class MgdaBalancer final : public Balancer {
 public:
  bool UsesGradients() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    const std::vector<Eigen::Index> tasks = TasksWithGradient(facts.gram);
    if (tasks.empty()) return;
    const Eigen::MatrixXd gram = facts.gram(tasks, tasks);
    const Eigen::VectorXd alpha =
        MinimizeOnSimplex(gram.rows(), [&](const Eigen::VectorXd& v) { return v.dot(gram * v); });
    for (size_t i = 0; i < tasks.size(); ++i) {
      factors->shared[static_cast<size_t>(tasks[i])] =
          static_cast<double>(tasks.size()) * alpha[static_cast<Eigen::Index>(i)];
    }
  }
};

}  // namespace

const BalancerKind kMgda = {
    .name = "mgda",
    .make = [](const Job&) -> std::unique_ptr<Balancer> {
      return std::make_unique<MgdaBalancer>();
    },
};

}  // namespace zhiyin::worker::model::balance
