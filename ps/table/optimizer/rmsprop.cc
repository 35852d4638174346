// RMSProp (Tieleman and Hinton, Coursera lecture 6.5, 2012): v = decay v + (1 - decay) g^2; w -= lr
// * g / (sqrt(v) + epsilon). State: v[dim].
#include <algorithm>
#include <cmath>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class RmsProp final : public RowOptimizer<RmsProp> {
 public:
  explicit RmsProp(const zhiyin::Optimizer::RmsProp& config)
      : RowOptimizer(config.learning_rate()),
        one_minus_decay_(static_cast<float>(1 - config.decay())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int dim) const override { return dim; }
  void InitState(std::span<const float>, std::span<float> state) const override {
    std::fill(state.begin(), state.end(), 0.0f);
  }

  void Step(float* __restrict w, float* __restrict state, const float* __restrict g, const float*,
            int dim, float lr) const {
    float* __restrict v = state;
    for (int d = 0; d < dim; ++d) {
      v[d] += one_minus_decay_ * (g[d] * g[d] - v[d]);
      w[d] -= lr * g[d] / (std::sqrt(v[d]) + epsilon_);
    }
  }

 private:
  float one_minus_decay_;
  float epsilon_;
};

}  // namespace

const OptimizerKind kRmsProp = {
    .name = "rmsprop",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<RmsProp>(config.rmsprop());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          if (!config->rmsprop().has_decay()) config->mutable_rmsprop()->set_decay(0.9);
          if (!config->rmsprop().has_epsilon()) config->mutable_rmsprop()->set_epsilon(1e-8);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          check.CheckPositive(path("rmsprop")("learning_rate"), config.rmsprop().learning_rate());
          check.CheckShare(path("rmsprop")("decay"), config.rmsprop().decay());
          check.CheckPositive(path("rmsprop")("epsilon"), config.rmsprop().epsilon());
        },
};

}  // namespace zhiyin::ps::table
