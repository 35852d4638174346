// Dynamic weight average (Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention",
// CVPR 2019, section 3.3, eq. 7): the weight of task t in an epoch follows from its mean losses in
// the two epochs before,
//   r_t = L_t[-1] / L_t[-2]
//   weight_t = T exp(r_t / temperature) / sum over i of exp(r_i / temperature),
// so that tasks whose loss falls more slowly count more; 1 in the first two epochs.
#include <cmath>

#include "worker/model/balance/balancers.h"

namespace zhiyin::worker::model::balance {
namespace {

class DynamicWeightAverageBalancer final : public Balancer {
 public:
  explicit DynamicWeightAverageBalancer(const DynamicWeightAverage& config)
      : temperature_(config.temperature()) {}

  bool UsesEpochs() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    const std::vector<std::vector<double>>& epochs = *facts.epochs;
    if (epochs.size() < 2) return;
    const size_t n_tasks = factors->own.size();
    double sum = 0;
    for (size_t t = 0; t < n_tasks; ++t) {
      const double ratio = epochs.back()[t] / epochs[epochs.size() - 2][t];
      // Without labels, or with a loss of zero, nothing is known of how it falls.
      factors->own[t] = std::exp((std::isfinite(ratio) ? ratio : 1) / temperature_);
      sum += factors->own[t];
    }
    for (double& factor : factors->own) factor *= static_cast<double>(n_tasks) / sum;
    factors->shared = factors->own;
  }

 private:
  double temperature_;
};

}  // namespace

const BalancerKind kDynamicWeightAverage = {
    .name = "dynamic_weight_average",
    .fill_defaults =
        [](zhiyin::Balance* config) {
          auto* average = config->mutable_dynamic_weight_average();
          if (!average->has_temperature()) average->set_temperature(2);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Balance& config) {
          check.CheckPositive(path("temperature"), config.dynamic_weight_average().temperature());
        },
    .make = [](const Job& job) -> std::unique_ptr<Balancer> {
      return std::make_unique<DynamicWeightAverageBalancer>(
          job.train().balance().dynamic_weight_average());
    },
};

}  // namespace zhiyin::worker::model::balance
