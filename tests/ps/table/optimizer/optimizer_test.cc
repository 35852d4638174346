// Steps computed by hand from the formulas in the papers, and what must hold for every optimizer
// there is.
#include "ps/table/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "common/random.h"
#include "ps/table/schedule.h"
#include "tests/support/optimizers.h"

namespace zhiyin::ps::table {
namespace {

using testing::ExampleOptimizers;

/// One row with its state, and the steps applied to it.
class OneRow {
 public:
  OneRow(const zhiyin::Optimizer& config, std::vector<float> weights)
      : optimizer_(MakeOptimizer(config)), config_(config), row_(std::move(weights)) {
    layout_.dim = static_cast<int>(row_.size());
    layout_.state_floats = optimizer_->state_floats(layout_.dim);
    const std::vector<float> first = row_;
    row_.resize(layout_.bytes() / sizeof(float));
    optimizer_->InitState(first, std::span(row_).subspan(first.size()));
  }
  OneRow& Step(const std::vector<float>& gradient, const float* pulled = nullptr, float rate = 1) {
    std::byte* address = reinterpret_cast<std::byte*>(row_.data());
    optimizer_->Apply({{&address, 1},
                       layout_,
                       gradient.data(),
                       pulled,
                       rate,
                       0,
                       static_cast<float>(config_.clip_norm()),
                       static_cast<float>(config_.weight_decay())});
    return *this;
  }
  float operator[](size_t i) const { return row_[i]; }

