// AdaGrad with one accumulator a row, as recommender systems use it to save memory (Mudigere et al., ISCA
// 2022, section 4.1.4): s += mean(g^2); w -= lr * g / (sqrt(s) + epsilon). State: s[1].
#include <cmath>

#include "ps/optimizer.h"

namespace zhiyin::ps {
namespace {

class RowWiseAdaGrad final : public Optimizer {
 public:
  explicit RowWiseAdaGrad(const zhiyin::Optimizer::RowWiseAdaGrad& config)
      : learning_rate_(static_cast<float>(config.learning_rate())),
        initial_(static_cast<float>(config.initial_accumulator())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int) const override { return 1; }
  void InitState(std::span<float> state) const override { state[0] = initial_; }

  void Apply(std::span<float* const> rows, const float* gradients, int dim) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      PrefetchRowAhead(rows, i, dim + 1);
      float* __restrict w = rows[i];
      const float* __restrict g = gradients + i * static_cast<size_t>(dim);
      float sum = 0;
      for (int d = 0; d < dim; ++d) sum += g[d] * g[d];
      w[dim] += sum / static_cast<float>(dim);
      const float rate = learning_rate_ / (std::sqrt(w[dim]) + epsilon_);
      for (int d = 0; d < dim; ++d) w[d] -= rate * g[d];
    }
  }

 private:
  float learning_rate_;
  float initial_;
  float epsilon_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeRowWiseAdaGrad(const zhiyin::Optimizer::RowWiseAdaGrad& config) {
  return std::make_unique<RowWiseAdaGrad>(config);
}

}  // namespace zhiyin::ps
