// Adadelta (Zeiler, arXiv 1212.5701, 2012, algorithm 1), rho = decay:
//   E[g^2] = rho E[g^2] + (1 - rho) g^2
//   dx = -sqrt(E[dx^2] + epsilon) / sqrt(E[g^2] + epsilon) * g
//   E[dx^2] = rho E[dx^2] + (1 - rho) dx^2;  w += lr * dx
// State: E[g^2][dim], E[dx^2][dim].
#include <algorithm>
#include <cmath>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class Adadelta final : public RowOptimizer<Adadelta> {
 public:
  explicit Adadelta(const zhiyin::Optimizer::Adadelta& config)
      : RowOptimizer(config.learning_rate()),
        one_minus_decay_(static_cast<float>(1 - config.decay())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int dim) const override { return 2 * dim; }
  void InitState(std::span<const float>, std::span<float> state) const override {
    std::fill(state.begin(), state.end(), 0.0f);
  }

  void Step(float* __restrict w, float* __restrict state, const float* __restrict g, const float*,
            int dim, float lr) const {
    float* __restrict mean_g2 = state;
    float* __restrict mean_dx2 = state + dim;
    for (int d = 0; d < dim; ++d) {
      mean_g2[d] += one_minus_decay_ * (g[d] * g[d] - mean_g2[d]);
      const float dx = -std::sqrt((mean_dx2[d] + epsilon_) / (mean_g2[d] + epsilon_)) * g[d];
      mean_dx2[d] += one_minus_decay_ * (dx * dx - mean_dx2[d]);
      w[d] += lr * dx;
    }
  }

 private:
  float one_minus_decay_;
  float epsilon_;
};

}  // namespace

const OptimizerKind kAdadelta = {
    .name = "adadelta",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<Adadelta>(config.adadelta());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          if (!config->adadelta().has_decay()) config->mutable_adadelta()->set_decay(0.95);
          if (!config->adadelta().has_epsilon()) config->mutable_adadelta()->set_epsilon(1e-6);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          check.CheckPositive(path("adadelta")("learning_rate"), config.adadelta().learning_rate());
          check.CheckShare(path("adadelta")("decay"), config.adadelta().decay());
          check.CheckPositive(path("adadelta")("epsilon"), config.adadelta().epsilon());
        },
};

}  // namespace zhiyin::ps::table
