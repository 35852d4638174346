// w -= lr * g. No state.
#include "ps/optimizer.h"

namespace zhiyin::ps {
namespace {

class Sgd final : public Optimizer {
 public:
  explicit Sgd(float learning_rate) : learning_rate_(learning_rate) {}

  int state_floats(int) const override { return 0; }
  void InitState(std::span<float>) const override {}

  void Apply(std::span<float* const> rows, const float* gradients, int dim) const override {
    const float lr = learning_rate_;
    for (size_t i = 0; i < rows.size(); ++i) {
      PrefetchRowAhead(rows, i, dim);
      float* __restrict w = rows[i];
      const float* __restrict g = gradients + i * static_cast<size_t>(dim);
      for (int d = 0; d < dim; ++d) w[d] -= lr * g[d];
    }
  }

 private:
  float learning_rate_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeSgd(const zhiyin::Optimizer::Sgd& config) {
  return std::make_unique<Sgd>(static_cast<float>(config.learning_rate()));
}

}  // namespace zhiyin::ps
