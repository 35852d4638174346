// Layers in a Bfloat16Pass, with every backend of this build.
#include "worker/model/nn/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <thread>
#include <vector>

#include "common/random.h"
#include "tests/support/products.h"
#include "worker/model/nn/linear_map.h"
#include "worker/model/nn/mlp.h"

namespace zhiyin::worker::model::nn {
namespace {

using testing::BackendInUse;
using testing::BackendName;
using testing::BackendsOfThisBuild;
using testing::KeepFromKinks;
using testing::RelativeError;
using testing::RoundedPass;

using DoubleMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using AlignedFloats = std::vector<float, Eigen::aligned_allocator<float>>;

Matrix RandomBatch(Eigen::Index n, Eigen::Index dim, uint64_t seed) {
  Random random(seed);
  Matrix matrix(n, dim);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(random.Normal());
  return matrix;
}

Matrix InBfloat16(const Matrix& matrix) {
  return matrix.unaryExpr([](float x) { return FromBfloat16(ToBfloat16(x)); });
}

/// The numbers of a factor that is not transposed.
Matrix NumbersOf(const Factor& factor) {
  if (!factor.is_bfloat16()) return factor.stored();
  Matrix numbers(factor.rows(), factor.cols());
  for (Eigen::Index i = 0; i < numbers.rows(); ++i) {
    for (Eigen::Index j = 0; j < numbers.cols(); ++j)
      numbers(i, j) = FromBfloat16(factor.halves()[i * factor.stride() + j]);
  }
  return numbers;
}

/// Expects |found - expected| <= tolerance * sizes at every place.
void ExpectWithin(double tolerance, const Matrix& found, const DoubleMatrix& expected,
                  const DoubleMatrix& sizes) {
  ASSERT_EQ(found.rows(), expected.rows());
  ASSERT_EQ(found.cols(), expected.cols());
  for (Eigen::Index i = 0; i < found.rows(); ++i) {
    for (Eigen::Index j = 0; j < found.cols(); ++j)
      ASSERT_NEAR(found(i, j), expected(i, j), tolerance * sizes(i, j)) << i << ", " << j;
  }
}

/// How far a sum of floats may be from its terms' exact sum, in sizes of the terms: see
/// product_test.cc.
double SumError(int n_terms) {
  return (n_terms + 2) * 0x1p-24;
}

/// How far a product of rounded factors may be from that of the factors as they were: each is off
/// by at most 2^-8 of itself, since a bfloat16 has 8 bits of precision, and rounded to the nearest;
/// a product of both by 2^-7 + 2^-16. The hundredth more leaves room for the sums.
constexpr double kRoundingError = 1.01 * 0x1p-7;

class Rounding : public ::testing::TestWithParam<Backend> {
 private:
  BackendInUse backend_{GetParam()};
};

TEST_P(Rounding, IsOfWhatIsInABlockOfAWiderMatrix) {
  const Matrix wider = RandomBatch(9, 23, 1);
  Rounded rounded;
  rounded.Round(wider.middleCols(3, 17));
  EXPECT_EQ(NumbersOf(rounded.Matrix(0, 9, 17)), InBfloat16(wider.middleCols(3, 17)));
  EXPECT_EQ(rounded.Matrix(0, 9, 17).is_bfloat16(), HasBfloat16Instructions());
  rounded.Round(wider);
  EXPECT_EQ(NumbersOf(rounded.Matrix(0, 9, 23)), InBfloat16(wider));
  EXPECT_EQ(NumbersOf(rounded.Matrix(23, 2, 23)), InBfloat16(wider.middleRows(1, 2)));
  rounded.Round(wider.topLeftCorner(2, 5));
  EXPECT_EQ(NumbersOf(rounded.Matrix(0, 2, 5)), InBfloat16(wider.topLeftCorner(2, 5)))
      << "fewer than before";
}

TEST_P(Rounding, OfWeightsIsOfTheWholeVector) {
  std::vector<float> weights(1000);
  Random random(2);
  for (float& w : weights) w = static_cast<float>(random.Normal());
  const RoundedPass pass(weights);
  const Matrix expected = ConstMatrixView(weights.data() + 7, 31, 32);
  EXPECT_EQ(NumbersOf(WeightFactor(weights, 7, 31, 32)), InBfloat16(expected));
}

TEST_P(Rounding, IsOfThisThreadWhileThePassExists) {
  const std::vector<float> weights(10);
  EXPECT_EQ(Bfloat16Pass::Current(), nullptr);
  {
    const RoundedPass pass(weights);
    EXPECT_NE(Bfloat16Pass::Current(), nullptr);
    std::jthread([] { EXPECT_EQ(Bfloat16Pass::Current(), nullptr); }).join();
  }
  EXPECT_EQ(Bfloat16Pass::Current(), nullptr);
}

TEST_P(Rounding, IsOfProductsWithSixteenColumnsOnBothSides) {
  EXPECT_FALSE(IsInBfloat16(1000, 1000)) << "there is no pass";
  const std::vector<float> weights(10);
  const RoundedPass pass(weights);
  EXPECT_TRUE(IsInBfloat16(16, 16));
  EXPECT_TRUE(IsInBfloat16(1000, 16));
  EXPECT_FALSE(IsInBfloat16(15, 1000));
  EXPECT_FALSE(IsInBfloat16(1000, 15));
}

TEST_P(Rounding, OfAnActivationIsDoneOnceUntilAnotherIsTaken) {
  const std::vector<float> weights(10);
  const RoundedPass pass(weights);
  ActivationFactor factor(16, 16);
  Matrix m = RandomBatch(5, 16, 1);
  const Matrix before = InBfloat16(m);
  EXPECT_EQ(NumbersOf(factor.Set(m)), before);
  m *= 2;
  EXPECT_EQ(NumbersOf(factor.Keep(m)), before) << "rounded anew";
  EXPECT_EQ(NumbersOf(factor.factor()), before);
  EXPECT_EQ(NumbersOf(factor.Set(m)), 2 * before);
  const Matrix other = RandomBatch(5, 16, 2);
  EXPECT_EQ(NumbersOf(factor.Keep(other)), InBfloat16(other));
  EXPECT_EQ(NumbersOf(factor.Keep(m)), 2 * before);
  EXPECT_EQ(NumbersOf(factor.Keep(m.topRows(3))), 2 * before.topRows(3));
  ActivationFactor narrow(16, 15);
  EXPECT_EQ(NumbersOf(narrow.Set(other)), other);
  EXPECT_EQ(narrow.Set(other).floats(), other.data()) << "copied";
}

/// What a layer gives for a batch, and the derivatives for a random direction.
struct LayerResults {
  Matrix y;
  Matrix dz;
  Matrix dx;
  AlignedFloats dweights;
};

/// A layer and its weights.
struct LayerExample {
  LayerExample(int in, int out, Activation activation) : layer(in, out, activation, &n_weights) {
    weights.resize(static_cast<size_t>(n_weights));
    Random random(3);
    layer.Init(&random, weights);
    layer.InitBias(0.1f, weights);
  }

