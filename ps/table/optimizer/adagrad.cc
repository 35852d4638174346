// AdaGrad (Duchi, Hazan and Singer, JMLR 2011), diagonal: s += g^2; w -= lr * g / (sqrt(s) +
// epsilon). State: s[dim].
#include <algorithm>
#include <cmath>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class AdaGrad final : public RowOptimizer<AdaGrad> {
 public:
  explicit AdaGrad(const zhiyin::Optimizer::AdaGrad& config)
      : RowOptimizer(config.learning_rate()),
        initial_(static_cast<float>(config.initial_accumulator())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int dim) const override { return dim; }
  void InitState(std::span<const float>, std::span<float> state) const override {
    std::fill(state.begin(), state.end(), initial_);
  }

  void Step(float* __restrict w, float* __restrict state, const float* __restrict g, const float*,
            int dim, float lr) const {
    float* __restrict s = state;
    for (int d = 0; d < dim; ++d) {
      s[d] += g[d] * g[d];
      w[d] -= lr * g[d] / (std::sqrt(s[d]) + epsilon_);
    }
  }

 private:
  float initial_;
  float epsilon_;
};

}  // namespace

const OptimizerKind kAdaGrad = {
    .name = "adagrad",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<AdaGrad>(config.adagrad());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          if (!config->adagrad().has_epsilon()) config->mutable_adagrad()->set_epsilon(1e-10);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          check.CheckPositive(path("adagrad")("learning_rate"), config.adagrad().learning_rate());
          check.CheckNotNegative(path("adagrad")("initial_accumulator"),
                                 config.adagrad().initial_accumulator());
          check.CheckPositive(path("adagrad")("epsilon"), config.adagrad().epsilon());
        },
};

}  // namespace zhiyin::ps::table