 private:
  std::unique_ptr<Optimizer> optimizer_;
  zhiyin::Optimizer config_;
  RowLayout layout_;
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

TEST(Momentum, AddsUpGradients) {
  zhiyin::Optimizer config;
  config.mutable_momentum()->set_learning_rate(0.1);
  config.mutable_momentum()->set_momentum(0.5);
  OneRow row(config, {1});
  row.Step({2});  // m = 2
  EXPECT_FLOAT_EQ(row[0], 0.8f);
  row.Step({2});  // m = 3
  EXPECT_FLOAT_EQ(row[0], 0.5f);
  row.Step({0});  // m = 1.5
  EXPECT_FLOAT_EQ(row[0], 0.35f);
}

TEST(AdamW, DecaysWeightsApartFromTheGradient) {
  zhiyin::Optimizer config;
  auto* adam = config.mutable_adamw();
  adam->set_learning_rate(0.1);
  adam->set_beta1(0.9);
  adam->set_beta2(0.999);
  config.set_weight_decay(0.5);
  OneRow row(config, {2});
  row.Step({1e-3f});  // 2 * (1 - 0.1 * 0.5) - 0.1
  EXPECT_NEAR(row[0], 1.8, 1e-6);
}

TEST(Ftrl, FollowsAlgorithmOne) {
  zhiyin::Optimizer config;
  auto* ftrl = config.mutable_ftrl();
  ftrl->set_learning_rate(0.5);
  ftrl->set_beta(1);
  ftrl->set_l1(1);
  ftrl->set_l2(0.25);
  OneRow row(config, {0});
  row.Step({0.75f});  // z = 0.75, n = 0.5625: within l1
  EXPECT_EQ(row[0], 0.0f);
  // sigma does not matter at w = 0; z = 2.75, n = 0.5625 + 4 = 4.5625
  row.Step({2});
  const double w = -(2.75 - 1) / ((1 + std::sqrt(4.5625)) / 0.5 + 0.25);
  EXPECT_NEAR(row[0], w, 1e-6);
  // sigma = (sqrt(5.5625) - sqrt(4.5625)) / 0.5; z = 2.75 - 1 - sigma * w
  row.Step({-1});
  const double z = 2.75 - 1 - (std::sqrt(5.5625) - std::sqrt(4.5625)) / 0.5 * w;
  EXPECT_NEAR(row[0], -(z - 1) / ((1 + std::sqrt(5.5625)) / 0.5 + 0.25), 1e-6);
}

TEST(Ftrl, ARowStartsFromItsFirstWeights) {
  zhiyin::Optimizer config;
  auto* ftrl = config.mutable_ftrl();
  ftrl->set_learning_rate(0.5);
  ftrl->set_beta(1);
  ftrl->set_l1(0.1);
  OneRow row(config, {0.3f, -0.2f, 0});
  row.Step({0, 0, 0});
  EXPECT_FLOAT_EQ(row[0], 0.3f);
  EXPECT_FLOAT_EQ(row[1], -0.2f);
  EXPECT_EQ(row[2], 0.0f);
}

TEST(RmsProp, DividesByTheRootOfTheMeanSquare) {
  zhiyin::Optimizer config;
  config.mutable_rmsprop()->set_learning_rate(0.1);
  config.mutable_rmsprop()->set_decay(0.75);
  config.mutable_rmsprop()->set_epsilon(0);
  OneRow row(config, {1});
  row.Step({4});  // v = 0.25 * 16 = 4
  EXPECT_FLOAT_EQ(row[0], 0.8f);
  row.Step({2});  // v = 0.75 * 4 + 0.25 * 4 = 4
  EXPECT_FLOAT_EQ(row[0], 0.7f);
}

TEST(Adadelta, FollowsAlgorithmOne) {
  zhiyin::Optimizer config;
  config.mutable_adadelta()->set_learning_rate(1);
  config.mutable_adadelta()->set_decay(0.9);
  config.mutable_adadelta()->set_epsilon(1e-4);
  OneRow row(config, {1});
  double w = 1, g2 = 0, dx2 = 0;
  for (int t = 1; t <= 30; ++t) {
    const double g = std::cos(t);
    g2 = 0.9 * g2 + 0.1 * g * g;
    const double dx = -std::sqrt(dx2 + 1e-4) / std::sqrt(g2 + 1e-4) * g;
    dx2 = 0.9 * dx2 + 0.1 * dx * dx;
    w += dx;
    row.Step({static_cast<float>(g)});
    ASSERT_NEAR(row[0], w, 1e-5) << "step " << t;
  }
}

TEST(DelayCompensatedSgd, CorrectsForTheWayFromThePulledWeights) {
  zhiyin::Optimizer config;
  config.mutable_delay_compensated_sgd()->set_learning_rate(0.1);
  config.mutable_delay_compensated_sgd()->set_lambda(0.5);
  OneRow row(config, {1});
  const float pulled = 0.2f;
  row.Step({2}, &pulled);  // 1 - 0.1 * (2 + 0.5 * 4 * 0.8)
  EXPECT_FLOAT_EQ(row[0], 0.64f);
  OneRow fresh(config, {1});
  EXPECT_FLOAT_EQ(fresh.Step({2})[0], 0.8f) << "weights of now: plain SGD";
}

TEST(DelayCompensatedSgd, CorrectsByNoMoreThanTheLargestGradient) {
  zhiyin::Optimizer config;
  config.mutable_delay_compensated_sgd()->set_learning_rate(1);
  config.mutable_delay_compensated_sgd()->set_lambda(0.5);
  OneRow row(config, {1e12f});
  const float pulled = -1e12f;
  row.Step({1e10f}, &pulled);  // 0.5 * 1e20 * 2e12 is cut off at 1e15
  EXPECT_FLOAT_EQ(row[0], 1e12f - 1e10f - kMaxGradient);
}

TEST(AdaGrad, SumsOfTheLargestSquaresStopGrowing) {
  zhiyin::Optimizer config;
  config.mutable_adagrad()->set_learning_rate(1);
  config.mutable_adagrad()->set_epsilon(1e-10);
  const float most = std::ldexp(kMaxGradient * kMaxGradient, 25);
  config.mutable_adagrad()->set_initial_accumulator(most);
  OneRow row(config, {0});
  row.Step({kMaxGradient});
  EXPECT_EQ(row[1], most);
  EXPECT_LT(most, std::numeric_limits<float>::max());
  row.Step({1});
  EXPECT_TRUE(std::isfinite(row[0]));
}

TEST(Clipping, TakesGradientsWhoseSquaresAreNoFloats) {
  for (const float size : {1e-30f, 1e-20f, 1.0f, 1e15f, 1e30f}) {
    zhiyin::Optimizer config;
    config.mutable_sgd()->set_learning_rate(1);
    config.set_clip_norm(size / 2);
    OneRow row(config, {0, 0});
    row.Step({0.6f * size, -0.8f * size});
    EXPECT_FLOAT_EQ(row[0] / size, -0.3f);
    EXPECT_FLOAT_EQ(row[1] / size, 0.4f);
  }
}

TEST(Clipping, ShortensALongGradientAndLeavesAShortOne) {
  zhiyin::Optimizer config;
  config.mutable_sgd()->set_learning_rate(1);
  config.set_clip_norm(1);
  OneRow row(config, {0, 0});
  row.Step({3, 4});
  EXPECT_FLOAT_EQ(row[0], -0.6f);
  EXPECT_FLOAT_EQ(row[1], -0.8f);
  row.Step({0.5f, 0});
  EXPECT_FLOAT_EQ(row[0], -1.1f);
}

TEST(Schedules, Constant) {
  EXPECT_EQ(RateFactor({}, 0), 1);
  EXPECT_EQ(RateFactor({}, 1000000), 1);
}

TEST(Schedules, WarmUpThenCosine) {
  Schedule schedule;
  schedule.set_warmup_steps(10);
  schedule.mutable_cosine()->set_steps(110);
  schedule.mutable_cosine()->set_final(0.2);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 0), 0.1f);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 8), 0.9f);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 9), 1);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 10), 1);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 60), 0.6f) << "half way";
  EXPECT_FLOAT_EQ(RateFactor(schedule, 110), 0.2f);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 100000), 0.2f);
}

