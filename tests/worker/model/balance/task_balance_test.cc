// The gradients of a slice whose tasks are balanced, against differences of the tasks' objectives.
#include "worker/model/balance/task_balance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>

#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "tests/support/finite_difference.h"

namespace zhiyin::worker::model::balance {
namespace {

constexpr int64_t kRows = 12;
constexpr int64_t kStepRows = 48;

/// A slice of examples drawn at random: every example has one value in each field. The gradients
/// are computed as the trainer does.
class Bench {
 public:
  explicit Bench(const Job& job)
      : job_(job),
        model_(MakeModel(job)),
        heads_(job),
        input_(job, InputLayout::Of(job)),
        balance_(job, model_.get()),
        dense_(TaskBalance::NumWeights(job, *model_)),
        n_tasks_(static_cast<size_t>(job.task_size())) {
    Random random(11);
    data::Examples rows(job.field_size(), job.numeric_size(), job.task_size());
    for (int64_t i = 0; i < kRows; ++i) {
      ++rows.n;
      for (int f = 0; f < job.field_size(); ++f) {
        rows.keys.push_back(random.Below(5));
        rows.key_begin.push_back(static_cast<uint32_t>(rows.keys.size()));
      }
      for (int j = 0; j < job.numeric_size(); ++j)
        rows.numerics.push_back(static_cast<float>(random.Normal()));
      for (const Task& task : job.task()) {
        const bool is_number = task.has_squared_error();
        rows.labels.push_back(is_number    ? static_cast<float>(random.Normal())
                              : i % 4 == 0 ? kMissing
                                           : static_cast<float>(i % 2));
      }
    }
    heads_.TakeTargets(rows, &targets_);
    input_.Prepare(rows);
    for (int t = 0; t < input_.n_tables(); ++t) {
      for (size_t i = 0; i < n_values(t); ++i)
        input_.weights(t)[i] = static_cast<float>(random.Normal());
    }
    model_->InitWeights(Random(3),
                        dense_.weights().first(static_cast<size_t>(model_->n_weights())));
    for (float& weight : dense_.weights()) weight += static_cast<float>(0.1 * random.Normal());
    for (std::vector<double> losses : {std::vector{0.8, 0.9}, std::vector{0.7, 0.5}}) {
      losses.resize(n_tasks_, 0.6);
      balance_.AddEpoch(losses);
    }
  }

  size_t n_values(int table) const {
    return input_.keys(table).size() * static_cast<size_t>(job_.table(table).dim());
  }

  /// [T]: the objectives' parts of this slice.
  std::vector<double> Forward() {
    input_.Pool(&x_);
    model_->Forward(dense_.weights(), View(), {true, 1}, &outputs_);
    std::vector<double> objectives(n_tasks_);
    heads_.Derivatives(outputs_, targets_, kStepRows, &doutputs_, objectives);
    return objectives;
  }
  void Backward() {
    const std::vector<double> objectives = Forward();
    std::vector<float> predictions(static_cast<size_t>(kRows) * n_tasks_);
    std::vector<TaskSums> sums(n_tasks_);
    heads_.Predictions(outputs_, predictions);
    heads_.Sums(outputs_, predictions, targets_, sums);
    std::ranges::fill(dense_.gradient_rows(), 0.0f);
    const bool adds_gradients = balance_.Apply(
        {View(), &doutputs_, objectives, sums, kRows, kStepRows, /*step=*/5, /*seed=*/9}, &dense_,
        &input_);
    std::vector<double> own(n_tasks_);
    model_->AddAuxiliaryLoss(outputs_, targets_.labels, targets_.items, 1.0f / kStepRows, own,
                             &doutputs_);
    const auto n_weights = static_cast<size_t>(model_->n_weights());
    model_->Backward(dense_.weights().first(n_weights), View(), doutputs_,
                     dense_.gradients().first(n_weights), &dx_);
    input_.Scatter(dx_);
    if (adds_gradients) balance_.AddGradients(&dense_, &input_);
  }
  /// The gradients of the model's weights and of all embedding rows.
  Eigen::VectorXd Gradients() {
    Backward();
    std::vector<double> all(dense_.gradients().begin(),
                            dense_.gradients().begin() + model_->n_weights());
    for (int t = 0; t < input_.n_tables(); ++t)
      all.insert(all.end(), input_.gradients(t), input_.gradients(t) + n_values(t));
    return Eigen::Map<Eigen::VectorXd>(all.data(), static_cast<Eigen::Index>(all.size()));
  }
  /// The gradients of the weights of the method.
  std::vector<float> OwnGradients() {
    return {dense_.gradients().begin() + model_->n_weights(), dense_.gradients().end()};
  }
  ConstMatrixView View() const { return {x_.data(), x_.rows(), x_.cols()}; }

