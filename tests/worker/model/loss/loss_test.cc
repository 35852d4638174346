#include <gtest/gtest.h>

#include <cmath>

#include "common/random.h"
#include "common/types.h"
#include "tests/support/graph_runner.h"
#include "worker/model/loss/losses.h"

namespace zhiyin::worker::model::loss {
namespace {

/// A task with each alternative of Task.loss, found by reflection.
std::vector<Task> EveryLossTask() {
  std::vector<Task> tasks;
  const google::protobuf::OneofDescriptor* losses = Task::descriptor()->FindOneofByName("loss");
  for (int i = 0; i < losses->field_count(); ++i) {
    Task& task = tasks.emplace_back();
    task.GetReflection()->MutableMessage(&task, losses->field(i));
  }
  return tasks;
}

/// What a loss says of a batch.
struct Computed {
  std::vector<double> values;
  std::vector<float> derivatives;
  double Sum() const {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }
};

Computed Compute(Loss* loss, const std::vector<float>& outputs, const std::vector<double>& labels,
                 const std::vector<double>& weights = {}, const std::vector<Key>& groups = {}) {
  Computed computed = {std::vector<double>(outputs.size(), 7),
                       std::vector<float>(outputs.size(), 7)};
  loss->Compute({outputs, labels, weights, groups}, computed.values, computed.derivatives);
  return computed;
}

/// A batch that every loss takes: labels 0 and 1, some missing, several groups, one of them without
/// a positive row.
struct Batch {
  explicit Batch(uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < 24; ++i) {
      // Multiples of 1/1024, so that adding one is exact, and off the kinks of hinge.
      outputs.push_back(static_cast<float>(std::round(2048 * random.Normal()) / 1024 + 1.0 / 4096));
      groups.push_back(random.Below(4));
      labels.push_back(random.Below(6) == 0
                           ? kMissing
                           : static_cast<float>(groups.back() > 0 && random.Below(2) == 0));
      weights.push_back(random.Below(8) == 0 ? 0.0 : random.Uniform());
    }
  }
  std::vector<float> outputs;
  std::vector<double> labels;
  std::vector<double> weights;
  std::vector<Key> groups;
};

class EveryLoss : public ::testing::TestWithParam<Task> {};

TEST_P(EveryLoss, DerivativesAreTheSlopeOfTheSum) {
  const auto loss = MakeLoss(GetParam());
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Batch batch(seed);
    const Computed here =
        Compute(loss.get(), batch.outputs, batch.labels, batch.weights, batch.groups);
    double largest = 0;
    for (size_t i = 0; i < batch.outputs.size(); ++i) {
      constexpr float kStep = 1.0f / 8192;
      std::vector<float> moved = batch.outputs;
      moved[i] += kStep;
      const double above =
          Compute(loss.get(), moved, batch.labels, batch.weights, batch.groups).Sum();
      moved[i] -= 2 * kStep;
      const double below =
          Compute(loss.get(), moved, batch.labels, batch.weights, batch.groups).Sum();
      EXPECT_NEAR(here.derivatives[i], (above - below) / (2 * kStep),
                  1e-6 * (1 + std::abs(here.derivatives[i])))
          << seed << " " << i;
      largest = std::max<double>(largest, std::abs(here.derivatives[i]));
    }
    EXPECT_GT(largest, 0.01);
  }
}

TEST_P(EveryLoss, RowsWithoutALabelHaveNoPart) {
  const auto loss = MakeLoss(GetParam());
  Batch batch(3);
  const Computed before = Compute(loss.get(), batch.outputs, batch.labels);
  for (size_t i = 0; i < batch.labels.size(); ++i) {
    if (!std::isnan(batch.labels[i])) continue;
    EXPECT_EQ(before.values[i], 0);
    EXPECT_EQ(before.derivatives[i], 0);
    batch.outputs[i] += 5;
  }
  EXPECT_EQ(Compute(loss.get(), batch.outputs, batch.labels).derivatives, before.derivatives);
  const std::vector<double> none(batch.outputs.size(), kMissing);
  const Computed nothing = Compute(loss.get(), batch.outputs, none);
  EXPECT_EQ(nothing.Sum(), 0);
  EXPECT_EQ(nothing.derivatives, std::vector<float>(batch.outputs.size(), 0.0f));
  EXPECT_EQ(Compute(loss.get(), {}, {}).Sum(), 0);
}

