// What must hold for every model there is. A new alternative of Model.kind is tested by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <string>

#include "common/error.h"
#include "launch/job/load_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/finite_difference.h"
#include "tests/support/graph_runner.h"
#include "tests/support/refused_jobs.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"
#include "worker/model/network/networks.h"

namespace zhiyin::worker::model {
namespace {

using testing::CurvedGradientError;
using testing::ExampleOfEveryModel;
using testing::GradientError;
using testing::ModelName;
using testing::NetworkExample;

Matrix RandomMatrix(Eigen::Index n, Eigen::Index dim, uint64_t seed) {
  Random random(seed);
  Matrix matrix(n, dim);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(random.Normal());
  return matrix;
}

const nn::Pass kPass = {true, 5};

ConstMatrixView View(const Matrix& matrix) {
  return {matrix.data(), matrix.rows(), matrix.cols()};
}

class EveryModel : public ::testing::TestWithParam<NetworkExample> {
 protected:
  EveryModel() : model_(MakeModel(job())), dense_(model_->n_weights()) {
    model_->InitWeights(Random(3), dense_.weights());
    // Zero biases and zero linear weights would hide mistakes in their gradients.
    Random random(4);
    for (float& w : dense_.weights()) w += static_cast<float>(0.1 * random.Normal());
  }
  const Job& job() const { return GetParam().job; }
  int input_dim() const { return InputLayout::Of(job()).dim; }
  int n_tasks() const { return job().task_size(); }

  struct Pass {
    Matrix outputs;
    std::vector<float, Eigen::aligned_allocator<float>> dweights;
    Matrix dx;
  };
  Pass BothWays(Model* model, const Matrix& x, const Matrix& doutputs) {
    Pass pass;
    pass.dweights.resize(static_cast<size_t>(model->n_weights()));
    model->Forward(dense_.weights(), View(x), kPass, &pass.outputs);
    model->Backward(dense_.weights(), View(x), doutputs, pass.dweights, &pass.dx);
    return pass;
  }