TEST(Schedules, InverseSquareRoot) {
  Schedule schedule;
  schedule.set_warmup_steps(100);
  schedule.mutable_inverse_square_root();
  EXPECT_FLOAT_EQ(RateFactor(schedule, 49), 0.5f);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 100), 1);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 400), 0.5f);
  schedule.clear_warmup_steps();
  EXPECT_FLOAT_EQ(RateFactor(schedule, 0), 1);
  EXPECT_FLOAT_EQ(RateFactor(schedule, 4), 0.5f);
}

class EveryOptimizer : public ::testing::TestWithParam<zhiyin::Optimizer> {};

TEST_P(EveryOptimizer, TreatsEachRowAlone) {
  // Many rows at once, more than are fetched ahead, give what each gives by itself.
  for (const NumberType number : {FP32, FP16, BF16}) {
    const auto optimizer = MakeOptimizer(GetParam());
    const RowLayout layout = {19, number, optimizer->state_floats(19), false};
    Random random(5);
    std::vector<std::byte> together(37 * layout.bytes());
    const auto rows_of = [&](std::vector<std::byte>& memory) {
      std::vector<std::byte*> rows;
      for (size_t i = 0; i < 37; ++i) rows.push_back(memory.data() + i * layout.bytes());
      return rows;
    };
    for (std::byte* row : rows_of(together)) {
      std::vector<float> weights(19);
      for (float& w : weights) w = static_cast<float>(random.Normal());
      FromFloats(number, weights.data(), 19, row);
      optimizer->InitState(weights,
                           {layout.StateOf(row), static_cast<size_t>(layout.state_floats)});
    }
    std::vector<std::byte> alone = together;
    for (uint64_t step = 0; step < 3; ++step) {
      std::vector<float> gradients(37 * 19);
      for (float& g : gradients) g = static_cast<float>(random.Normal());
      optimizer->Apply(
          {rows_of(together), layout, gradients.data(), nullptr, 0.5f, step, 1, 0.01f});
      for (size_t i = 0; i < 37; ++i) {
        std::byte* row = alone.data() + i * layout.bytes();
        optimizer->Apply(
            {{&row, 1}, layout, gradients.data() + i * 19, nullptr, 0.5f, step, 1, 0.01f});
      }
    }
    EXPECT_EQ(together, alone);
  }
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
  const float keep = static_cast<float>(1 - 0.05 * GetParam().weight_decay());
  EXPECT_FLOAT_EQ(row[0], 3 * keep);
  EXPECT_FLOAT_EQ(row[1], -2 * keep);
}

