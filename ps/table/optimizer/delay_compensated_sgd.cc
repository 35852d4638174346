// Delay-compensated SGD (Zheng et al., "Asynchronous Stochastic Gradient Descent with Delay
// Compensation", ICML 2017, eq. 10):
//   w -= lr * (g + lambda * g * g * (w - w_pulled))
// The gradient was computed at w_pulled; its change on the way to w is estimated by the diagonal of
// its outer product. The estimate is cut off at kMaxGradient, as it would otherwise grow with the
// weights, and they with it, without a bound. No state.
#include <algorithm>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class DelayCompensatedSgd final : public RowOptimizer<DelayCompensatedSgd> {
 public:
  explicit DelayCompensatedSgd(const zhiyin::Optimizer::DelayCompensatedSgd& config)
      : RowOptimizer(config.learning_rate()), lambda_(static_cast<float>(config.lambda())) {}

  int state_floats(int) const override { return 0; }
  void InitState(std::span<const float>, std::span<float>) const override {}

  bool WantsPulledWeights() const override { return true; }
  void Step(float* __restrict w, float*, const float* __restrict g, const float* __restrict pulled,
            int dim, float lr) const {
    if (pulled == nullptr) {
      for (int d = 0; d < dim; ++d) w[d] -= lr * g[d];
      return;
    }
    for (int d = 0; d < dim; ++d) {
      const float change = lambda_ * g[d] * g[d] * (w[d] - pulled[d]);
      w[d] -= lr * (g[d] + std::clamp(change, -kMaxGradient, kMaxGradient));
    }
  }

 private:
  float lambda_;
};

}  // namespace

const OptimizerKind kDelayCompensatedSgd = {
    .name = "delay_compensated_sgd",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<DelayCompensatedSgd>(config.delay_compensated_sgd());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          if (!config->delay_compensated_sgd().has_lambda())
            config->mutable_delay_compensated_sgd()->set_lambda(0.04);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          check.CheckPositive(path("delay_compensated_sgd")("learning_rate"),
                              config.delay_compensated_sgd().learning_rate());
          check.CheckNotNegative(path("delay_compensated_sgd")("lambda"),
                                 config.delay_compensated_sgd().lambda());
        },
};

}  // namespace zhiyin::ps::table
