// Adam (Kingma and Ba, ICLR 2015, algorithm 1), each row with a step count t of its own:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   w -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
// State: m[dim], v[dim], c1, c2, where c1 = 1 - beta1^t and c2 = 1 - beta2^t take the place of t:
// they follow from their last values, c' = c + (1 - beta)(1 - c), without a power and without ever
// overflowing. AdamW (Loshchilov and Hutter, ICLR 2019) is this with the table's decoupled weight
// decay.
#include <algorithm>
#include <cmath>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class Adam final : public RowOptimizer<Adam> {
 public:
  explicit Adam(const zhiyin::Optimizer::Adam& config)
      : RowOptimizer(config.learning_rate()),
        one_minus_beta1_(static_cast<float>(1 - config.beta1())),
        one_minus_beta2_(static_cast<float>(1 - config.beta2())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int dim) const override { return 2 * dim + 2; }
  void InitState(std::span<const float>, std::span<float> state) const override {
    std::fill(state.begin(), state.end(), 0.0f);
  }

  void Step(float* __restrict w, float* __restrict state, const float* __restrict g, const float*,
            int dim, float lr) const {
    float* __restrict m = state;
    float* __restrict v = state + dim;
    float* __restrict c = state + 2 * dim;
    c[0] += one_minus_beta1_ * (1 - c[0]);
    c[1] += one_minus_beta2_ * (1 - c[1]);
    const float rate = lr / c[0];
    const float unbias = 1 / std::sqrt(c[1]);
    for (int d = 0; d < dim; ++d) {
      m[d] += one_minus_beta1_ * (g[d] - m[d]);
      v[d] += one_minus_beta2_ * (g[d] * g[d] - v[d]);
      w[d] -= rate * m[d] / (std::sqrt(v[d]) * unbias + epsilon_);
    }
  }

 private:
  float one_minus_beta1_;
  float one_minus_beta2_;
  float epsilon_;
};

void FillAdam(zhiyin::Optimizer::Adam* adam) {
  if (!adam->has_beta1()) adam->set_beta1(0.9);
  if (!adam->has_beta2()) adam->set_beta2(0.999);
  if (!adam->has_epsilon()) adam->set_epsilon(1e-8);
}

void CheckAdam(const config::Checker& check, const config::ConfigPath& path,
               const zhiyin::Optimizer::Adam& adam) {
  check.CheckPositive(path("learning_rate"), adam.learning_rate());
  check.CheckPositive(path("epsilon"), adam.epsilon());
  check.CheckShare(path("beta1"), adam.beta1());
  check.CheckShare(path("beta2"), adam.beta2());
}

}  // namespace

const OptimizerKind kAdam = {
    .name = "adam",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<Adam>(config.adam());
    },
    .fill_defaults = [](zhiyin::Optimizer* config) { FillAdam(config->mutable_adam()); },
    .check = [](const config::Checker& check, const config::ConfigPath& path,
                const zhiyin::Optimizer& config) { CheckAdam(check, path("adam"), config.adam()); },
};

const OptimizerKind kAdamW = {
    .name = "adamw",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<Adam>(config.adamw());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          FillAdam(config->mutable_adamw());
          if (!config->has_weight_decay()) config->set_weight_decay(0.01);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) { CheckAdam(check, path("adamw"), config.adamw()); },
};

}  // namespace zhiyin::ps::table