  Job job_;
  std::unique_ptr<Model> model_;
  TaskHeads heads_;
  EmbeddingInput input_;
  TaskBalance balance_;
  DenseWeights dense_;
  size_t n_tasks_;
  Targets targets_;
  Matrix x_, outputs_, doutputs_, dx_;
};

class EveryBalance : public ::testing::TestWithParam<Job> {};

/// What the method makes of two gradients, looked at from outside: with respect to what tasks
/// share, the gradient is that of a sum of the objectives with one factor each, and so it is with
/// respect to what is their own.
TEST_P(EveryBalance, GradientsAreThoseOfWeighedObjectives) {
  Bench bench(GetParam());
  bench.Backward();
  const Eigen::Index n_weights = bench.model_->n_weights();
  const SharedParameters shared = FindSharedParameters(GetParam(), bench.model_.get());
  const std::vector<float> gradient(bench.dense_.gradients().begin(),
                                    bench.dense_.gradients().end());
  // The factors, by the objectives' own gradients: the same job without a method, and one task's
  // weight at a time.
  std::vector<std::vector<float>> of_task;
  for (int t = 0; t < 2; ++t) {
    Job plain = GetParam();
    plain.mutable_train()->clear_balance();
    plain.mutable_task(1 - t)->set_weight(0);
    Bench other(plain);
    std::ranges::copy(bench.dense_.weights().first(static_cast<size_t>(n_weights)),
                      other.dense_.weights().begin());
    other.Backward();
    of_task.emplace_back(other.dense_.gradients().begin(), other.dense_.gradients().end());
  }
  for (const bool of_shared : {true, false}) {
    Eigen::MatrixXd a(n_weights, 2);
    Eigen::VectorXd b(n_weights);
    for (Eigen::Index i = 0; i < n_weights; ++i) {
      const bool counts = (shared.weights[i] != 0) == of_shared;
      a(i, 0) = counts ? of_task[0][static_cast<size_t>(i)] : 0;
      a(i, 1) = counts ? of_task[1][static_cast<size_t>(i)] : 0;
      b[i] = counts ? gradient[static_cast<size_t>(i)] : 0;
    }
    const Eigen::Vector2d factors = (a.transpose() * a).inverse() * (a.transpose() * b);
    EXPECT_LT((a * factors - b).norm(), 1e-4 * b.norm());
    // And by differences of the objectives.
    std::vector<float> some(bench.dense_.weights().begin(), bench.dense_.weights().end());
    std::vector<float> df(some.size());
    for (Eigen::Index i = 0; i < n_weights; ++i)
      df[static_cast<size_t>(i)] = static_cast<float>(b[i]);
    std::vector<size_t> at;
    std::vector<float> at_x, at_df;
    for (size_t i = 0; i < df.size(); ++i) {
      if (df[i] == 0) continue;
      at.push_back(i);
      at_x.push_back(some[i]);
      at_df.push_back(df[i]);
    }
    EXPECT_LT(testing::GradientError(
                  [&](std::span<const float> moved) {
                    for (size_t i = 0; i < at.size(); ++i) bench.dense_.weights()[at[i]] = moved[i];
                    const std::vector<double> objectives = bench.Forward();
                    return factors[0] * objectives[0] + factors[1] * objectives[1];
                  },
                  at_x, at_df),
              1e-3)
        << (of_shared ? "shared" : "own");
    std::ranges::copy(some, bench.dense_.weights().begin());
  }
}

TEST_P(EveryBalance, TellsOfItsFactors) {
  Bench bench(GetParam());
  bench.Backward();
  ASSERT_TRUE(bench.balance_.HasSums());
  const BalanceFigures figures = bench.balance_.sums().FiguresOf(0);
  EXPECT_TRUE(std::isfinite(figures.task_weight));
  EXPECT_EQ(figures.gradient_norm.has_value(), MakeBalancer(GetParam())->UsesGradients());
}

/// The job without its auxiliary loss.
Job WithoutAuxiliaryLoss(Job job) {
  zhiyin::Model* model = job.mutable_model();
  if (model->has_gates()) model->mutable_gates()->set_l1(0);
  if (model->has_two_tower()) model->mutable_two_tower()->clear_in_batch();
  if (model->has_aitm()) model->mutable_aitm()->set_calibration_weight(0);
  if (model->has_esmm()) model->mutable_esmm()->set_ipw_weight(0);
  return job;
}

/// Whatever the method makes of the tasks' gradients, that of the auxiliary loss is added once and
/// unchanged. It is not among what the method looks at.
TEST_P(EveryBalance, AuxiliaryLossesStandOutside) {
  for (Job with : testing::JobOfEveryAuxiliaryLoss()) {
    SCOPED_TRACE(testing::ModelName(with));
    Job without = WithoutAuxiliaryLoss(with);
    const Eigen::VectorXd auxiliary = Bench(with).Gradients() - Bench(without).Gradients();
    ASSERT_GT(auxiliary.norm(), 1e-3);
    for (Job* job : {&with, &without})
      *job->mutable_train()->mutable_balance() = GetParam().train().balance();
    Bench balanced(with), plain(without);
    const Eigen::VectorXd tasks = plain.Gradients();
    EXPECT_LT((balanced.Gradients() - tasks - auxiliary).norm(), 1e-5 * (1 + tasks.norm()));
    EXPECT_EQ(balanced.OwnGradients(), plain.OwnGradients());
    EXPECT_THAT(balanced.balance_.sums().numbers(),
                ::testing::ElementsAreArray(plain.balance_.sums().numbers()));
  }
}

/// A slice without a label of the second task: the first is trained as if it were alone.
TEST_P(EveryBalance, ASliceWithoutALabelOfATaskTrainsTheOther) {
  Bench bench(GetParam());
  for (size_t at = 1; at < bench.targets_.labels.size(); at += 2)
    bench.targets_.labels[at] = kMissing;
  const Eigen::VectorXd found = bench.Gradients();
  Job plain = GetParam();
  plain.mutable_train()->clear_balance();
  plain.mutable_task(1)->set_weight(0);
  Bench alone(plain);
  std::ranges::copy(bench.dense_.weights().first(static_cast<size_t>(bench.model_->n_weights())),
                    alone.dense_.weights().begin());
  const Eigen::VectorXd expected = alone.Gradients();
  EXPECT_GT(found.dot(expected), 0.1 * expected.squaredNorm());
  const double length = found.dot(expected) / expected.squaredNorm();
  if (!GetParam().train().balance().has_ca_grad()) {  // lengthens what is shared by 1 + c
    EXPECT_LT((found - length * expected).norm(), 1e-5 * expected.norm());
  }
  if (GetParam().train().balance().has_grad_norm()) {
    EXPECT_THAT(bench.OwnGradients(), ::testing::Each(0.0f));
  }
}

/// What the tasks' gradients are said to be does not depend on an auxiliary loss, and a task of
/// weight 0 has none.
TEST(TaskBalance, ATaskOfWeight0HasNoGradient) {
  for (Job with : testing::JobOfEveryAuxiliaryLoss()) {
    SCOPED_TRACE(testing::ModelName(with));
    Job without = WithoutAuxiliaryLoss(with);
    for (Job* job : {&with, &without}) {
      job->mutable_train()->set_task_gradients_every(5);
      job->mutable_task(1)->set_weight(0);
    }
    Bench bench(with);
    bench.Backward();
    const BalanceFigures figures = bench.balance_.sums().FiguresOf(1);
    EXPECT_EQ(figures.gradient_norm, 0);
    EXPECT_FALSE(figures.gradient_cosine[0].has_value());
    Bench plain(without);
    plain.Backward();
    EXPECT_GT(plain.balance_.sums().FiguresOf(0).gradient_norm, 0);
    EXPECT_EQ(bench.balance_.sums().FiguresOf(0).gradient_norm,
              plain.balance_.sums().FiguresOf(0).gradient_norm);
  }
}

/// An example that weighs 2 is two examples in both terms of the likelihood, so what is learned of
/// a variance does not depend on how examples were sampled.
TEST(TaskBalance, UncertaintyCountsExamplesByTheirWeights) {
  const Job job =
      testing::ExampleJob("shared_bottom { bottom: 4 }", 2, 0, false, "balance { uncertainty {} }");
  Bench once(job), twice(job);
  twice.targets_.weights.assign(twice.targets_.labels.size(), 2);
  once.Backward();
  twice.Backward();
  std::vector<float> expected = once.OwnGradients();
  for (float& gradient : expected) gradient *= 2;
  EXPECT_THAT(expected, ::testing::Contains(::testing::Ne(0.0f)));
  EXPECT_THAT(twice.OwnGradients(), ::testing::Pointwise(::testing::FloatEq(), expected));
}

TEST(TaskBalance, NormsAndCosinesAreThoseOfWhatTasksShare) {
  Job job = testing::ExampleJob("shared_bottom { bottom: 4 tower: 2 }", 2, 0, false,
                                "task_gradients_every: 5");
  Bench bench(job);
  bench.Backward();
  std::vector<std::vector<double>> shared;
  for (int t = 0; t < 2; ++t) {
    Job plain = job;
    plain.mutable_train()->set_task_gradients_every(0);
    plain.mutable_task(1 - t)->set_weight(0);
    Bench other(plain);
    other.Backward();
    // All weights but the towers', which come last: 4 -> 2 -> 1, twice. And all rows.
    const auto weights =
        other.dense_.gradients().first(static_cast<size_t>(other.model_->n_weights() - 2 * 13));
    std::vector<double>& all = shared.emplace_back(weights.begin(), weights.end());
    for (int table = 0; table < 2; ++table)
      all.insert(all.end(), other.input_.gradients(table),
                 other.input_.gradients(table) + other.n_values(table));
  }
  const auto size = static_cast<Eigen::Index>(shared[0].size());
  const Eigen::Map<Eigen::VectorXd> a(shared[0].data(), size), b(shared[1].data(), size);
  const BalanceFigures figures = bench.balance_.sums().FiguresOf(1);
  EXPECT_NEAR(figures.gradient_norm.value(), b.norm() * kStepRows / kRows, 1e-5);
  EXPECT_NEAR(figures.gradient_cosine[0].value(), a.dot(b) / (a.norm() * b.norm()), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Methods, EveryBalance, ::testing::ValuesIn(testing::JobOfEveryBalance()),
                         [](const auto& example) {
                           return "Example" + std::to_string(example.index);
                         });

}  // namespace
}  // namespace zhiyin::worker::model::balance
