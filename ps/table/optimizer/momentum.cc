// Heavy-ball momentum (Polyak, 1964): m = momentum * m + g; w -= lr * m.
// State: m[dim].
#include <algorithm>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class Momentum final : public RowOptimizer<Momentum> {
 public:
  explicit Momentum(const zhiyin::Optimizer::Momentum& config)
      : RowOptimizer(config.learning_rate()), momentum_(static_cast<float>(config.momentum())) {}

  int state_floats(int dim) const override { return dim; }
  void InitState(std::span<const float>, std::span<float> state) const override {
    std::fill(state.begin(), state.end(), 0.0f);
  }

  void Step(float* __restrict w, float* __restrict state, const float* __restrict g, const float*,
            int dim, float lr) const {
    float* __restrict m = state;
    for (int d = 0; d < dim; ++d) {
      m[d] = momentum_ * m[d] + g[d];
      w[d] -= lr * m[d];
    }
  }

 private:
  float momentum_;
};

}  // namespace

const OptimizerKind kMomentum = {
    .name = "momentum",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<Momentum>(config.momentum());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          if (!config->momentum().has_momentum()) config->mutable_momentum()->set_momentum(0.9);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          check.CheckPositive(path("momentum")("learning_rate"), config.momentum().learning_rate());
          check.CheckShare(path("momentum")("momentum"), config.momentum().momentum());
        },
};

}  // namespace zhiyin::ps::table
