// AdaGrad with one accumulator a row, as recommender systems use it to save memory (Mudigere et
// al., ISCA 2022, section 4.1.4): s += mean(g^2); w -= lr * g / (sqrt(s) + epsilon). State: s[1].
#include <cmath>

#include "ps/table/optimizer/optimizers.h"

namespace zhiyin::ps::table {
namespace {

class RowWiseAdaGrad final : public RowOptimizer<RowWiseAdaGrad> {
 public:
  explicit RowWiseAdaGrad(const zhiyin::Optimizer::RowWiseAdaGrad& config)
      : RowOptimizer(config.learning_rate()),
        initial_(static_cast<float>(config.initial_accumulator())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int state_floats(int) const override { return 1; }
  void InitState(std::span<const float>, std::span<float> state) const override {
    state[0] = initial_;
  }

  void Step(float* __restrict w, float* __restrict state, const float* __restrict g, const float*,
            int dim, float lr) const {
    float sum = 0;
    for (int d = 0; d < dim; ++d) sum += g[d] * g[d];
    state[0] += sum / static_cast<float>(dim);
    const float rate = lr / (std::sqrt(state[0]) + epsilon_);
    for (int d = 0; d < dim; ++d) w[d] -= rate * g[d];
  }

 private:
  float initial_;
  float epsilon_;
};

}  // namespace

const OptimizerKind kRowWiseAdaGrad = {
    .name = "rowwise_adagrad",
    .make = [](const zhiyin::Optimizer& config) -> std::unique_ptr<Optimizer> {
      return std::make_unique<RowWiseAdaGrad>(config.rowwise_adagrad());
    },
    .fill_defaults =
        [](zhiyin::Optimizer* config) {
          if (!config->rowwise_adagrad().has_epsilon())
            config->mutable_rowwise_adagrad()->set_epsilon(1e-10);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path,
           const zhiyin::Optimizer& config) {
          check.CheckPositive(path("rowwise_adagrad")("learning_rate"),
                              config.rowwise_adagrad().learning_rate());
          check.CheckNotNegative(path("rowwise_adagrad")("initial_accumulator"),
                                 config.rowwise_adagrad().initial_accumulator());
          check.CheckPositive(path("rowwise_adagrad")("epsilon"),
                              config.rowwise_adagrad().epsilon());
        },
};

}  // namespace zhiyin::ps::table
