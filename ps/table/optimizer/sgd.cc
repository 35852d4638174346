// w -= lr * g. No state.
#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class Sgd final : public RowOptimizer<Sgd> {
 public:
  explicit Sgd(const zhiyin::Optimizer::Sgd& config) : RowOptimizer(config.learning_rate()) {}

  int state_floats(int) const override { return 0; }
  void InitState(std::span<const float>, std::span<float>) const override {}

  void Step(float* __restrict w, float*, const float* __restrict g, const float*, int dim,
            float lr) const {
    for (int d = 0; d < dim; ++d) w[d] -= lr * g[d];
  }
};

}  // namespace

const OptimizerKind kSgd = {
    .name = "sgd",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<Sgd>(config.sgd());
    },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          check.CheckPositive(path("sgd")("learning_rate"), config.sgd().learning_rate());
        },
};

}  // namespace zhiyin::ps::table
