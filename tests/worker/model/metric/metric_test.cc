#include "worker/model/metric/metric.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/error.h"
#include "common/random.h"
#include "common/types.h"

namespace zhiyin::worker::model::metric {
namespace {

/// The definition: every pair of a positive and a negative row.
double NaiveAuc(const std::vector<float>& predictions, const std::vector<double>& labels) {
  double right = 0;
  double n = 0;
  for (size_t p = 0; p < labels.size(); ++p) {
    for (size_t q = 0; q < labels.size(); ++q) {
      if (labels[p] < 0.5f || labels[q] > 0.5f) continue;
      n += 1;
      right += predictions[p] > predictions[q] ? 1 : predictions[p] == predictions[q] ? 0.5 : 0;
    }
  }
  return right / n;
}

TEST(Auc, CountsTiesAsHalf) {
  const std::vector<double> labels = {0, 0, 1, 1};
  EXPECT_EQ(Auc(std::vector<float>{.1f, .4f, .35f, .8f}, labels), 0.75);
  EXPECT_EQ(Auc(std::vector<float>{.5f, .5f, .5f, .5f}, labels), 0.5);
  EXPECT_EQ(Auc(std::vector<float>{.1f, .2f, .2f, .3f}, labels), 0.875);
}

TEST(Auc, TellsAnInvertedModel) {
  EXPECT_EQ(Auc(std::vector<float>{.9f, .1f}, std::vector<double>{0, 1}), 0.0);
}

TEST(Auc, IsUndefinedForOneClass) {
  EXPECT_FALSE(Auc(std::vector<float>{.9f, .1f}, std::vector<double>{1, 1}));
  EXPECT_FALSE(Auc(std::vector<float>{.9f, .1f}, std::vector<double>{0, 0}));
  EXPECT_FALSE(Auc({}, {}));
}

TEST(Auc, EqualsItsDefinition) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    std::vector<float> predictions(2 + random.Below(60));
    std::vector<double> labels(predictions.size());
    const uint64_t n_levels = 1 + random.Below(20);
    for (float& p : predictions) p = static_cast<float>(random.Below(n_levels)) / 20;
    for (double& y : labels) y = static_cast<float>(random.Below(2));
    labels[0] = 0;
    labels[1] = 1;
    ASSERT_DOUBLE_EQ(*Auc(predictions, labels), NaiveAuc(predictions, labels)) << "seed " << seed;
  }
}

TEST(RunningAuc, IsCloseToTheExactOneAndMerges) {
  Random random(3);
  std::vector<float> predictions(20000);
  std::vector<double> labels(predictions.size());
  RunningAuc all;
  RunningAuc halves[2];
  for (size_t i = 0; i < predictions.size(); ++i) {
    predictions[i] = static_cast<float>(random.Uniform());
    labels[i] = random.Uniform() < predictions[i] ? 1.0f : 0.0f;
    all.Add(predictions[i], labels[i]);
    halves[i % 2].Add(predictions[i], labels[i]);
  }
  EXPECT_NEAR(*all.Value(), *Auc(predictions, labels), 1e-3);
  halves[0].Merge(halves[1]);
  EXPECT_EQ(halves[0].Value(), all.Value());
}

TEST(RunningAuc, AddsUpWeightsInAnyOrder) {
  Random random(9);
  std::vector<float> predictions(3000);
  std::vector<double> labels(3000), weights(3000);
  RunningAuc forward, backward;
  for (size_t i = 0; i < predictions.size(); ++i) {
    predictions[i] = static_cast<float>(random.Below(64)) / 64;
    labels[i] = static_cast<float>(random.Below(2));
    // From a millionth to a billion: sums of doubles would depend on the order.
    weights[i] = std::ldexp(random.Uniform(), 30 - static_cast<int>(i % 50));
    forward.Add(predictions[i], labels[i], weights[i]);
  }
  for (size_t i = predictions.size(); i-- > 0;) backward.Add(predictions[i], labels[i], weights[i]);
  EXPECT_EQ(forward.Value(), backward.Value());
  EXPECT_NEAR(*forward.Value(), *Auc(predictions, labels, weights), 1e-9);
}

TEST(RunningAuc, IsWrittenByTheBinsThatItHas) {
  RunningAuc auc;
  for (int i = 0; i < 200; ++i)
    auc.Add(static_cast<float>(i % 50) / 50, static_cast<float>(i % 3 == 0), i % 7 == 0 ? 0.3f : 1);
  auc.Add(0.5f, 1, RunningAuc::kMaxWeight);
  ByteWriter out;
  auc.Write(&out);
  const std::string bytes = out.Take();
  EXPECT_LT(bytes.size(), 1000u);
  ByteReader in(bytes, "auc");
  const RunningAuc found = RunningAuc::Read(&in, 201);
  EXPECT_TRUE(in.AtEnd());
  EXPECT_EQ(found.Value(), auc.Value());
  for (int bin = 0; bin < RunningAuc::kNumBins; ++bin) {
    for (const bool is_positive : {false, true})
      EXPECT_EQ(found.WeightOf(bin, is_positive), auc.WeightOf(bin, is_positive));
  }
  ByteReader again(bytes, "auc");
  EXPECT_THROW(RunningAuc::Read(&again, 0), Error) << "of no example";
}

