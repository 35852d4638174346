// Dynamic weight average (Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention",
// CVPR 2019, section 3.3, eq. 7): the weight of task t in an epoch follows from its mean losses in
// the two epochs before,
//   r_t = L_t[-1] / L_t[-2]
//   weight_t = T exp(r_t / temperature) / sum over i of exp(r_i / temperature),
// so that tasks whose loss falls more slowly count more; 1 in the first two epochs. The T tasks are
// those whose own weight is not 0.
#include <cmath>

#include "worker/model/balance/balancers.h"

namespace zhiyin::worker::model::balance {
namespace {

class DynamicWeightAverageBalancer final : public Balancer {
 public:
  explicit DynamicWeightAverageBalancer(const Job& job)
      : temperature_(job.train().balance().dynamic_weight_average().temperature()),
        tasks_(WeightedTasks(job)) {}

  bool UsesEpochs() const override { return true; }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    const std::vector<std::vector<double>>& epochs = *facts.epochs;
    if (epochs.size() < 2) return;
    double sum = 0;
    for (const size_t t : tasks_) {
      factors->own[t] =
          std::exp(LossRatio(epochs.back()[t], epochs[epochs.size() - 2][t]) / temperature_);
      sum += factors->own[t];
    }
    for (const size_t t : tasks_) factors->own[t] *= static_cast<double>(tasks_.size()) / sum;
    factors->shared = factors->own;
  }

 private:
  double temperature_;
  std::vector<size_t> tasks_;
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
      return std::make_unique<DynamicWeightAverageBalancer>(job);
    },
};

}  // namespace zhiyin::worker::model::balance
