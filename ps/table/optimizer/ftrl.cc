// FTRL-proximal (McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013,
// algorithm 1):
//   sigma = (sqrt(n + g^2) - sqrt(n)) / alpha;  z += g - sigma * w;  n += g^2
//   w = 0 where |z| <= l1, else -(z - sign(z) l1) / ((beta + sqrt(n)) / alpha + l2)
// A weight is exactly 0 until its evidence exceeds l1.
// State: z[dim], n[dim]; a new row's z is the one that its first weights follow from.
#include <algorithm>
#include <cmath>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class Ftrl final : public RowOptimizer<Ftrl> {
 public:
  explicit Ftrl(const zhiyin::Optimizer::Ftrl& config)
      : RowOptimizer(config.learning_rate()),
        beta_(static_cast<float>(config.beta())),
        l1_(static_cast<float>(config.l1())),
        l2_(static_cast<float>(config.l2())) {}

  int state_floats(int dim) const override { return 2 * dim; }
  void InitState(std::span<const float> weights, std::span<float> state) const override {
    for (size_t d = 0; d < weights.size(); ++d) {
      const float w = weights[d];
      state[d] = w == 0 ? 0.0f : -w * (beta_ / learning_rate() + l2_) - std::copysign(l1_, w);
      state[weights.size() + d] = 0;
    }
  }

  void Step(float* __restrict w, float* __restrict state, const float* __restrict g, const float*,
            int dim, float lr) const {
    float* __restrict z = state;
    float* __restrict n = state + dim;
    const float inverse_alpha = 1 / lr;
    for (int d = 0; d < dim; ++d) {
      const float root_before = std::sqrt(n[d]);
      n[d] += g[d] * g[d];
      const float root = std::sqrt(n[d]);
      z[d] += g[d] - (root - root_before) * inverse_alpha * w[d];
      const float beyond = std::max(std::abs(z[d]) - l1_, 0.0f);
      w[d] = -std::copysign(beyond, z[d]) / ((beta_ + root) * inverse_alpha + l2_);
    }
  }

 private:
  float beta_;
  float l1_;
  float l2_;
};

/// Checks that nothing else sets the rate or the size of the weights: FTRL solves for its weights
/// anew at each step, with one learning rate for all gradients so far.
void CheckStandsAlone(const config::Checker& check, const config::ConfigPath& path,
                      const zhiyin::Optimizer& config) {
  if (config.has_schedule())
    check.Fail(path("schedule"), "ftrl has no schedule: its rate falls by itself");
  if (config.weight_decay() > 0) {
    check.Fail(path("weight_decay"),
               "ftrl overwrites decayed weights: expected 0, and ftrl.l2 instead");
  }
}

}  // namespace

const OptimizerKind kFtrl = {
    .name = "ftrl",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<Ftrl>(config.ftrl());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          if (!config->ftrl().has_beta()) config->mutable_ftrl()->set_beta(1);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          CheckStandsAlone(check, path, config);
          check.CheckPositive(path("ftrl")("learning_rate"), config.ftrl().learning_rate());
          check.CheckNotNegative(path("ftrl")("beta"), config.ftrl().beta());
          check.CheckNotNegative(path("ftrl")("l1"), config.ftrl().l1());
          check.CheckNotNegative(path("ftrl")("l2"), config.ftrl().l2());
          if (config.ftrl().beta() + config.ftrl().l2() <= 0)
            check.Fail(path("ftrl"), "beta and l2 are both 0: the first step has no bound");
        },
};

}  // namespace zhiyin::ps::table
