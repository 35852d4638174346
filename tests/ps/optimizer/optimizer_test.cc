// Steps computed by hand from the formulas in the papers, and what must hold for every optimizer there is.
#include "ps/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/random.h"
#include "tests/support/optimizers.h"

namespace zhiyin::ps {
namespace {

using testing::ExampleOptimizers;

/// One row with its state, and the steps applied to it.
class OneRow {
 public:
  OneRow(const zhiyin::Optimizer& config, std::vector<float> weights)
      : optimizer_(MakeOptimizer(config)), dim_(static_cast<int>(weights.size())), row_(std::move(weights)) {
    row_.resize(row_.size() + static_cast<size_t>(optimizer_->state_floats(dim_)));
    optimizer_->InitState(std::span(row_).subspan(static_cast<size_t>(dim_)));
  }
  OneRow& Step(const std::vector<float>& gradient) {
    float* address = row_.data();
    optimizer_->Apply({&address, 1}, gradient.data(), dim_);
    return *this;
  }
  float operator[](size_t i) const { return row_[i]; }

 private:
  std::unique_ptr<Optimizer> optimizer_;
  int dim_;
  std::vector<float> row_;
};

TEST(Sgd, MovesAgainstTheGradient) {
  zhiyin::Optimizer config;
  config.mutable_sgd()->set_learning_rate(0.1);
  OneRow row(config, {1, 2});
  row.Step({1, -2});
  EXPECT_FLOAT_EQ(row[0], 0.9f);
  EXPECT_FLOAT_EQ(row[1], 2.2f);
}

TEST(AdaGrad, DividesByTheRootOfAllSquares) {
  zhiyin::Optimizer config;
  config.mutable_adagrad()->set_learning_rate(0.5);
  config.mutable_adagrad()->set_epsilon(0);
  OneRow row(config, {1, 1});
  row.Step({3, 1});  // s = 9, 1: both move by lr
  EXPECT_FLOAT_EQ(row[0], 0.5f);
  EXPECT_FLOAT_EQ(row[1], 0.5f);
  row.Step({4, 0});  // s = 25: 0.5 - 0.5 * 4 / 5
  EXPECT_FLOAT_EQ(row[0], 0.1f);
  EXPECT_FLOAT_EQ(row[1], 0.5f);
}

TEST(AdaGrad, StartsFromItsInitialAccumulator) {
  zhiyin::Optimizer config;
  config.mutable_adagrad()->set_learning_rate(1);
  config.mutable_adagrad()->set_initial_accumulator(16);
  OneRow row(config, {0});
  row.Step({3});  // s = 25
  EXPECT_FLOAT_EQ(row[0], -3.0f / 5);
}

TEST(RowWiseAdaGrad, SharesOneAccumulatorInARow) {
  zhiyin::Optimizer config;
  config.mutable_rowwise_adagrad()->set_learning_rate(1);
  OneRow row(config, {0, 0});
  row.Step({1, 7});  // s = (1 + 49) / 2 = 25
  EXPECT_FLOAT_EQ(row[0], -0.2f);
  EXPECT_FLOAT_EQ(row[1], -1.4f);
  EXPECT_FLOAT_EQ(row[2], 25.0f);
}

TEST(Adam, FollowsAlgorithmOne) {
  zhiyin::Optimizer config;
  auto* adam = config.mutable_adam();
  adam->set_learning_rate(0.1);
  adam->set_beta1(0.9);
  adam->set_beta2(0.99);
  adam->set_epsilon(1e-8);
  OneRow row(config, {1});
  double w = 1, m = 0, v = 0;
  for (int t = 1; t <= 50; ++t) {
    const double g = std::sin(t);
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    w -= 0.1 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.99, t))) + 1e-8);
    row.Step({static_cast<float>(g)});
    ASSERT_NEAR(row[0], w, 2e-6) << "step " << t;
  }
}

TEST(Adam, TheFirstStepIsTheLearningRate) {
  zhiyin::Optimizer config;
  config.mutable_adam()->set_learning_rate(0.01);
  config.mutable_adam()->set_beta1(0.9);
  config.mutable_adam()->set_beta2(0.999);
  for (float g : {1e-3f, 1.0f, -1e3f}) {
    OneRow row(config, {0});
    row.Step({g});
    EXPECT_NEAR(row[0], g > 0 ? -0.01 : 0.01, 1e-7);
  }
}

class EveryOptimizer : public ::testing::TestWithParam<zhiyin::Optimizer> {};

TEST_P(EveryOptimizer, TreatsEachRowAlone) {
  // Many rows at once, more than are fetched ahead, give what each gives by itself.
  const int dim = 19;
  const auto optimizer = MakeOptimizer(GetParam());
  const size_t stride = static_cast<size_t>(dim + optimizer->state_floats(dim));
  Random random(5);
  std::vector<float> together(37 * stride);
  std::vector<float*> rows;
  for (size_t i = 0; i < 37; ++i) {
    rows.push_back(together.data() + i * stride);
    optimizer->InitState({rows.back() + dim, stride - dim});
    for (int d = 0; d < dim; ++d) rows.back()[d] = static_cast<float>(random.Normal());
  }
  std::vector<float> alone = together;
  for (int step = 0; step < 3; ++step) {
    std::vector<float> gradients(37 * dim);
    for (float& g : gradients) g = static_cast<float>(random.Normal());
    optimizer->Apply(rows, gradients.data(), dim);
    for (size_t i = 0; i < 37; ++i) {
      float* row = alone.data() + i * stride;
      optimizer->Apply({&row, 1}, gradients.data() + i * dim, dim);
    }
  }
  EXPECT_EQ(together, alone);
}

TEST_P(EveryOptimizer, DescendsAParabola) {
  OneRow row(GetParam(), {3, -2});
  for (int step = 0; step < 3000; ++step) row.Step({row[0], row[1]});
  EXPECT_LT(std::abs(row[0]), 0.5);
  EXPECT_LT(std::abs(row[1]), 0.5);
}

TEST_P(EveryOptimizer, AZeroGradientOnANewRowChangesNothing) {
  OneRow row(GetParam(), {3, -2});
  row.Step({0, 0});
  EXPECT_EQ(row[0], 3);
  EXPECT_EQ(row[1], -2);
}

INSTANTIATE_TEST_SUITE_P(All, EveryOptimizer, ::testing::ValuesIn(ExampleOptimizers()),
                         [](const auto& test) { return testing::NameOf(test.param); });

}  // namespace
}  // namespace zhiyin::ps
