#include "worker/train/chunked_pass.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "common/large_pages.h"
#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "tests/support/products.h"

namespace zhiyin::worker::train {
namespace {

using model::nn::Pass;

constexpr int64_t kStepExamples = 1000;

Matrix RandomInputs(Eigen::Index n, Eigen::Index dim) {
  Random random(7);
  Matrix x(n, dim);
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
  return x;
}

/// A model with random weights, and the examples of a slice.
struct ChunkedExample {
  explicit ChunkedExample(const Job& a_job)
      : job(a_job),
        model(model::MakeModel(job)),
        heads(job),
        weights(static_cast<size_t>(model->n_weights())),
        dweights(weights.size()),
        profile(false, nullptr),
        pass(job, model.get(), &heads, &profile) {
    model->InitWeights(Random(3), weights);
  }

  void TakeExamples(Eigen::Index n) {
    x = RandomInputs(n, model::InputLayout::Of(job).dim);
    Random random(5);
    const size_t n_labels = static_cast<size_t>(n * job.task_size());
    targets.labels.resize(n_labels);
    targets.weights.resize(n_labels);
    targets.groups.resize(static_cast<size_t>(job.task_size()));
    predictions.resize(n_labels);
    for (size_t i = 0; i < n_labels; ++i) {
      const double draw = random.Uniform();
      targets.labels[i] = draw < 0.1 ? kMissing : draw < 0.4 ? 1 : 0;
      targets.weights[i] = 0.5 + random.Uniform();
    }
  }
  ConstMatrixView View() const { return {x.data(), x.rows(), x.cols()}; }
  bool Run(const Pass& with) {
    std::fill(dweights.begin(), dweights.end(), 0.0f);
    return pass.Run(weights, {View(), targets, kStepExamples}, with, &outputs, predictions,
                    dweights, &dx);
  }

  Job job;
  std::unique_ptr<model::Model> model;
  model::TaskHeads heads;
  LargeVector<float> weights, dweights;
  Profile profile;
  ChunkedPass pass;
  Matrix x, outputs, dx;
  model::Targets targets;
  std::vector<float> predictions;
};

bool DrawsActivations(const Job& job) {
  return job.model().hidden().dropout() > 0;
}

TEST(ChunkedPass, IsThatOfTheWholeSliceButForTheOrderOfSums) {
  int n_compared = 0;
  for (const Job& job : testing::JobOfEveryModel()) {
    ChunkedExample example(job);
    if (!example.pass.IsPossible() || DrawsActivations(job)) continue;
    SCOPED_TRACE(job.model().ShortDebugString());
    ++n_compared;
    const Eigen::Index n = 2 * example.pass.rows() + 5;
    example.TakeExamples(n);
    ASSERT_TRUE(example.Run({true, 1}));

    Matrix outputs, doutputs, dx;
    LargeVector<float> dweights(example.weights.size());
    std::vector<float> predictions(example.predictions.size());
    std::vector<double> objectives(static_cast<size_t>(job.task_size()));
    example.model->Forward(example.weights, example.View(), {true, 1}, &outputs);
    example.heads.Predictions(outputs, predictions);
    example.heads.Derivatives(outputs, example.targets, kStepExamples, &doutputs, objectives);
    example.model->Backward(example.weights, example.View(), doutputs, dweights, &dx);

    // Sums over some thousand examples, in floats.
    EXPECT_LT(testing::RelativeError(example.dweights, dweights), 1e-4);
    EXPECT_LT(testing::RelativeError(example.outputs, outputs), 1e-5);
    EXPECT_LT(testing::RelativeError(example.predictions, predictions), 1e-5);
    EXPECT_LT(testing::RelativeError(example.dx, dx), 1e-5);
  }
  EXPECT_GE(n_compared, 10);
}

TEST(ChunkedPass, DropsOtherActivationsInEachChunk) {
  Job job = testing::ExampleJob("shared_bottom { bottom: 32 tower: 4 } hidden { dropout: 0.5 }", 2);
  ChunkedExample example(job);
  ASSERT_TRUE(example.pass.IsPossible());
  const Eigen::Index n = example.pass.rows();
  example.TakeExamples(2 * n);
  example.x.bottomRows(n) = example.x.topRows(n);
  ASSERT_TRUE(example.Run({true, 1}));
  EXPECT_NE(example.outputs.topRows(n), example.outputs.bottomRows(n));
  const Matrix before = example.outputs;
  ASSERT_TRUE(example.Run({true, 1}));
  EXPECT_EQ(example.outputs, before);
  ASSERT_TRUE(example.Run({true, 2}));
  EXPECT_NE(example.outputs.topRows(n), before.topRows(n));
}

TEST(ChunkedPass, SaysWhereAPredictionIsNotFinite) {
  ChunkedExample example(testing::ExampleJob("mmoe { n_experts: 2 expert: 8 tower: 4 }", 2));
  const Eigen::Index n = 2 * example.pass.rows() + 1;
  for (const Eigen::Index row : {Eigen::Index{0}, example.pass.rows(), n - 1}) {
    example.TakeExamples(n);
    example.x(row, 0) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(example.Run({true, 1}));
    for (Eigen::Index i = 0; i < n; ++i) {
      ASSERT_EQ(std::isnan(example.predictions[static_cast<size_t>(2 * i)]), i == row)
          << i << ", not finite is " << row;
    }
  }
}

TEST(ChunkedPass, IsNotForExamplesThatDependOnEachOther) {
  const std::string mmoe = "mmoe { n_experts: 2 expert: 8 tower: 4 }";
  const auto is_possible = [](const Job& job) { return ChunkedExample(job).pass.IsPossible(); };
  EXPECT_TRUE(is_possible(testing::ExampleJob(mmoe, 2)));
  EXPECT_TRUE(is_possible(testing::ExampleJob(mmoe + " hidden { normalization: LAYER }", 2)));
  EXPECT_FALSE(is_possible(testing::ExampleJob(mmoe + " hidden { normalization: BATCH }", 2)));
  EXPECT_FALSE(is_possible(testing::ExampleJob(mmoe + " gates { l1: 0.1 }", 2)));
  Job job = testing::ExampleJob(mmoe, 2);
  job.mutable_task(1)->mutable_pairwise();
  EXPECT_FALSE(is_possible(job));
  for (const Job& balanced : testing::JobOfEveryBalance()) EXPECT_FALSE(is_possible(balanced));
}

}  // namespace
}  // namespace zhiyin::worker::train