  LayerResults BothWays(const Matrix& x, uint64_t direction) {
    LayerResults results;
    results.y.resize(x.rows(), layer.out());
    layer.Forward(weights, x, results.y);
    results.dz = RandomBatch(x.rows(), layer.out(), direction);
    results.dweights.resize(weights.size());
    layer.BackwardWeights(x, results.y, results.dz, results.dweights);
    results.dx.resize(x.rows(), layer.in());
    layer.BackwardInput(weights, results.dz, results.dx);
    return results;
  }
  LayerResults BothWaysRounded(const Matrix& x, uint64_t direction) {
    const RoundedPass pass(weights);
    return BothWays(x, direction);
  }
  Matrix W() const { return ConstMatrixView(weights.data(), layer.in(), layer.out()); }
  DoubleMatrix B() const {
    return ConstVectorView(weights.data() + layer.in() * layer.out(), layer.out()).cast<double>();
  }
  Matrix DW(const LayerResults& results) const {
    return ConstMatrixView(results.dweights.data(), layer.in(), layer.out());
  }

  int64_t n_weights = 0;
  DenseLayer layer;
  AlignedFloats weights;
};

/// Activations, derivatives and weights are rounded; sums, the bias and its derivative are not.
TEST_P(Rounding, OfALayerIsOfTheFactorsOfItsProducts) {
  constexpr int kIn = 33, kOut = 19, kRows = 37;
  LayerExample example(kIn, kOut, Activation::kRelu);
  const Matrix x = RandomBatch(kRows, kIn, 1);
  const LayerResults found = example.BothWaysRounded(x, 11);
  const DoubleMatrix rx = InBfloat16(x).cast<double>();
  const DoubleMatrix rw = InBfloat16(example.W()).cast<double>();
  const Matrix direction = RandomBatch(kRows, kOut, 11);
  const Matrix masked = (found.y.array() > 0).select(direction, 0.0f);
  const DoubleMatrix rdz = InBfloat16(masked).cast<double>();
  const DoubleMatrix b = example.B().replicate(kRows, 1);

  ExpectWithin(SumError(kIn + 1), found.y, (rx * rw + b).cwiseMax(0.0),
               rx.cwiseAbs() * rw.cwiseAbs() + b.cwiseAbs());
  ExpectWithin(SumError(kRows), example.DW(found), rx.transpose() * rdz,
               rx.cwiseAbs().transpose() * rdz.cwiseAbs());
  ExpectWithin(SumError(kOut), found.dx, rdz * rw.transpose(),
               rdz.cwiseAbs() * rw.cwiseAbs().transpose());
  const DoubleMatrix dz = masked.cast<double>();
  ExpectWithin(SumError(kRows), ConstMatrixView(found.dweights.data() + kIn * kOut, 1, kOut),
               dz.colwise().sum(), dz.cwiseAbs().colwise().sum());
}

TEST_P(Rounding, OfALayerChangesItAsLittleAsItMust) {
  constexpr int kIn = 64, kOut = 48, kRows = 40;
  LayerExample example(kIn, kOut, Activation::kNone);
  const Matrix x = RandomBatch(kRows, kIn, 1);
  const LayerResults floats = example.BothWays(x, 11);
  const LayerResults rounded = example.BothWaysRounded(x, 11);
  const DoubleMatrix size_x = x.cwiseAbs().cast<double>();
  const DoubleMatrix size_w = example.W().cwiseAbs().cast<double>();
  const DoubleMatrix size_dz = floats.dz.cwiseAbs().cast<double>();
  ExpectWithin(kRoundingError, rounded.y, floats.y.cast<double>(), size_x * size_w);
  ExpectWithin(kRoundingError, example.DW(rounded), example.DW(floats).cast<double>(),
               size_x.transpose() * size_dz);
  ExpectWithin(kRoundingError, rounded.dx, floats.dx.cast<double>(), size_dz * size_w.transpose());
  EXPECT_NE(rounded.y, floats.y);
  EXPECT_NE(example.DW(rounded), example.DW(floats));
  EXPECT_NE(rounded.dx, floats.dx);
}

TEST_P(Rounding, OfANarrowLayerIsNone) {
  for (const auto& [in, out] : {std::pair(15, 40), std::pair(40, 15), std::pair(16, 16)}) {
    LayerExample example(in, out, Activation::kRelu);
    const Matrix x = RandomBatch(21, in, 1);
    const LayerResults floats = example.BothWays(x, 11);
    const LayerResults rounded = example.BothWaysRounded(x, 11);
    const bool is_wide = in >= 16 && out >= 16;
    EXPECT_EQ(rounded.y != floats.y, is_wide) << in << "x" << out;
    EXPECT_EQ(rounded.dx != floats.dx, is_wide) << in << "x" << out;
    EXPECT_EQ(rounded.dweights != floats.dweights, is_wide) << in << "x" << out;
  }
}

/// AITM reads its layer of values, keys and queries so: both batches forward, then both back, the
/// second with derivatives in the memory of the first.
TEST_P(Rounding, OfALayerThatIsReadTwiceIsOfEachOfItsInputs) {
  constexpr int kIn = 24, kOut = 40, kRows = 21;
  LayerExample example(kIn, kOut, Activation::kNone);
  const Matrix r = RandomBatch(kRows, kIn, 1);
  const Matrix q = RandomBatch(kRows, kIn, 2);
  const LayerResults of_r = example.BothWaysRounded(r, 11);
  const LayerResults of_q = example.BothWaysRounded(q, 12);

  const RoundedPass pass(example.weights);
  Matrix y_r(kRows, kOut), y_q(kRows, kOut), dr(kRows, kIn), dq(kRows, kIn);
  AlignedFloats dweights(example.weights.size());
  example.layer.Forward(example.weights, r, y_r);
  example.layer.Forward(example.weights, q, y_q);
  Matrix dz = RandomBatch(kRows, kOut, 11);
  example.layer.BackwardWeights(r, y_r, dz, dweights);
  example.layer.BackwardInput(example.weights, dz, dr);
  dz = RandomBatch(kRows, kOut, 12);
  example.layer.BackwardWeights(q, y_q, dz, dweights);
  example.layer.BackwardInput(example.weights, dz, dq);
  EXPECT_EQ(y_r, of_r.y);
  EXPECT_EQ(y_q, of_q.y);
  EXPECT_EQ(dr, of_r.dx);
  EXPECT_EQ(dq, of_q.dx);
  AlignedFloats sum = of_r.dweights;
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += of_q.dweights[i];
  EXPECT_LT(RelativeError(dweights, sum), 1e-6) << "but for the order of sums";
}

/// A worker's first slice may have no rows.
TEST_P(Rounding, OfAnEmptyBatchIsAllowed) {
  LayerExample example(16, 16, Activation::kRelu);
  const LayerResults found = example.BothWaysRounded(RandomBatch(0, 16, 1), 11);
  EXPECT_EQ(found.dx.rows(), 0);
  EXPECT_EQ(found.dweights, AlignedFloats(example.weights.size()));
}

TEST_P(Rounding, OfALinearMapIsThatOfWhatItAdds) {
  int64_t n_weights = 3;
  LinearMap map(20, 18, &n_weights);
  ASSERT_EQ(map.begin(), 3);
  ASSERT_EQ(n_weights, 3 + 20 * 18);
  AlignedFloats weights(static_cast<size_t>(n_weights));
  Random random(3);
  for (float& w : weights) w = static_cast<float>(random.Normal());
  const RoundedPass pass(weights);
  const Matrix x = RandomBatch(25, 20, 1);
  const Matrix dy = RandomBatch(25, 18, 2);
  Matrix y(25, 18), dx(25, 20);
  map.Forward(weights, x, y);
  EXPECT_LT(RelativeError(y, InBfloat16(x) * InBfloat16(map.W(weights))), 1e-6);
  const Matrix before = RandomBatch(25, 18, 4);
  Matrix added = before;
  map.ForwardAdd(weights, x, added);
  EXPECT_LT(RelativeError(added - before, y), 1e-6);

  AlignedFloats dweights(weights.size());
  map.BackwardWeights(x, dy, dweights);
  map.BackwardInput(weights, dy, dx);
  EXPECT_LT(RelativeError(dx, InBfloat16(dy) * InBfloat16(map.W(weights)).transpose()), 1e-6);
  Matrix twice = dx;
  map.BackwardInputAdd(weights, dy, twice);
  EXPECT_LT(RelativeError(twice, 2 * dx), 1e-6);
  AlignedFloats again = dweights;
  map.BackwardWeights(x, dy, again);
  for (float& d : dweights) d *= 2;
  EXPECT_LT(RelativeError(again, dweights), 1e-6);
  EXPECT_EQ(again[0] + again[1] + again[2], 0) << "these belong to others";
}

/// Several layers, whose units are far from their kinks.
struct MlpExample {
  MlpExample() : mlp(48, kWidths, Activation::kNone, Hidden::default_instance(), &n_weights) {
    weights.resize(static_cast<size_t>(n_weights));
    Random random(3);
    mlp.Init(&random, weights);
    KeepFromKinks(weights);
  }
  void Forward() { mlp.Forward(weights, x, {true, 5}); }
  /// d / d weights, then d / d x.
  std::vector<float> Backward() {
    mlp.doutput() = direction;
    AlignedFloats dweights(weights.size());
    Matrix dx(x.rows(), x.cols());
    mlp.Backward(weights, x, dweights, dx);
    std::vector<float> all(dweights.begin(), dweights.end());
    all.insert(all.end(), dx.data(), dx.data() + dx.size());
    return all;
  }

