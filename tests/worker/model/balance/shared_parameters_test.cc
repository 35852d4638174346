#include "worker/model/balance/shared_parameters.h"

#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "worker/model/dense_weights.h"
#include "worker/model/input_layout.h"

namespace zhiyin::worker::model::balance {
namespace {

using testing::ExampleJob;

SharedParameters Of(const Job& job) {
  return FindSharedParameters(job, MakeModel(job).get());
}

TEST(SharedParameters, OfASharedBottomAreAllButTheTowers) {
  const Job job = ExampleJob("shared_bottom { bottom: 5 tower: 3 tower: 2 }", 2);
  const SharedParameters shared = Of(job);
  // A tower: 5 -> 3 -> 2 -> 1 with biases.
  const int n_of_towers = 2 * ((5 * 3 + 3) + (3 * 2 + 2) + (2 * 1 + 1));
  EXPECT_EQ((shared.weights == 0).count(), n_of_towers);
  EXPECT_TRUE((shared.weights.tail(n_of_towers) == 0).all());
  for (const Eigen::ArrayXf& columns : shared.table_columns) EXPECT_TRUE((columns == 1).all());
}

TEST(SharedParameters, OfASequenceAreTheColumnsOfItsRows) {
  Job job =
      ExampleJob("sequence { field: \"item_tags\" pool {} } shared_bottom { bottom: 5 }", 2, 3);
  for (const Eigen::ArrayXf& columns : Of(job).table_columns) EXPECT_TRUE((columns == 1).all());
}

class EveryModelShares : public ::testing::TestWithParam<Job> {};

TEST_P(EveryModelShares, NothingThatItCallsATasksOwn) {
  const Job& job = GetParam();
  const std::unique_ptr<Model> model = MakeModel(job);
  const SharedParameters shared = FindSharedParameters(job, model.get());
  DenseWeights dense(model->n_weights());
  Random random(99);
  model->InitWeights(random, dense.weights());
  for (float& weight : dense.weights()) weight += static_cast<float>(0.3 * random.Normal());
  Matrix x(40, InputLayout::Of(job).dim), outputs, dx;
  for (float& value : x.reshaped()) value = static_cast<float>(random.Normal());
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  model->Forward(dense.weights(), view, {true, 7}, &outputs);
  std::vector<int> n_tasks_of(dense.weights().size());
  for (int task = 0; task < job.task_size(); ++task) {
    Matrix doutputs = Matrix::Zero(40, job.task_size());
    doutputs.col(task).setRandom();
    std::ranges::fill(dense.gradients(), 0.0f);
    model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
    for (size_t i = 0; i < n_tasks_of.size(); ++i) n_tasks_of[i] += dense.gradients()[i] != 0;
  }
  for (size_t i = 0; i < n_tasks_of.size(); ++i) {
    const bool is_shared = shared.weights[static_cast<Eigen::Index>(i)] != 0;
    EXPECT_LE(n_tasks_of[i], is_shared ? job.task_size() : 1) << "weight " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryModelShares, ::testing::ValuesIn(testing::JobOfEveryModel()),
                         [](const auto& example) {
                           return "Example" + std::to_string(example.index);
                         });

}  // namespace
}  // namespace zhiyin::worker::model::balance
