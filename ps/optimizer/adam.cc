// Adam (Kingma and Ba, ICLR 2015, algorithm 1), each row with a step count t of its own:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   w -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
// State: m[dim], v[dim], c1, c2, where c1 = 1 - beta1^t and c2 = 1 - beta2^t take the place of t: they follow
// from their last values, c' = c + (1 - beta)(1 - c), without a power and without ever overflowing.
#include <algorithm>
#include <cmath>

#include "ps/optimizer.h"

namespace zhiyin::ps {
namespace {

class Adam final : public Optimizer {
 public:
  explicit Adam(const zhiyin::Optimizer::Adam& config)
      : learning_rate_(static_cast<float>(config.learning_rate())),
        one_minus_beta1_(static_cast<float>(1 - config.beta1())),
        one_minus_beta2_(static_cast<float>(1 - config.beta2())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int dim) const override { return 2 * dim + 2; }
  void InitState(std::span<float> state) const override { std::fill(state.begin(), state.end(), 0.0f); }

  void Apply(std::span<float* const> rows, const float* gradients, int dim) const override {
    const float a1 = one_minus_beta1_;
    const float a2 = one_minus_beta2_;
    const float epsilon = epsilon_;
    for (size_t i = 0; i < rows.size(); ++i) {
      PrefetchRowAhead(rows, i, 3 * dim + 2);
      float* __restrict w = rows[i];
      float* __restrict m = rows[i] + dim;
      float* __restrict v = rows[i] + 2 * dim;
      float* __restrict c = rows[i] + 3 * dim;
      const float* __restrict g = gradients + i * static_cast<size_t>(dim);
      c[0] += a1 * (1 - c[0]);
      c[1] += a2 * (1 - c[1]);
      const float rate = learning_rate_ / c[0];
      const float unbias = 1 / std::sqrt(c[1]);
      for (int d = 0; d < dim; ++d) {
        m[d] += a1 * (g[d] - m[d]);
        v[d] += a2 * (g[d] * g[d] - v[d]);
        w[d] -= rate * m[d] / (std::sqrt(v[d]) * unbias + epsilon);
      }
    }
  }

 private:
  float learning_rate_;
  float one_minus_beta1_;
  float one_minus_beta2_;
  float epsilon_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdam(const zhiyin::Optimizer::Adam& config) {
  return std::make_unique<Adam>(config);
}

}  // namespace zhiyin::ps
