// What stands behind the product of a hidden layer: by hand, by finite differences, and over many
// slices.
#include "worker/model/nn/hidden_stage.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "tests/support/finite_difference.h"
#include "worker/model/nn/batch_statistics.h"

namespace zhiyin::worker::model::nn {
namespace {

using testing::CurvedGradientError;
using ::testing::HasSubstr;

Matrix RandomInputs(Eigen::Index n, Eigen::Index dim, uint64_t seed) {
  Random random(seed);
  Matrix matrix(n, dim);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(random.Normal());
  return matrix;
}

std::vector<float> FirstWeights(const BatchNorm& norm, int64_t n) {
  std::vector<float> weights(static_cast<size_t>(n));
  norm.Init(weights);
  return weights;
}

Hidden Config(Hidden::Normalization normalization, double dropout) {
  Hidden hidden;
  hidden.set_normalization(normalization);
  hidden.set_dropout(dropout);
  return hidden;
}

const Pass kTraining = {true, 5};

TEST(BatchNorm, NormalisesColumnsOfTheSliceInTraining) {
  int64_t n = 0;
  BatchNorm norm(2, &n);
  EXPECT_EQ(n, 8);
  std::vector<float> weights = FirstWeights(norm, n);
  weights[1] = 3;   // g of the second column
  weights[2] = -1;  // b of the first
  Matrix x(4, 2);
  x << 1, 10, 3, 10, 1, 20, 3, 20;
  norm.Forward(weights, kTraining, x);
  // Means 2 and 15, deviations 1 and 5.
  Matrix expected(4, 2);
  expected << -2, -3, 0, -3, -2, 3, 0, 3;
  EXPECT_LT((x - expected).cwiseAbs().maxCoeff(), 1e-4);
}

TEST(BatchNorm, UsesWhatIsKeptOutsideOfTraining) {
  int64_t n = 0;
  BatchNorm norm(2, &n);
  std::vector<float> weights = FirstWeights(norm, n);
  weights[4] = 1;  // means
  weights[5] = -1;
  weights[6] = 4;  // variances
  weights[7] = 0.25;
  Matrix x(1, 2);
  x << 5, 2;
  norm.Forward(weights, Pass(), x);
  EXPECT_NEAR(x(0, 0), 2, 1e-4);
  EXPECT_NEAR(x(0, 1), 6, 1e-3);
}

TEST(BatchNorm, GradientsAreDerivatives) {
  int64_t n = 0;
  BatchNorm norm(3, &n);
  std::vector<float> weights = FirstWeights(norm, n);
  const Matrix noise = RandomInputs(1, n, 3);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] += 0.2f * noise(0, static_cast<Eigen::Index>(i));
  const Matrix x = RandomInputs(7, 3, 1);
  const Matrix direction = RandomInputs(7, 3, 2);
  const auto objective = [&](std::span<const float> w, const float* values) {
    Matrix y = ConstMatrixView(values, x.rows(), x.cols());
    norm.Forward(w, kTraining, y);
    return y.cast<double>().cwiseProduct(direction.cast<double>()).sum();
  };
  objective(weights, x.data());
  Matrix dx = direction;
  std::vector<float> dweights(weights.size());
  norm.Backward(weights, dx, dweights);
  const auto span = [](const Matrix& m) {
    return std::span(m.data(), static_cast<size_t>(m.size()));
  };
  EXPECT_LT(CurvedGradientError([&](std::span<const float> w) { return objective(w, x.data()); },
                                weights, dweights),
            1e-3);
  EXPECT_LT(
      CurvedGradientError([&](std::span<const float> v) { return objective(weights, v.data()); },
                          span(x), span(dx)),
      1e-3);
  for (size_t i = 6; i < dweights.size(); ++i)
    EXPECT_EQ(dweights[i], 0) << "what is kept is not learned";
}

TEST(BatchNorm, ASliceOfOneRowOrNoneIsNothingSpecial) {
  int64_t n = 0;
  BatchNorm norm(2, &n);
  std::vector<float> weights = FirstWeights(norm, n);
  weights[2] = 0.5;
  std::vector<float> dweights(weights.size());
  Matrix one = RandomInputs(1, 2, 1);
  norm.Forward(weights, kTraining, one);
  EXPECT_EQ(one(0, 0), 0.5f);
  Matrix dy = RandomInputs(1, 2, 2);
  norm.Backward(weights, dy, dweights);
  EXPECT_TRUE(dy.isZero(1e-3f));
  Matrix none(0, 2);
  norm.Forward(weights, kTraining, none);
  norm.Backward(weights, none, dweights);
  EXPECT_TRUE(
      std::all_of(dweights.begin(), dweights.end(), [](float d) { return std::isfinite(d); }));
}

/// The statistics of slices of x, seen by several workers, are those of x: mean, and variance over
/// all rows.
TEST(BatchStatistics, AreThoseOfAllRowsWhoeverSawThem) {
  int64_t n = 0;
  BatchNorm norm(3, &n);
  std::vector<float> weights = FirstWeights(norm, n);
  Matrix x = RandomInputs(60, 3, 1);
  x.col(1) *= 100;
  x.col(2).array() += 50;
  std::vector<std::vector<float>> kept;
  for (const std::vector<int>& worker_of_slice :
       {std::vector<int>{0, 0, 0}, {0, 1, 0}, {2, 1, 0}, {1, 0, 1}}) {
    std::vector<BatchStatistics> workers(3, BatchStatistics(weights));
    for (int slice : {2, 0, 1}) {
      Matrix rows = slice == 0   ? x.topRows(10)
                    : slice == 1 ? x.middleRows(10, 30)
                                 : x.bottomRows(20);
      norm.Forward(
          weights,
          {true, 1, &workers[static_cast<size_t>(worker_of_slice[static_cast<size_t>(slice)])]},
          rows);
    }
    BatchStatistics total(weights);
    for (const BatchStatistics& worker : workers) total.Add(worker.Serialize(), n);
    std::vector<float> written = weights;
    total.Write(written);
    kept.push_back(written);
    EXPECT_EQ(written, kept[0]) << "the same bits";
  }
  for (int c = 0; c < 3; ++c) {
    const Eigen::VectorXd column = x.col(c).cast<double>();
    const double mean = column.mean();
    EXPECT_NEAR(kept[0][6 + static_cast<size_t>(c)], mean, 1e-5 * (1 + std::abs(mean)));
    const double variance = (column.array() - mean).square().mean();
    EXPECT_NEAR(kept[0][9 + static_cast<size_t>(c)], variance, 1e-4 * variance);
  }
  EXPECT_TRUE(std::equal(kept[0].begin(), kept[0].begin() + 6, weights.begin()))
      << "g and b are as they were";
}

TEST(BatchStatistics, AreThoseOfLargeValues) {
  std::vector<float> weights(4);
  BatchStatistics sums(weights);
  for (int slice = 0; slice < 100; ++slice)
    sums.Add(weights, 1000, std::vector<float>{1e7f, -3e8f}, std::vector<float>{1e12f, 1e16f});
  sums.Write(weights);
  EXPECT_EQ(weights[0], 1e7f);
  EXPECT_EQ(weights[1], -3e8f);
  EXPECT_NEAR(weights[2], 1e12, 1e7);
  EXPECT_NEAR(weights[3], 1e16, 1e11);
  // Sums that there is no room for are refused, not cut.
  EXPECT_THROW(sums.Add(weights, 1000, std::vector<float>{1e20f, 0}, std::vector<float>{1, 1}),
               Error);
  BatchStatistics half(weights);
  half.Add(weights, 1, std::vector<float>{1e13f, 0}, std::vector<float>{0, 0});
  EXPECT_THROW(half.Add(half.Serialize(), 4), Error);
}

TEST(BatchStatistics, RefusesWhatNobodyCanHaveSent) {
  const std::vector<float> weights(20);
  BatchStatistics sums(weights);
  sums.Add(std::span(weights).subspan(14, 6), 5, std::vector<float>{1, 2, 3},
           std::vector<float>{1, 1, 1});
  const std::string bytes = sums.Serialize();
  BatchStatistics total(weights);
  total.Add(bytes, 20);
  const auto error = [&](const std::string& what, int64_t n) {
    try {
      total.Add(what, n);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(
      error(bytes, 19),
      HasSubstr("batch statistics: 3 columns of 5 rows at 14, expected a part of 19 weights"));
  EXPECT_THAT(error(bytes + "x", 20), HasSubstr("bytes, expected fewer"));
  EXPECT_THAT(error(bytes.substr(0, bytes.size() - 1), 20), HasSubstr("batch statistics: "));
}

TEST(BatchStatistics, SayWhatTheyCanHold) {
  const auto can_hold = [](float mean, float variance) {
    return BatchStatistics::CanHold(5, std::vector<float>{1, mean},
                                    std::vector<float>{1, variance});
  };
  EXPECT_TRUE(can_hold(1e12f, 1e24f));
  EXPECT_FALSE(can_hold(1e13f, 0));
  EXPECT_FALSE(can_hold(-1e13f, 0));
  EXPECT_FALSE(can_hold(0, 1e26f));
  for (const float x : {NAN, INFINITY}) {
    EXPECT_FALSE(can_hold(x, 1));
    EXPECT_FALSE(can_hold(1, x));
  }
}

TEST(BatchStatistics, AddThoseOfOthers) {
  std::vector<float> weights(4);
  BatchStatistics one(weights);
  BatchStatistics two(weights);
  one.Add(weights, 1, std::vector<float>{1, 2}, std::vector<float>{0, 0});
  two.Add(weights, 3, std::vector<float>{5, 2}, std::vector<float>{0, 0});
  BatchStatistics all(weights);
  all.Add(one);
  all.Add(two);
  all.Write(weights);
  EXPECT_EQ(weights, (std::vector<float>{4, 2, 3, 0}));
}

/// An infinite variance would make all other examples equal, and nothing would tell.
TEST(BatchNorm, OfASliceWithAnExtremeNumberIsUndefined) {
  for (const float extreme : {1e25f, -1e16f, 3e38f}) {
    int64_t n = 0;
    HiddenStage stage(Config(Hidden::BATCH, 0), 1, 19, &n);
    std::vector<float> weights(static_cast<size_t>(n));
    stage.Init(weights);
    Matrix y = RandomInputs(6, 19, 1);
    y(3, 11) = extreme;
    BatchStatistics statistics(weights);
    stage.Forward(weights, {true, 1, &statistics}, y);
    EXPECT_TRUE(y.array().isNaN().all()) << extreme << ", behind the ReLU, too";
    EXPECT_EQ(statistics.Serialize(), BatchStatistics(weights).Serialize());
  }
}

TEST(Dropout, DropsTheShareAndKeepsTheMean) {
  int64_t n = 0;
  HiddenStage stage(Config(Hidden::NONE, 0.3), 1, 50, &n);
  EXPECT_EQ(n, 0);
  Matrix y = Matrix::Ones(400, 50);
  stage.Forward({}, kTraining, y);
  const double dropped =
      static_cast<double>((y.array() == 0).count()) / static_cast<double>(y.size());
  EXPECT_NEAR(dropped, 0.3, 0.01);
  EXPECT_NEAR(y.maxCoeff(), 1 / 0.7, 1e-4);
  EXPECT_NEAR(y.mean(), 1, 0.02);

  const auto masked = [&](const Pass& pass) {
    Matrix ones = Matrix::Ones(8, 50);
    stage.Forward({}, pass, ones);
    return ones;
  };
  EXPECT_EQ(masked({true, 1}), masked({true, 1}));
  EXPECT_NE(masked({true, 1}), masked({true, 2}));
  EXPECT_EQ(masked({false, 1}), Matrix::Ones(8, 50)) << "nothing is dropped in use";
  int64_t at = 50;
  HiddenStage other(Config(Hidden::NONE, 0.3), 1, 50, &at);
  Matrix ones = Matrix::Ones(8, 50);
  other.Forward({}, {true, 1}, ones);
  EXPECT_NE(ones, masked({true, 1})) << "another layer draws other numbers";
}

/// Layers side by side, each by itself.
TEST(HiddenStage, NormalisesEachLayerOfARow) {
  int64_t n = 0;
  HiddenStage stage(Config(Hidden::LAYER, 0), 2, 2, &n);
  std::vector<float> weights(static_cast<size_t>(n));
  stage.Init(weights);
  Matrix y(1, 4);
  y << 1, 3, 200, 100;
  stage.Forward(weights, kTraining, y);
  Matrix expected(1, 4);
  expected << 0, 1, 1, 0;  // -1 and 1, then ReLU
  EXPECT_LT((y - expected).cwiseAbs().maxCoeff(), 1e-4);
}

TEST(HiddenStage, WithoutOptionsDoesNothing) {
  int64_t n = 3;
  HiddenStage stage(Hidden(), 2, 2, &n);
  EXPECT_EQ(n, 3);
  Matrix y = RandomInputs(3, 4, 1);
  const Matrix before = y;
  stage.Forward({}, kTraining, y);
  EXPECT_EQ(y, before);
  stage.Backward({}, before, y, {});
  EXPECT_EQ(y, before);
}

}  // namespace
}  // namespace zhiyin::worker::model::nn
