// Layers on the tokens of sequences that stand one below the other.
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/finite_difference.h"
#include "worker/model/nn/attention.h"
#include "worker/model/nn/layer_norm.h"
#include "worker/model/nn/softmax.h"
#include "worker/model/nn/transformer_block.h"

namespace zhiyin::worker::model::nn {
namespace {

using testing::GradientError;

constexpr int kStepDim = 4;
const std::vector<int32_t> kBegin = {0, 3, 3, 4, 8};  // four sequences, the second without tokens
constexpr int kTokens = 8;

Matrix RandomSteps(Eigen::Index n, Eigen::Index dim, uint64_t seed) {
  Random random(seed);
  Matrix matrix(n, dim);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(random.Normal());
  return matrix;
}

std::vector<float> RandomWeights(int64_t n) {
  const Matrix w = RandomSteps(1, n, 9);
  return {w.data(), w.data() + n};
}

double DotOfSteps(const Matrix& a, const Matrix& b) {
  return a.cast<double>().cwiseProduct(b.cast<double>()).sum();
}

using ForwardOf = std::function<Matrix(std::span<const float> weights, const Matrix& x)>;

/// Of <y, direction>, against two-sided differences.
void ExpectDerivatives(const ForwardOf& forward, const std::vector<float>& weights, const Matrix& x,
                       const Matrix& direction, const std::vector<float>& dweights,
                       const Matrix& dx) {
  EXPECT_LT(
      GradientError([&](std::span<const float> w) { return DotOfSteps(forward(w, x), direction); },
                    weights, dweights),
      1e-3)
      << "d loss / d weights";
  EXPECT_LT(
      GradientError(
          [&](std::span<const float> values) {
            return DotOfSteps(forward(weights, ConstMatrixView(values.data(), x.rows(), x.cols())),
                              direction);
          },
          {x.data(), static_cast<size_t>(x.size())}, {dx.data(), static_cast<size_t>(dx.size())}),
      1e-3)
      << "d loss / d x";
}

TEST(LayerNorm, GivesEachRowTheSameMeanAndDeviation) {
  int64_t n_weights = 0;
  LayerNorm layer(kStepDim, &n_weights);
  std::vector<float> weights(static_cast<size_t>(n_weights), 7);
  layer.Init(weights);
  Matrix x(3, kStepDim);
  x << 1, 2, 3, 4, 10, 20, 30, 40, 5, 5, 5, 5;
  Matrix y(3, kStepDim);
  layer.Forward(weights, x, y);
  const float a = 1.5f / std::sqrt(1.25f);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(y(i, 0), -a, 1e-4);
    EXPECT_NEAR(y(i, 1), -a / 3, 1e-4);
    EXPECT_NEAR(y(i, 3), a, 1e-4);
  }
  EXPECT_EQ(y.row(2).cwiseAbs().maxCoeff(),
            0);  // all the same: nothing to tell apart, and no division by zero
}

TEST(LayerNorm, GradientsAreDerivatives) {
  constexpr int kWide = 12;  // the fewer columns, the more curved
  int64_t n_weights = 0;
  LayerNorm layer(kWide, &n_weights);
  const std::vector<float> weights = RandomWeights(n_weights);
  const Matrix x = RandomSteps(kTokens, kWide, 1);
  const Matrix direction = RandomSteps(kTokens, kWide, 2);
  const auto forward = [&](std::span<const float> w, const Matrix& values) {
    Matrix y(values.rows(), kWide);
    layer.Forward(w, values, y);
    return y;
  };
  forward(weights, x);
  std::vector<float> dweights(weights.size());
  Matrix dx = direction;
  layer.Backward(weights, dx, dweights);
  ExpectDerivatives(forward, weights, x, direction, dweights, dx);
}

class SelfAttentionOf : public ::testing::TestWithParam<int> {};

TEST_P(SelfAttentionOf, GradientsAreDerivatives) {
  const int out = GetParam();
  int64_t n_weights = 0;
  SelfAttention layer(kStepDim, 2, 3, 0.7f, out, &n_weights);
  const std::vector<float> weights = RandomWeights(n_weights);
  const Matrix x = RandomSteps(kTokens, kStepDim, 1);
  const Matrix direction = RandomSteps(kTokens, layer.out(), 2);
  const auto forward = [&](std::span<const float> w, const Matrix& values) {
    Matrix y(values.rows(), layer.out());
    layer.Forward(w, kBegin, values, y);
    return y;
  };
  forward(weights, x);
  std::vector<float> dweights(weights.size());
  Matrix dx = Matrix::Zero(kTokens, kStepDim);
  layer.Backward(weights, kBegin, x, direction, dweights, dx);
  ExpectDerivatives(forward, weights, x, direction, dweights, dx);
}

TEST_P(SelfAttentionOf, ASequenceDoesNotSeeItsNeighbours) {
  int64_t n_weights = 0;
  SelfAttention layer(kStepDim, 2, 3, 0.7f, GetParam(), &n_weights);
  const std::vector<float> weights = RandomWeights(n_weights);
  const Matrix x = RandomSteps(kTokens, kStepDim, 1);
  Matrix together(kTokens, layer.out());
  layer.Forward(weights, kBegin, x, together);
  for (size_t i = 0; i + 1 < kBegin.size(); ++i) {
    const int n = kBegin[i + 1] - kBegin[i];
    const std::vector<int32_t> begin = {0, n};
    Matrix alone(n, layer.out());
    layer.Forward(weights, begin, x.middleRows(kBegin[i], n), alone);
    if (n > 0) {
      EXPECT_LT((alone - together.middleRows(kBegin[i], n)).cwiseAbs().maxCoeff(), 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Outputs, SelfAttentionOf, ::testing::Values(0, 5));

TEST(SelfAttention, OfTokensThatAreAllTheSameIsTheirValue) {
  int64_t n_weights = 0;
  SelfAttention layer(1, 1, 1, 1, 0, &n_weights);
  const std::vector<float> weights = {2, 3, 5};  // of Q, K, V
  Matrix y(3, 1);
  layer.Forward(weights, std::vector<int32_t>{0, 3}, Matrix::Constant(3, 1, 2), y);
  EXPECT_NEAR((y.array() - 10).abs().maxCoeff(), 0, 1e-5);
}

TEST(SelfAttention, WeighsTheValuesByTheSoftmaxOfTheScores) {
  int64_t n_weights = 0;
  SelfAttention layer(1, 1, 1, 0.5f, 0, &n_weights);
  const std::vector<float> weights = {2, 3, 5};
  Matrix x(2, 1);
  x << 1, -1;
  Matrix y(2, 1);
  layer.Forward(weights, std::vector<int32_t>{0, 2}, x, y);
  const double p = 1 / (1 + std::exp(-6.0));  // scores of the first token: 0.5 * 2 * 3 = 3 and -3
  EXPECT_NEAR(y(0, 0), 5 * p - 5 * (1 - p), 1e-4);
  EXPECT_NEAR(y(1, 0), -(5 * p - 5 * (1 - p)), 1e-4);
}

TEST(TransformerBlock, GradientsAreDerivatives) {
  int64_t n_weights = 0;
  TransformerBlock block(kStepDim, 2, 6, &n_weights);
  std::vector<float> weights(static_cast<size_t>(n_weights));
  Random random(3);
  block.Init(&random, weights);
  for (float& w : weights) w += static_cast<float>(0.1 * random.Normal());
  const Matrix x = RandomSteps(kTokens, kStepDim, 1);
  const Matrix direction = RandomSteps(kTokens, kStepDim, 2);
  const auto forward = [&](std::span<const float> w, const Matrix& values) {
    block.Forward(w, kBegin, values);
    return Matrix(block.output());
  };
  forward(weights, x);
  std::vector<float> dweights(weights.size());
  Matrix dx = Matrix::Constant(kTokens, kStepDim, 7);
  block.doutput() = direction;
  block.Backward(weights, kBegin, x, dweights, dx);
  ExpectDerivatives(forward, weights, x, direction, dweights, dx);
}

TEST(SegmentSoftmax, IsTheSoftmaxOfEachPiece) {
  std::vector<float> z = {0, 0, 1000, 5, 1, 1, 1, 1};
  SegmentSoftmax(kBegin, z);
  const std::vector<float> expected = {0, 0, 1, 1, 0.25f, 0.25f, 0.25f, 0.25f};
  for (size_t l = 0; l < z.size(); ++l) EXPECT_NEAR(z[l], expected[l], 1e-6) << l;
}

TEST(SegmentSoftmax, GradientsAreDerivatives) {
  const Matrix z = RandomSteps(kTokens, 1, 1);
  const Matrix direction = RandomSteps(kTokens, 1, 2);
  const auto forward = [&](std::span<const float> values) {
    std::vector<float> p(values.begin(), values.end());
    SegmentSoftmax(kBegin, p);
    return p;
  };
  const std::span<const float> input(z.data(), kTokens);
  std::vector<float> dz(direction.data(), direction.data() + kTokens);
  SegmentSoftmaxBackward(kBegin, forward(input), dz);
  EXPECT_LT(GradientError(
                [&](std::span<const float> values) {
                  return DotOfSteps(ConstMatrixView(forward(values).data(), kTokens, 1), direction);
                },
                input, dz),
            1e-3);
}

}  // namespace
}  // namespace zhiyin::worker::model::nn
