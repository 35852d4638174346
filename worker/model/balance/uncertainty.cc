// Weighting by homoscedastic uncertainty (Kendall, Gal, Cipolla, "Multi-Task Learning Using
// Uncertainty to Weigh Losses", CVPR 2018, section 3.2). With s_t = log sigma_t^2, which is learned
// from 0, the objective of task t becomes
//   c_t exp(-s_t) L_t + s_t / 2,    c_t = 1/2 where L_t is a squared error, otherwise 1.
// The second term is one of each labelled example, as it is in the likelihood that this comes from,
// and counts as many times as the example weighs.
// A task whose own weight is 0 has no objective, and no s_t to learn: the second term alone would
// lower s_t for ever.
#include <cmath>

#include "worker/model/balance/balancers.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::model::balance {
namespace {

class UncertaintyBalancer final : public Balancer {
 public:
  explicit UncertaintyBalancer(const Job& job) {
    for (const Task& task : job.task())
      scales_.push_back(loss::ChosenLoss(task)->likelihood_factor);
    tasks_ = WeightedTasks(job);
  }

  int n_own_weights() const override { return static_cast<int>(scales_.size()); }

  void Balance(const SliceFacts& facts, TaskFactors* factors) const override {
    for (const size_t t : tasks_) {
      const double s = static_cast<double>(facts.own_weights[t]);
      const double factor = scales_[t] * std::exp(-s);
      factors->own[t] = factors->shared[t] = factor;
      factors->objective += factor * facts.objectives[t] + facts.labelled[t] * s / 2;
      factors->down_weights[t] =
          static_cast<float>(facts.labelled[t] / 2 - factor * facts.objectives[t]);
    }
  }

 private:
  std::vector<double> scales_;  // [T]: c_t
  std::vector<size_t> tasks_;   // whose weight is not 0
};

}  // namespace

const BalancerKind kUncertainty = {
    .name = "uncertainty",
    .make = [](const Job& job) -> std::unique_ptr<Balancer> {
      return std::make_unique<UncertaintyBalancer>(job);
    },
};

}  // namespace zhiyin::worker::model::balance