TEST_P(EveryLoss, AnExampleOfWeightWCountsAsWExamples) {
  const auto loss = MakeLoss(GetParam());
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Batch batch(seed);
    Batch copies(seed);
    copies.outputs.clear();
    copies.labels.clear();
    copies.groups.clear();
    std::vector<size_t> copied;  // [copies]: the example
    for (size_t i = 0; i < batch.outputs.size(); ++i) {
      batch.weights[i] = static_cast<double>((i + seed) % 4);
      for (size_t n = 0; n < (i + seed) % 4; ++n) {
        copies.outputs.push_back(batch.outputs[i]);
        copies.labels.push_back(batch.labels[i]);
        copies.groups.push_back(batch.groups[i]);
        copied.push_back(i);
      }
    }
    const Computed weighted =
        Compute(loss.get(), batch.outputs, batch.labels, batch.weights, batch.groups);
    const Computed repeated = Compute(loss.get(), copies.outputs, copies.labels, {}, copies.groups);
    EXPECT_NEAR(weighted.Sum(), repeated.Sum(), 1e-9 * (1 + repeated.Sum()));
    std::vector<double> sums(batch.outputs.size());
    for (size_t c = 0; c < copied.size(); ++c) sums[copied[c]] += repeated.derivatives[c];
    for (size_t i = 0; i < sums.size(); ++i)
      EXPECT_NEAR(weighted.derivatives[i], sums[i], 1e-5 * (1 + std::abs(sums[i]))) << i;
  }
}

TEST_P(EveryLoss, AnExampleOfWeight0MovesNothing) {
  const auto loss = MakeLoss(GetParam());
  Batch batch(5);
  for (size_t i = 0; i < batch.weights.size(); i += 3) batch.weights[i] = 0;
  const Computed before =
      Compute(loss.get(), batch.outputs, batch.labels, batch.weights, batch.groups);
  for (size_t i = 0; i < batch.weights.size(); i += 3) {
    EXPECT_EQ(before.values[i], 0);
    EXPECT_EQ(before.derivatives[i], 0);
    batch.outputs[i] += 50;
  }
  const Computed after =
      Compute(loss.get(), batch.outputs, batch.labels, batch.weights, batch.groups);
  EXPECT_EQ(after.values, before.values);
  EXPECT_EQ(after.derivatives, before.derivatives);
}

TEST_P(EveryLoss, StaysFiniteFarOut) {
  const auto loss = MakeLoss(GetParam());
  const Computed far = Compute(loss.get(), {-1e4f, 1e4f, -1e4f, 1e4f}, {0, 0, 1, 1});
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(std::isfinite(far.values[i]));
    EXPECT_TRUE(std::isfinite(far.derivatives[i]));
  }
  EXPECT_TRUE(std::isfinite(loss->Prediction(-1e4f)));
  EXPECT_TRUE(std::isfinite(loss->Prediction(1e4f)));
  EXPECT_FALSE(loss->Accepts(kMissing));
  EXPECT_TRUE(loss->Accepts(1));
  EXPECT_STRNE(loss->Domain(), "");
}

TEST_P(EveryLoss, OfWhatIsNotANumberIsNotANumber) {
  const auto loss = MakeLoss(GetParam());
  const float nan = std::nanf("");
  EXPECT_TRUE(std::isnan(Compute(loss.get(), {nan, 0}, {0, 1}).Sum()));
  EXPECT_TRUE(std::isnan(Compute(loss.get(), {0, nan}, {0, 1}).Sum()));
}