  std::unique_ptr<Model> model_;
  DenseWeights dense_;
};

/// Divided by a length or a deviation of few numbers, everything is a curved function.
bool IsCurved(const NetworkExample& example) {
  return example.is_curved || example.job.model().hidden().normalization() != Hidden::NONE;
}

/// What dropout scales up has kinks too slight to be left out, which the differences see: a
/// derivative that is wrong is far off.
double Tolerance(const Job& job) {
  return job.model().has_hidden() ? 3e-3 : 1e-3;
}

/// GradientError, or that of the coordinates that are not exactly 0 in df.
double ErrorOf(bool all, bool curved, const std::function<double(std::span<const float>)>& f,
               std::span<const float> x, std::span<const float> df) {
  if (all) return curved ? CurvedGradientError(f, x, df) : GradientError(f, x, df);
  std::vector<size_t> at;
  for (size_t i = 0; i < df.size(); ++i) {
    if (df[i] != 0) at.push_back(i);
  }
  std::vector<float> some_x, some_df;
  for (const size_t i : at) {
    some_x.push_back(x[i]);
    some_df.push_back(df[i]);
  }
  std::vector<float, Eigen::aligned_allocator<float>> moved(x.begin(), x.end());
  return GradientError(
      [&](std::span<const float> some) {
        for (size_t i = 0; i < at.size(); ++i) moved[at[i]] = some[i];
        return f(moved);
      },
      some_x, some_df);
}

TEST_P(EveryModel, GradientsAreDerivatives) {
  const Matrix x = RandomMatrix(6, input_dim(), 1);
  std::vector<Matrix> directions = {RandomMatrix(6, n_tasks(), 2)};
  // Where a gradient is 0 although the loss depends on the weight, derivatives are compared where
  // the gradient of one task is not 0, but not by numerics, which all experts read. What is kept
  // from what is in the network's own test.
  const bool all = !GetParam().stops_gradients;
  if (!all) {
    directions.resize(static_cast<size_t>(n_tasks()), directions[0]);
    for (int t = 0; t < n_tasks(); ++t) {
      for (int other = 0; other < n_tasks(); ++other) {
        if (other != t) directions[static_cast<size_t>(t)].col(other).setZero();
      }
    }
  }
  for (const Matrix& direction : directions) {
    const Pass pass = BothWays(model_.get(), x, direction);
    Matrix outputs;
    const auto objective = [&] {
      return outputs.cast<double>().cwiseProduct(direction.cast<double>()).sum();
    };

    const double weight_error = ErrorOf(
        all, IsCurved(GetParam()),
        [&](std::span<const float> weights) {
          model_->Forward(weights, View(x), kPass, &outputs);
          return objective();
        },
        dense_.weights(), pass.dweights);
    EXPECT_LT(weight_error, Tolerance(job())) << "d loss / d weights";

    Matrix dx = pass.dx;
    const auto n_numerics = static_cast<Eigen::Index>(InputLayout::Of(job()).numerics.size());
    if (!all) dx.rightCols(n_numerics).setZero();
    const double input_error = ErrorOf(
        all, IsCurved(GetParam()),
        [&](std::span<const float> values) {
          model_->Forward(dense_.weights(), ConstMatrixView(values.data(), x.rows(), x.cols()),
                          kPass, &outputs);
          return objective();
        },
        {x.data(), static_cast<size_t>(x.size())}, {dx.data(), static_cast<size_t>(dx.size())});
    EXPECT_LT(input_error, Tolerance(job())) << "d loss / d x";
  }
}

TEST_P(EveryModel, ALossOfItsOwnHasItsDerivative) {
  Matrix outputs = RandomMatrix(8, n_tasks(), 12);
  std::vector<double> labels(static_cast<size_t>(outputs.size()));
  for (size_t i = 0; i < labels.size(); ++i)
    labels[i] = i % 3 == 0 ? std::nanf("") : static_cast<float>(i % 2);
  constexpr float kFactor = 0.25f;
  Matrix before = RandomMatrix(8, n_tasks(), 13);
  Matrix doutputs = before;
  std::vector<double> sums(static_cast<size_t>(n_tasks()), 7);
  model_->AddAuxiliaryLoss(outputs, labels, {}, kFactor, sums, &doutputs);
  const Matrix added = doutputs - before;
  const auto objective = [&](std::span<const float> values) {
    const Matrix moved = ConstMatrixView(values.data(), outputs.rows(), outputs.cols());
    Matrix ignored = before;
    std::vector<double> parts(sums.size());
    model_->AddAuxiliaryLoss(moved, labels, {}, kFactor, parts, &ignored);
    return kFactor * std::accumulate(parts.begin(), parts.end(), 0.0);
  };
  const std::span<const float> values(outputs.data(), static_cast<size_t>(outputs.size()));
  EXPECT_NEAR(kFactor * (std::accumulate(sums.begin(), sums.end(), 0.0) - 7 * n_tasks()),
              objective(values), 1e-6)
      << "sums are added to";
  if (added.isZero(0)) {
    EXPECT_EQ(objective(values), 0);
    return;
  }
  EXPECT_LT(GradientError(objective, values, {added.data(), static_cast<size_t>(added.size())}),
            1e-3);
}

TEST_P(EveryModel, StandsOnInteractionsAndReaders) {
  Job job = GetParam().job;
  if (GetParam().reads_fields) {
    job.mutable_model()->add_interaction()->mutable_inputs();
    EXPECT_THAT(testing::LineOfJob(launch::job::JobToText(job)),
                ::testing::HasSubstr("model.interaction[0]: means nothing to "));
    return;
  }
  if (job.model().has_hidden())
    return;  // with more kinks, or curved: the same network stands there without
  // Straight ones, so that the network's kinks stay as far apart as without them.
  job.mutable_model()->add_interaction()->mutable_inputs();
  job.mutable_model()->add_interaction()->mutable_inputs();
  job.mutable_field(3)->set_sequence_length(2);
  job.mutable_model()->add_sequence()->set_field("item_tags");
  job.mutable_model()->mutable_sequence(0)->mutable_pool();
  const std::unique_ptr<Model> model = MakeModel(job);
  DenseWeights dense(model->n_weights());
  model->InitWeights(Random(3), dense.weights());
  Matrix x = RandomMatrix(6, InputLayout::Of(job).dim, 1);
  x.col(InputLayout::Of(job).fields[3].count_column()).setConstant(2);
  const Matrix doutputs = RandomMatrix(6, n_tasks(), 2);
  Matrix outputs, dx;
  const auto forward = [&](const float* values) {
    model->Forward(dense.weights(), ConstMatrixView(values, x.rows(), x.cols()), kPass, &outputs);
    return outputs.cast<double>().cwiseProduct(doutputs.cast<double>()).sum();
  };
  forward(x.data());
  model->Backward(dense.weights(), View(x), doutputs, dense.gradients(), &dx);
  EXPECT_LT(GradientError([&](std::span<const float> values) { return forward(values.data()); },
                          {x.data(), static_cast<size_t>(x.size())},
                          {dx.data(), static_cast<size_t>(dx.size())}),
            2e-3);
  Matrix own = doutputs, own_of_network = doutputs;
  std::vector<double> sums(static_cast<size_t>(n_tasks())), sums_of_network = sums;
  const std::vector<double> labels(static_cast<size_t>(outputs.size()), 1.0f);
  model->AddAuxiliaryLoss(outputs, labels, {}, 1, sums, &own);
  model_->AddAuxiliaryLoss(outputs, labels, {}, 1, sums_of_network, &own_of_network);
  EXPECT_EQ(sums, sums_of_network);
  EXPECT_EQ(own, own_of_network);
}

TEST_P(EveryModel, RefusesWhatIsForHiddenLayersWhereItHasNone) {
  if (ChosenNetwork(job())->has_hidden_layers) return;
  Job with_hidden = job();
  with_hidden.mutable_model()->mutable_hidden()->set_dropout(0.1);
  EXPECT_THAT(testing::LineOfJob(launch::job::JobToText(with_hidden)),
              ::testing::HasSubstr("model.hidden: the model has no hidden layers, expected none"));
}

TEST_P(EveryModel, TheCheckFindsAWrongGradient) {
  const Matrix x = RandomMatrix(6, input_dim(), 1);
  const Matrix direction = RandomMatrix(6, n_tasks(), 2);
  Pass pass = BothWays(model_.get(), x, direction);
  pass.dx(2, 1) *= 1.5f;
  pass.dx(2, 1) += 0.1f;
  Matrix outputs;
  EXPECT_GT(GradientError(
                [&](std::span<const float> values) {
                  model_->Forward(dense_.weights(),
                                  ConstMatrixView(values.data(), x.rows(), x.cols()), kPass,
                                  &outputs);
                  return outputs.cast<double>().cwiseProduct(direction.cast<double>()).sum();
                },
                {x.data(), static_cast<size_t>(x.size())},
                {pass.dx.data(), static_cast<size_t>(pass.dx.size())}),
            1e-2);
}

/// Whoever looks at a gradient may compute it before the one that counts.
TEST_P(EveryModel, BackwardIsRepeatable) {
  const Matrix x = RandomMatrix(5, input_dim(), 1);
  const Matrix doutputs = RandomMatrix(5, n_tasks(), 2);
  const Pass once = BothWays(model_.get(), x, doutputs);
  Pass again = BothWays(model_.get(), x, RandomMatrix(5, n_tasks(), 3));
  std::ranges::fill(again.dweights, 0.0f);
  model_->Backward(dense_.weights(), View(x), doutputs, again.dweights, &again.dx);
  EXPECT_EQ(again.dweights, once.dweights);
  EXPECT_EQ(again.dx, once.dx);
}

TEST_P(EveryModel, GradientsOfWeightsAddUp) {
  const Matrix x = RandomMatrix(5, input_dim(), 1);
  const Matrix doutputs = RandomMatrix(5, n_tasks(), 2);
  const Pass once = BothWays(model_.get(), x, doutputs);
  Pass fresh = BothWays(model_.get(), x, doutputs);
  model_->Forward(dense_.weights(), View(x), kPass, &fresh.outputs);
  model_->Backward(dense_.weights(), View(x), doutputs, fresh.dweights, &fresh.dx);
  for (size_t i = 0; i < once.dweights.size(); ++i) {
    ASSERT_NEAR(fresh.dweights[i], 2 * once.dweights[i], 1e-5 + 1e-4 * std::abs(once.dweights[i]))
        << i;
  }
}

TEST_P(EveryModel, GoesBackMoreThanOnceAndIsLinearInTheLoss) {
  const Matrix x = RandomMatrix(5, input_dim(), 1);
  const Matrix doutputs = RandomMatrix(5, n_tasks(), 2);
  const Pass whole = BothWays(model_.get(), x, doutputs);
  Pass parts;
  parts.dweights.resize(whole.dweights.size());
  Matrix sum = Matrix::Zero(x.rows(), x.cols());
  for (int t = 0; t < n_tasks(); ++t) {
    Matrix of_task = Matrix::Zero(5, n_tasks());
    of_task.col(t) = doutputs.col(t);
    model_->Backward(dense_.weights(), View(x), of_task, parts.dweights, &parts.dx);
    sum += parts.dx;
  }
  EXPECT_LT((sum - whole.dx).cwiseAbs().maxCoeff(), 1e-4);
  for (size_t i = 0; i < whole.dweights.size(); ++i)
    ASSERT_NEAR(parts.dweights[i], whole.dweights[i], 1e-4 + 1e-4 * std::abs(whole.dweights[i]))
        << i;
}

TEST_P(EveryModel, ForgetsTheBatchBefore) {
  const std::unique_ptr<Model> used = MakeModel(job());
  BothWays(used.get(), RandomMatrix(40, input_dim(), 7), RandomMatrix(40, n_tasks(), 8));
  BothWays(used.get(), RandomMatrix(1, input_dim(), 9), RandomMatrix(1, n_tasks(), 10));
  const Matrix x = RandomMatrix(17, input_dim(), 1);
  const Matrix doutputs = RandomMatrix(17, n_tasks(), 2);
  const Pass fresh = BothWays(model_.get(), x, doutputs);
  const Pass again = BothWays(used.get(), x, doutputs);
  EXPECT_EQ(fresh.outputs, again.outputs);
  EXPECT_EQ(fresh.dx, again.dx);
  EXPECT_EQ(fresh.dweights, again.dweights);
}

TEST_P(EveryModel, HasAShapeForEveryBatch) {
  for (int n : {0, 1, 3, 64}) {
    const Pass pass =
        BothWays(model_.get(), RandomMatrix(n, input_dim(), 1), RandomMatrix(n, n_tasks(), 2));
    EXPECT_EQ(pass.outputs.rows(), n);
    EXPECT_EQ(pass.outputs.cols(), n_tasks());
    EXPECT_EQ(pass.dx.rows(), n);
    EXPECT_EQ(pass.dx.cols(), input_dim());
    EXPECT_TRUE(pass.outputs.allFinite());
  }
}

TEST_P(EveryModel, ARowDoesNotDependOnItsCompany) {
  const Matrix x = RandomMatrix(9, input_dim(), 1);
  Matrix together, alone;
  model_->Forward(dense_.weights(), View(x), {}, &together);
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const Matrix row = x.row(i);
    model_->Forward(dense_.weights(), View(row), {}, &alone);
    EXPECT_LT((alone - together.row(i)).cwiseAbs().maxCoeff(), 1e-5);
  }
}

TEST_P(EveryModel, FirstWeightsDependOnTheSeedAlone) {
  std::vector<float> first(dense_.weights().size());
  std::vector<float> second(first.size(), 1.0f);
  model_->InitWeights(Random(11), first);
  MakeModel(job())->InitWeights(Random(11), second);
  EXPECT_EQ(first, second);
}

TEST_P(EveryModel, OutputsStartWhereTheyAreTold) {
  std::vector<double> outputs;
  for (int t = 0; t < n_tasks(); ++t) outputs.push_back(1.5 - t);
  // Outputs that are functions of several logits cannot have all values.
  if (ChosenNetwork(job())->make_outputs == nullptr) {
    DenseWeights zeros(model_->n_weights());
    model_->InitOutputs(outputs, zeros.weights());
    const Matrix x = Matrix::Zero(2, input_dim());
    Matrix found;
    model_->Forward(zeros.weights(), View(x), {}, &found);
    for (int t = 0; t < n_tasks(); ++t) EXPECT_EQ(found(1, t), 1.5f - static_cast<float>(t));
  }
  const std::vector<float> before(dense_.weights().begin(), dense_.weights().end());
  model_->InitOutputs(outputs, dense_.weights());
  int n_changed = 0;
  for (size_t i = 0; i < before.size(); ++i) n_changed += dense_.weights()[i] != before[i];
  EXPECT_LE(n_changed, n_tasks());
}

TEST_P(EveryModel, AsAGraphOfStandardOperatorsItGivesTheSame) {
  nn::Graph graph;
  const nn::Graph::Value in = graph.AddInput({"x", false, input_dim()});
  std::vector<nn::Graph::Value> values;
  try {
    values = model_->AddTo(&graph, dense_.weights(), in);
  } catch (const Error&) {
    EXPECT_FALSE(ChosenNetwork(job())->has_graph);
    return;
  }
  EXPECT_TRUE(ChosenNetwork(job())->has_graph);
  ASSERT_EQ(values.size(), static_cast<size_t>(n_tasks()));
  for (int t = 0; t < n_tasks(); ++t)
    graph.AddOutput(values[static_cast<size_t>(t)], "task" + std::to_string(t));
  const Matrix x = RandomMatrix(17, input_dim(), 8);
  const auto outputs =
      testing::RunGraph(graph, {{"x", {{17, input_dim()}, {x.data(), x.data() + x.size()}}}});
  Matrix expected;
  model_->Forward(dense_.weights(), View(x), {}, &expected);
  for (int t = 0; t < n_tasks(); ++t) {
    const testing::Tensor& output = outputs.at("task" + std::to_string(t));
    ASSERT_EQ(output.shape, (std::vector<int64_t>{17, 1}));
    for (Eigen::Index i = 0; i < 17; ++i)
      EXPECT_NEAR(output.values[static_cast<size_t>(i)], expected(i, t),
                  1e-5 * (1 + std::abs(expected(i, t))));
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModel, ::testing::ValuesIn(ExampleOfEveryModel()),
                         [](const auto& test) {
                           return ModelName(test.param.job) + std::to_string(test.index);
                         });

}  // namespace
}  // namespace zhiyin::worker::model
