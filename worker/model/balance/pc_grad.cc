// Projecting conflicting gradients (Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS
// 2020, algorithm 1): from each task's gradient, one after the other in a random order, its part
// along every other task's gradient that points the other way is taken; what is left of all is
// added up.
//
// All of it lies in the span of the tasks' gradients: a projected gradient is known by its
// coefficients there.
#include <algorithm>
#include <numeric>

#include "common/random.h"
#include "worker/model/balance/balancers.h"

namespace zhiyin::worker::model::balance {
namespace {

class PcGradBalancer final : public Balancer {
 public:
  bool UsesGradients() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    const Eigen::Index n_tasks = facts.gram.rows();
    Random random(facts.seed);
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(n_tasks);
    std::vector<Eigen::Index> order(static_cast<size_t>(n_tasks));
    for (Eigen::Index i = 0; i < n_tasks; ++i) {
      Eigen::VectorXd projected = Eigen::VectorXd::Unit(n_tasks, i);
      std::iota(order.begin(), order.end(), Eigen::Index{0});
      for (size_t at = order.size(); at > 1; --at)
        std::swap(order[at - 1], order[random.Below(at)]);
      for (const Eigen::Index j : order) {
        if (j == i || facts.gram(j, j) == 0) continue;
        const double product = projected.dot(facts.gram.col(j));
        if (product < 0) projected[j] -= product / facts.gram(j, j);
      }
      sum += projected;
    }
    std::copy(sum.begin(), sum.end(), factors->shared.begin());
  }
};

}  // namespace

const BalancerKind kPcGrad = {
    .name = "pc_grad",
    .make = [](const Job&) -> std::unique_ptr<Balancer> {
      return std::make_unique<PcGradBalancer>();
    },
};

}  // namespace zhiyin::worker::model::balance