TEST_P(EveryLoss, TheGraphOfAPredictionGivesTheSame) {
  const auto loss = MakeLoss(GetParam());
  std::vector<float> outputs = {-1e4f, -200, -90, -50.5f, 49.9f, 50, 50.1f, 60, 89, 200, 1e4f};
  for (float z = -20; z <= 20; z += 0.37f) outputs.push_back(z);
  const int64_t n = static_cast<int64_t>(outputs.size());
  nn::Graph graph;
  const nn::Graph::Value z = graph.AddInput({"z", false, 1});
  const auto link = ChosenLoss(GetParam())->link;
  graph.AddOutput(link == nullptr ? z : link(&graph, z), "p");
  const testing::Tensor p =
      testing::RunGraph(graph, {{"z", {{n, 1}, {outputs.begin(), outputs.end()}}}}).at("p");
  ASSERT_EQ(p.shape, (std::vector<int64_t>{n, 1}));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const double expected = loss->Prediction(outputs[i]);
    EXPECT_NEAR(p.values[i], expected, 1e-6 * std::abs(expected) + 1e-37) << outputs[i];
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryLoss, ::testing::ValuesIn(EveryLossTask()));

double ValueOf(Loss* loss, float output, float label) {
  return Compute(loss, {output}, {label}).values[0];
}
float DerivativeOf(Loss* loss, float output, float label) {
  return Compute(loss, {output}, {label}).derivatives[0];
}

