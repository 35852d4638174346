// AdaGrad (Duchi, Hazan and Singer, JMLR 2011), diagonal: s += g^2; w -= lr * g / (sqrt(s) + epsilon).
// State: s[dim].
#include <algorithm>
#include <cmath>

#include "ps/optimizer.h"

namespace zhiyin::ps {
namespace {

class AdaGrad final : public Optimizer {
 public:
  explicit AdaGrad(const zhiyin::Optimizer::AdaGrad& config)
      : learning_rate_(static_cast<float>(config.learning_rate())),
        initial_(static_cast<float>(config.initial_accumulator())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int dim) const override { return dim; }
  void InitState(std::span<float> state) const override { std::fill(state.begin(), state.end(), initial_); }

  void Apply(std::span<float* const> rows, const float* gradients, int dim) const override {
    const float lr = learning_rate_;
    const float epsilon = epsilon_;
    for (size_t i = 0; i < rows.size(); ++i) {
      PrefetchRowAhead(rows, i, 2 * dim);
      float* __restrict w = rows[i];
      float* __restrict s = rows[i] + dim;
      const float* __restrict g = gradients + i * static_cast<size_t>(dim);
      for (int d = 0; d < dim; ++d) {
        s[d] += g[d] * g[d];
        w[d] -= lr * g[d] / (std::sqrt(s[d]) + epsilon);
      }
    }
  }

 private:
  float learning_rate_;
  float initial_;
  float epsilon_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdaGrad(const zhiyin::Optimizer::AdaGrad& config) {
  return std::make_unique<AdaGrad>(config);
}

}  // namespace zhiyin::ps