  static constexpr int kWidths[] = {40, 24, 1};
  int64_t n_weights = 0;
  Mlp mlp;
  AlignedFloats weights;
  Matrix x = RandomBatch(64, 48, 1);
  Matrix direction = RandomBatch(64, 1, 2);
};

TEST_P(Rounding, OfSeveralLayersChangesTheirGradientsLittle) {
  MlpExample example;
  example.Forward();
  const Matrix y = example.mlp.output();
  const std::vector<float> floats = example.Backward();
  const RoundedPass pass(example.weights);
  example.Forward();
  // Roundings of a hundredth part of a product at most, of which many average out.
  EXPECT_LT(RelativeError(example.mlp.output(), y), 0.02);
  const std::vector<float> rounded = example.Backward();
  EXPECT_LT(RelativeError(rounded, floats), 0.02);
  EXPECT_NE(rounded, floats);
}

TEST_P(Rounding, IsThatOfEveryBackwardAfterAForward) {
  MlpExample example;
  const RoundedPass pass(example.weights);
  example.Forward();
  const std::vector<float> once = example.Backward();
  const Matrix direction = example.direction;
  example.direction = RandomBatch(64, 1, 3);
  EXPECT_NE(example.Backward(), once);
  example.direction = direction;
  EXPECT_EQ(example.Backward(), once);
}

TEST_P(Rounding, OfOtherWeightsIsRefused) {
  LayerExample example(16, 16, Activation::kNone);
  const AlignedFloats others = example.weights;
  const Matrix x = RandomBatch(2, 16, 1);
  Matrix y(2, 16);
  const RoundedPass pass(example.weights);
  EXPECT_DEATH(example.layer.Forward(others, x, y), "other weights than those that were rounded");
  EXPECT_DEATH(WeightFactor(example.weights, 17, 16, 16), "") << "they end before";
}

TEST_P(Rounding, HasOnePassAtATime) {
  const std::vector<float> weights(10);
  const RoundedPass pass(weights);
  const auto another = [&] { const RoundedPass second(weights); };
  EXPECT_DEATH(another(), "a thread has one pass at a time");
}

INSTANTIATE_TEST_SUITE_P(Backends, Rounding, ::testing::ValuesIn(BackendsOfThisBuild()),
                         [](const auto& test) { return BackendName(test.param); });

}  // namespace
}  // namespace zhiyin::worker::model::nn