TEST(BinaryCrossEntropy, OfHandComputedLogits) {
  const auto loss = kBinaryCrossEntropy.make();
  EXPECT_NEAR(ValueOf(loss.get(), 0, 1), std::log(2.0), 1e-12);
  EXPECT_NEAR(ValueOf(loss.get(), 2, 1), std::log1p(std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(ValueOf(loss.get(), 2, 0), 2 + std::log1p(std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(ValueOf(loss.get(), -1e4f, 1), 1e4, 1e-6);
  EXPECT_NEAR(DerivativeOf(loss.get(), std::log(0.3f / 0.7f), 0.3f), 0, 1e-6);
  EXPECT_FLOAT_EQ(loss->Prediction(-1e4f), 0);
  EXPECT_FLOAT_EQ(loss->Prediction(1e4f), 1);
  EXPECT_FALSE(loss->Accepts(1.5f));
}

TEST(SquaredError, IsTheSquareOfTheError) {
  const auto loss = kSquaredError.make();
  EXPECT_DOUBLE_EQ(ValueOf(loss.get(), 3, 1), 4);
  EXPECT_FLOAT_EQ(DerivativeOf(loss.get(), 3, 1), 4);
  EXPECT_TRUE(loss->Accepts(-7));
}

TEST(Hinge, IsZeroBeyondTheMargin) {
  const auto loss = kHinge.make();
  EXPECT_DOUBLE_EQ(ValueOf(loss.get(), 0.25f, 1), 0.75);
  EXPECT_DOUBLE_EQ(ValueOf(loss.get(), 0.25f, 0), 1.25);
  EXPECT_FLOAT_EQ(DerivativeOf(loss.get(), 0.25f, 0), 1);
  EXPECT_DOUBLE_EQ(ValueOf(loss.get(), -2, 0), 0);
  EXPECT_FLOAT_EQ(DerivativeOf(loss.get(), -2, 0), 0);
  EXPECT_FALSE(loss->Accepts(0.5f));
}

TEST(Poisson, IsLeastWhereTheRateIsTheLabel) {
  const auto loss = kPoisson.make();
  EXPECT_NEAR(ValueOf(loss.get(), 1, 3), std::exp(1.0) - 3, 1e-12);
  EXPECT_NEAR(DerivativeOf(loss.get(), std::log(3.0f), 3), 0, 1e-6);
  EXPECT_FLOAT_EQ(loss->Prediction(std::log(3.0f)), 3);
  EXPECT_TRUE(loss->Accepts(12));
  EXPECT_FALSE(loss->Accepts(-1));
}

TEST(Pairwise, ComparesWithinAGroup) {
  const auto loss = kPairwise.make();
  // Group 1: one positive row of output 1, negatives 0 and 3. Group 2: no negative row.
  const Computed computed = Compute(loss.get(), {1, 0, 3, 5}, {1, 0, 0, 1}, {}, {1, 1, 1, 2});
  EXPECT_NEAR(computed.values[0], 0.5 * (std::log1p(std::exp(-1.0)) + std::log1p(std::exp(2.0))),
              1e-12);
  EXPECT_NEAR(computed.derivatives[1], 0.5 / (1 + std::exp(1.0)), 1e-7);
  EXPECT_NEAR(computed.derivatives[2], 0.5 / (1 + std::exp(-2.0)), 1e-7);
  EXPECT_NEAR(computed.derivatives[0], -computed.derivatives[1] - computed.derivatives[2], 1e-7);
  EXPECT_EQ(computed.values[3], 0);
  EXPECT_EQ(computed.derivatives[3], 0);
}

TEST(Pairwise, APairWeighsTheProductOfItsWeights) {
  const auto loss = kPairwise.make();
  const Computed computed = Compute(loss.get(), {1, 0, 3}, {1, 0, 0}, {2, 1, 3});
  EXPECT_NEAR(computed.values[0],
              2 * (0.25 * std::log1p(std::exp(-1.0)) + 0.75 * std::log1p(std::exp(2.0))), 1e-12);
  EXPECT_NEAR(computed.derivatives[1], 2 * 0.25 / (1 + std::exp(1.0)), 1e-7);
  EXPECT_NEAR(computed.derivatives[2], 2 * 0.75 / (1 + std::exp(-2.0)), 1e-7);
  EXPECT_EQ(Compute(loss.get(), {1, 0, 3}, {1, 0, 0}, {2, 0, 0}).Sum(), 0) << "nothing to compare";
}

TEST(SampledSoftmax, ANegativeCountsAsManyTimesAsItWeighs) {
  const auto loss = kSampledSoftmax.make();
  const Computed computed = Compute(loss.get(), {1, 0, 3}, {1, 0, 0}, {2, 10, 0.5f});
  const double sum = std::exp(1.0) + 10 + 0.5 * std::exp(3.0);
  EXPECT_NEAR(computed.values[0], -2 * std::log(std::exp(1.0) / sum), 1e-12);
  EXPECT_NEAR(computed.derivatives[0], 2 * (std::exp(1.0) / sum - 1), 1e-6);
  EXPECT_NEAR(computed.derivatives[1], 2 * 10 / sum, 1e-6);
  EXPECT_NEAR(computed.derivatives[2], 2 * 0.5 * std::exp(3.0) / sum, 1e-6);
  EXPECT_EQ(Compute(loss.get(), {1, 0, 3}, {1, 0, 0}, {2, 0, 0}).Sum(), 0) << "nothing to compare";
}

TEST(SampledSoftmax, IsTheCrossEntropyOfTheCandidates) {
  const auto loss = kSampledSoftmax.make();
  const Computed computed = Compute(loss.get(), {1, 0, 3}, {1, 0, 0});
  const double sum = std::exp(1.0) + 1 + std::exp(3.0);
  EXPECT_NEAR(computed.values[0], -std::log(std::exp(1.0) / sum), 1e-12);
  EXPECT_NEAR(computed.derivatives[0], std::exp(1.0) / sum - 1, 1e-7);
  EXPECT_NEAR(computed.derivatives[1], 1 / sum, 1e-7);
  EXPECT_NEAR(computed.derivatives[2], std::exp(3.0) / sum, 1e-7);
}

}  // namespace
}  // namespace zhiyin::worker::model::loss