/// One row of a table that stores numbers of this type, with gradients of one size in all columns.
class BoundedRow {
 public:
  BoundedRow(const zhiyin::Optimizer& config, NumberType number, float clip_norm)
      : optimizer_(MakeOptimizer(config)),
        layout_{kDim, number, optimizer_->state_floats(kDim), false},
        clip_norm_(clip_norm),
        decay_(static_cast<float>(config.weight_decay())),
        row_(layout_.bytes()) {
    SetWeights(0.1f);
    optimizer_->InitState(Weights(), State());
  }
  void SetWeights(float w) {
    const std::vector<float> weights(kDim, w);
    FromFloats(layout_.number, weights.data(), kDim, row_.data());
  }
  std::vector<float> Weights() const {
    std::vector<float> weights(kDim);
    ToFloats(layout_.number, row_.data(), kDim, weights.data());
    return weights;
  }
  /// Applies a gradient that was computed with the weights of three steps ago.
  void Step(float g) {
    pulled_.push_back(Weights());
    if (pulled_.size() > 4) pulled_.pop_front();
    const std::vector<float> gradient = {g, -g, g / 3};
    std::byte* address = row_.data();
    optimizer_->Apply({{&address, 1},
                       layout_,
                       gradient.data(),
                       pulled_.front().data(),
                       1,
                       step_++,
                       clip_norm_,
                       decay_});
  }
  bool IsFinite() {
    const auto is_finite = [](float x) { return std::isfinite(x); };
    return std::ranges::all_of(Weights(), is_finite) && std::ranges::all_of(State(), is_finite);
  }

 private:
  static constexpr int kDim = 3;

  std::span<float> State() {
    return {layout_.StateOf(row_.data()), static_cast<size_t>(layout_.state_floats)};
  }

  std::unique_ptr<Optimizer> optimizer_;
  RowLayout layout_;
  float clip_norm_;
  float decay_;
  uint64_t step_ = 0;
  std::vector<std::byte> row_;
  std::deque<std::vector<float>> pulled_;
};

/// Sequences of gradients up to kMaxGradient: the gradient of step n.
std::vector<std::function<float(int, Random*)>> BoundedSequences() {
  const auto any = [](Random* random) {
    const double size = std::pow(10, -38 + 53 * random->Uniform());
    return static_cast<float>(random->Below(2) == 0 ? size : -size);
  };
  return {
      [any](int, Random* random) { return any(random); },
      [](int, Random*) { return kMaxGradient; },
      [](int n, Random*) { return n % 2 == 0 ? kMaxGradient : -kMaxGradient; },
      [](int n, Random*) { return n == 0 ? kMaxGradient : 0.0f; },
      [](int n, Random*) { return n < 700 ? 1e-38f : kMaxGradient; },
      [](int n, Random*) { return static_cast<float>(std::pow(10, -38 + 53 * (n % 1000) * 1e-3)); },
      [any](int n, Random* random) { return n % 50 == 0 ? kMaxGradient : 1e-6f * any(random); },
  };
}

TEST_P(EveryOptimizer, StaysFiniteAndAliveUpToTheLargestGradient) {
  Random random(3);
  for (const NumberType number : {FP32, FP16, BF16}) {
    for (const float clip_norm : {0.0f, 1e-3f, 1e14f}) {
      for (const auto& gradient_of : BoundedSequences()) {
        BoundedRow row(GetParam(), number, clip_norm);
        for (int n = 0; n < 1500; ++n) {
          row.Step(gradient_of(n, &random));
          ASSERT_TRUE(row.IsFinite())
              << NumberType_Name(number) << ", clipped to " << clip_norm << ", step " << n;
        }
        if (number != FP32) continue;
        // Beside a large weight an ordinary step is lost in rounding.
        row.SetWeights(0);
        row.Step(1);
        for (const float w : row.Weights()) EXPECT_NE(w, 0) << "the row never moves again";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryOptimizer, ::testing::ValuesIn(ExampleOptimizers()),
                         [](const auto& test) { return testing::NameOf(test.param); });

}  // namespace
}  // namespace zhiyin::ps::table
