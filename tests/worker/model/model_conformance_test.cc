// What must hold for every model there is. A new alternative of Model.kind is tested by itself.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/example_jobs.h"
#include "tests/support/finite_difference.h"
#include "worker/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::worker {
namespace {

using testing::GradientError;
using testing::JobOfEveryModel;
using testing::ModelName;

Matrix RandomMatrix(Eigen::Index n, Eigen::Index dim, uint64_t seed) {
  Random random(seed);
  Matrix matrix(n, dim);
  for (Eigen::Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<float>(random.Normal());
  return matrix;
}

const Pass kPass = {true, 5};

ConstMatrixView View(const Matrix& matrix) {
  return {matrix.data(), matrix.rows(), matrix.cols()};
}

class EveryModel : public ::testing::TestWithParam<Job> {
 protected:
  EveryModel() : model_(MakeModel(GetParam())), dense_(model_->n_weights()) {
    model_->InitWeights(Random(3), dense_.weights());
    // Zero biases and zero linear weights would hide mistakes in their gradients.
    Random random(4);
    for (float& w : dense_.weights()) w += static_cast<float>(0.1 * random.Normal());
  }
  int input_dim() const { return InputLayout::Of(GetParam()).dim; }
  int n_tasks() const { return GetParam().task_size(); }

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

TEST_P(EveryModel, GradientsAreDerivatives) {
  const Matrix x = RandomMatrix(6, input_dim(), 1);
  const Matrix direction = RandomMatrix(6, n_tasks(), 2);
  const Pass pass = BothWays(model_.get(), x, direction);
  Matrix outputs;
  const auto objective = [&] { return outputs.cast<double>().cwiseProduct(direction.cast<double>()).sum(); };

  const double weight_error = GradientError(
      [&](std::span<const float> weights) {
        model_->Forward(weights, View(x), kPass, &outputs);
        return objective();
      },
      dense_.weights(), pass.dweights);
  EXPECT_LT(weight_error, 1e-3) << "d loss / d weights";

  const double input_error = GradientError(
      [&](std::span<const float> values) {
        model_->Forward(dense_.weights(), ConstMatrixView(values.data(), x.rows(), x.cols()), kPass, &outputs);
        return objective();
      },
      {x.data(), static_cast<size_t>(x.size())}, {pass.dx.data(), static_cast<size_t>(pass.dx.size())});
  EXPECT_LT(input_error, 1e-3) << "d loss / d x";
}

TEST_P(EveryModel, TheCheckFindsAWrongGradient) {
  const Matrix x = RandomMatrix(6, input_dim(), 1);
  const Matrix direction = RandomMatrix(6, n_tasks(), 2);
  Pass pass = BothWays(model_.get(), x, direction);
  pass.dx(2, 1) *= 1.5f;
  pass.dx(2, 1) += 0.1f;
  Matrix outputs;
  EXPECT_GT(
      GradientError(
          [&](std::span<const float> values) {
            model_->Forward(dense_.weights(), ConstMatrixView(values.data(), x.rows(), x.cols()), kPass, &outputs);
            return outputs.cast<double>().cwiseProduct(direction.cast<double>()).sum();
          },
          {x.data(), static_cast<size_t>(x.size())}, {pass.dx.data(), static_cast<size_t>(pass.dx.size())}),
      1e-2);
}

TEST_P(EveryModel, GradientsOfWeightsAddUp) {
  const Matrix x = RandomMatrix(5, input_dim(), 1);
  const Matrix doutputs = RandomMatrix(5, n_tasks(), 2);
  const Pass once = BothWays(model_.get(), x, doutputs);
  Pass fresh = BothWays(model_.get(), x, doutputs);
  model_->Forward(dense_.weights(), View(x), kPass, &fresh.outputs);
  model_->Backward(dense_.weights(), View(x), doutputs, fresh.dweights, &fresh.dx);
  for (size_t i = 0; i < once.dweights.size(); ++i) {
    ASSERT_NEAR(fresh.dweights[i], 2 * once.dweights[i], 1e-5 + 1e-4 * std::abs(once.dweights[i])) << i;
  }
}

TEST_P(EveryModel, ForgetsTheBatchBefore) {
  const std::unique_ptr<Model> used = MakeModel(GetParam());
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
    const Pass pass = BothWays(model_.get(), RandomMatrix(n, input_dim(), 1), RandomMatrix(n, n_tasks(), 2));
    EXPECT_EQ(pass.outputs.rows(), n);
    EXPECT_EQ(pass.outputs.cols(), n_tasks());
    EXPECT_EQ(pass.dx.rows(), n);
    EXPECT_EQ(pass.dx.cols(), input_dim());
    EXPECT_TRUE(pass.outputs.allFinite());
  }
}

TEST_P(EveryModel, ARowDoesNotDependOnItsCompany) {
  const Matrix x = RandomMatrix(9, input_dim(), 1);
  const Pass together = BothWays(model_.get(), x, RandomMatrix(9, n_tasks(), 2));
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const Matrix row = x.row(i);
    const Pass alone = BothWays(model_.get(), row, RandomMatrix(1, n_tasks(), 2));
    EXPECT_LT((alone.outputs - together.outputs.row(i)).cwiseAbs().maxCoeff(), 1e-5);
  }
}

TEST_P(EveryModel, FirstWeightsDependOnTheSeedAlone) {
  std::vector<float> first(dense_.weights().size());
  std::vector<float> second(first.size(), 1.0f);
  model_->InitWeights(Random(11), first);
  MakeModel(GetParam())->InitWeights(Random(11), second);
  EXPECT_EQ(first, second);
}

INSTANTIATE_TEST_SUITE_P(All, EveryModel, ::testing::ValuesIn(JobOfEveryModel()),
                         [](const auto& test) { return ModelName(test.param); });

}  // namespace
}  // namespace zhiyin::worker