TEST(RunningAuc, IsUndefinedForOneClass) {
  RunningAuc auc;
  auc.Add(0.5f, 1);
  EXPECT_FALSE(auc.Value());
  auc.Add(1.0f, 0);
  EXPECT_EQ(auc.Value(), 0.0);
}

TEST(TaskMetrics, OfABinaryTask) {
  // scikit-learn 1.2: roc_auc_score, log_loss, brier_score_loss of the same vectors.
  const std::vector<float> predictions = {0.9f, 0.2f, 0.6f, 0.4f};
  const std::vector<double> labels = {1, 0, 0, 1};
  const TaskMetrics m = ComputeMetrics("t", loss::PredictionKind::kProbability, predictions, labels,
                                       {}, SumLogLosses(predictions, labels));
  EXPECT_EQ(m.n_samples, 4);
  EXPECT_DOUBLE_EQ(*m.auc, 0.75);
  EXPECT_NEAR(*m.log_loss, (-std::log(0.9) - std::log(0.8) - std::log(0.4) - std::log(0.4)) / 4,
              1e-7);
  EXPECT_NEAR(*m.mse, (0.01 + 0.04 + 0.36 + 0.36) / 4, 1e-7);
  EXPECT_NEAR(*m.calibration, 2.1 / 2, 1e-7);
}

TEST(AveragePrecision, CountsThePrecisionAtEveryPositive) {
  // scikit-learn's own example: average_precision_score gives 0.83.
  const std::vector<double> labels = {0, 0, 1, 1};
  EXPECT_NEAR(*AveragePrecision(std::vector<float>{0.1f, 0.4f, 0.35f, 0.8f}, labels), 5.0 / 6,
              1e-12);
  EXPECT_EQ(*AveragePrecision(std::vector<float>(4, 0.5f), labels), 0.5) << "ties count together";
  const std::vector<float> ranked = {0, 0, 1, 1};
  EXPECT_EQ(*AveragePrecision(ranked, std::vector<double>(4, 1)), 1);
  EXPECT_FALSE(AveragePrecision(ranked, std::vector<double>(4, 0)));
  const std::vector<double> weights = {2, 1, 0, 3};
  // The positive of weight 0 neither has a precision nor is in another's.
  EXPECT_EQ(*AveragePrecision(std::vector<float>{0.9f, 0.1f, 0.95f, 0.8f}, labels, weights), 0.6);
}

TEST(NormalizedEntropy, IsOneForTheMeanLabel) {
  const std::vector<double> labels = {1, 0, 0, 0, kMissing};
  const std::vector<float> predictions(5, 0.25f);
  const TaskMetrics m = ComputeMetrics("t", loss::PredictionKind::kProbability, predictions, labels,
                                       {}, SumLogLosses(predictions, labels));
  EXPECT_NEAR(*m.normalized_entropy, 1, 1e-12);
  EXPECT_FALSE(NormalizedEntropy(0.1, 0));
  EXPECT_FALSE(NormalizedEntropy(0.1, 1));
}

TEST(Metrics, HaveNamesOfTheirOwn) {
  for (const Metric& metric : Metrics()) EXPECT_EQ(FindMetric(metric.key)->value, metric.value);
  EXPECT_EQ(FindMetric("accuracy"), nullptr);
}

/// The mean of equal labels may be rounded, and then they seem to vary.
TEST(TaskMetrics, OfEqualLabelsHaveNoR2) {
  const std::vector<double> labels(7, 0.3f);
  const std::vector<float> predictions(7, 0.5f);
  const std::vector<double> weights = {0.1, 0.7, 1.3, 2.9, 0.2, 0.6, 1.1};
  EXPECT_FALSE(ComputeMetrics("t", loss::PredictionKind::kNumber, predictions, labels, weights).r2);
}

TEST(TaskMetrics, OfARegression) {
  const TaskMetrics m =
      ComputeMetrics("t", loss::PredictionKind::kNumber, std::vector<float>{2.5f, 0.0f, 2.0f, 8.0f},
                     std::vector<double>{3, -0.5, 2, 7});
  EXPECT_FALSE(m.auc);
  EXPECT_FALSE(m.log_loss);
  EXPECT_DOUBLE_EQ(*m.mse, 0.375);
  EXPECT_DOUBLE_EQ(*m.rmse, std::sqrt(0.375));
  EXPECT_NEAR(*m.r2, 0.9486081370449679, 1e-12);  // scikit-learn's own example
}

TEST(TaskMetrics, LeavesOutRowsWithoutLabel) {
  const TaskMetrics m =
      ComputeMetrics("t", loss::PredictionKind::kProbability, std::vector<float>{0.9f, 0.5f, 0.1f},
                     std::vector<double>{1, kMissing, 0});
  EXPECT_EQ(m.n_samples, 2);
  EXPECT_EQ(m.auc, 1.0);
}

