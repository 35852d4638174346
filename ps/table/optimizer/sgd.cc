// w -= lr * g. No state.
#include "ps/table/optimizer.h"

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

std::unique_ptr<Optimizer> MakeSgd(const zhiyin::Optimizer::Sgd& config) {
  return std::make_unique<Sgd>(config);
}

}  // namespace zhiyin::ps::table