TEST(TaskMetrics, LeaveOutRowsWithoutAFinitePrediction) {
  const std::vector<float> predictions = {0.9f, NAN, 0.1f, INFINITY};
  const std::vector<double> labels = {1, 1, 0, 0};
  const TaskMetrics m =
      ComputeMetrics("t", loss::PredictionKind::kProbability, predictions, labels);
  EXPECT_EQ(m.n_samples, 2);
  EXPECT_EQ(m.auc, 1.0);
  EXPECT_NEAR(*m.mse, 0.01, 1e-6);
}

TEST(TaskMetrics, OfNothingAreUndefined) {
  const TaskMetrics m = ComputeMetrics("t", loss::PredictionKind::kProbability,
                                       std::vector<float>{0.9f}, std::vector<double>{kMissing});
  EXPECT_EQ(m.n_samples, 0);
  for (const Metric& metric : Metrics()) EXPECT_FALSE(m.*metric.value) << metric.key;
}

TEST(TaskMetrics, TheLogLossIsTheMeanOfTheLossesThatAreGiven) {
  const std::vector<float> predictions = {1, 1, 1};
  const std::vector<double> labels = {1, kMissing, 0};
  const auto log_loss = [&](loss::PredictionKind kind, std::optional<double> log_losses) {
    return ComputeMetrics("t", kind, predictions, labels, {}, log_losses).log_loss;
  };
  // Logits of 30: float32 cannot tell the predictions from 1.
  EXPECT_EQ(log_loss(loss::PredictionKind::kProbability, 30), 15);
  EXPECT_EQ(log_loss(loss::PredictionKind::kProbability, {}), std::nullopt);
  EXPECT_EQ(log_loss(loss::PredictionKind::kProbability, NAN), std::nullopt);
  EXPECT_EQ(log_loss(loss::PredictionKind::kScore, 30), std::nullopt);
}

/// Sums of weights, labels and errors of every size, with ties among the predictions.
TEST(ComputeMetrics, TheOrderOfExamplesChangesNoDigit) {
  struct Example {
    float prediction;
    double label;
    double weight;
    Key group;
  };
  for (const auto kind : {loss::PredictionKind::kProbability, loss::PredictionKind::kNumber}) {
    Random random(5);
    std::vector<Example> examples;
    for (int i = 0; i < 1000; ++i) {
      examples.push_back({static_cast<float>(random.Below(10)) / 10,
                          kind == loss::PredictionKind::kNumber ? 1e3 * random.Uniform()
                                                                : std::round(random.Uniform()),
                          random.Uniform() * (random.Below(9) == 0 ? 1e9 : 1),
                          1 + random.Below(5)});
    }
    const auto metrics = [&] {
      std::vector<float> predictions;
      std::vector<double> labels;
      std::vector<double> weights;
      std::vector<Key> groups;
      for (const Example& e : examples) {
        predictions.push_back(e.prediction);
        labels.push_back(e.label);
        weights.push_back(e.weight);
        groups.push_back(e.group);
      }
      return ComputeMetrics("t", kind, predictions, labels, weights, {}, groups);
    };
    const TaskMetrics expected = metrics();
    for (int times = 0; times < 5; ++times) {
      for (size_t i = examples.size(); i > 1; --i)
        std::swap(examples[i - 1], examples[random.Below(i)]);
      const TaskMetrics found = metrics();
      EXPECT_EQ(found.weight, expected.weight);
      EXPECT_EQ(found.label_mean, expected.label_mean);
      for (const Metric& metric : Metrics())
        EXPECT_EQ(found.*metric.value, expected.*metric.value) << metric.key;
    }
  }
}

TEST(ComputeMetrics, LabelsKeepTheirDigits) {
  const TaskMetrics m =
      ComputeMetrics("t", loss::PredictionKind::kNumber, std::vector<float>{16777216, 16777216},
                     std::vector<double>{16777215, 16777217});
  EXPECT_EQ(m.label_mean, 16777216);
  EXPECT_EQ(m.mse, 1) << "16777217 is no float";
  EXPECT_EQ(m.r2, 0);
}

TEST(SumLogLosses, IsInfiniteWhereTheImpossibleHappened) {
  const auto sum = [](std::vector<float> probabilities, std::vector<double> labels) {
    return SumLogLosses(probabilities, labels);
  };
  EXPECT_EQ(sum({1, 0, 0.5f}, {1, 0, kMissing}), 0);
  EXPECT_NEAR(sum({0.25f}, {0.5f}), -0.5 * std::log(0.25) - 0.5 * std::log(0.75), 1e-12);
  EXPECT_EQ(sum({1}, {0}), INFINITY);
  EXPECT_EQ(sum({0}, {1}), INFINITY);
}

}  // namespace
}  // namespace zhiyin::worker::model::metric
