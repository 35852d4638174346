// What is two_tower's own: the softmax over the items of a slice.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "worker/model/dense_weights.h"
#include "worker/model/input_layout.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model {
namespace {

constexpr int kPairs = 7;
constexpr float kFactor = 0.25f;

/// Numeric user_age, in neither tower, is the log share of the item.
Job InBatchJob(const std::string& in_batch) {
  Job job = testing::ExampleJob(
      R"(two_tower { user { field: "user_group" field: "user_region" numeric: "user_age" hidden: 5 }
                     item { field: "item_genre" field: "item_tags" numeric: "item_quality" hidden: 5 } dim: 4 temperature: 0.5 })",
      3);
  job.mutable_numeric(0)->set_standardise(false);
  job.mutable_model()->mutable_two_tower()->mutable_user()->clear_numeric();
  job.mutable_model()->mutable_two_tower()->mutable_in_batch()->set_weight(1);
  if (!in_batch.empty())
    job.mutable_model()->mutable_two_tower()->mutable_in_batch()->set_log_share(in_batch);
  return job;
}

/// Rows 0, 3 and 6 are of one item, 1 and 4 of another, 2 and 5 of a third.
Matrix Inputs(const InputLayout& layout) {
  Random random(5);
  Matrix x(kPairs, layout.dim);
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
  const int item = layout.FieldNamed("item_genre").begin;
  for (int i = 3; i < kPairs; ++i) {
    x.row(i).segment(item, 6) = x.row(i - 3).segment(item, 6);
    x(i, layout.numerics[1].begin) = x(i - 3, layout.numerics[1].begin);
  }
  for (int i = 0; i < kPairs; ++i)
    x(i, layout.numerics[0].begin) =
        std::log(std::vector<float>{0.5f, 0.3f, 0.2f}[static_cast<size_t>(i % 3)]);
  return x;
}

class InBatch : public ::testing::TestWithParam<const char*> {};

TEST_P(InBatch, IsWhatItsEquationSaysAndHasItsDerivative) {
  const Job job = InBatchJob(GetParam());
  const InputLayout layout = InputLayout::Of(job);
  const std::unique_ptr<Model> model = MakeModel(job);
  DenseWeights dense(model->n_weights());
  model->InitWeights(Random(3), dense.weights());
  Matrix x = Inputs(layout);
  const std::vector<float> labels(kPairs * 2, 1.0f);
  Matrix outputs;
  const nn::Pass pass = {true, 1};
  const auto loss = [&](const Matrix& at) {
    model->Forward(dense.weights(), ConstMatrixView(at.data(), at.rows(), at.cols()), pass,
                   &outputs);
    std::vector<double> sums(2);
    Matrix ignored = Matrix::Zero(kPairs, 2);
    model->AddAuxiliaryLoss(outputs, labels, kFactor, sums, &ignored);
    EXPECT_TRUE(ignored.isZero(0));
    return sums[0];
  };

  const double found = loss(x);
  const TowerVectors vectors = model->vectors().value();
  double expected = 0;
  for (int i = 0; i < kPairs; ++i) {
    const auto score = [&](int c) {
      return static_cast<double>(vectors.user.row(i).dot(vectors.item.row(c))) /
             vectors.temperature;
    };
    double sum = std::exp(score(i % 3));
    for (int c = 0; c < 3; ++c) {
      if (c == i % 3) continue;
      const double count = c == 0 ? 3 : 2;
      const double share = std::vector<double>{0.5, 0.3, 0.2}[static_cast<size_t>(c)];
      sum += (GetParam()[0] == 0 ? count : count / (kPairs * share)) * std::exp(score(c));
    }
    expected += std::log(sum) - score(i % 3);
  }
  EXPECT_NEAR(found, expected, 1e-4);

  Matrix dx;
  model->Backward(dense.weights(), ConstMatrixView(x.data(), x.rows(), x.cols()),
                  Matrix::Zero(kPairs, 2), dense.gradients(), &dx);
  // Rows of the same item move together: the first of them has the gradient of all.
  const int user = layout.FieldNamed("user_region").begin;
  const int item = layout.FieldNamed("item_genre").begin;
  for (const int column : {user, user + 2, item, item + 4}) {
    for (int i = 0; i < 3; ++i) {
      const float step = 1e-2f;
      Matrix above = x, below = x;
      const bool of_item = column >= item;
      for (int j = i; j < kPairs; j += of_item ? 3 : kPairs) {
        above(j, column) += step;
        below(j, column) -= step;
      }
      EXPECT_NEAR(dx(i, column), kFactor * (loss(above) - loss(below)) / (2 * step), 2e-3)
          << i << ", column " << column;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutShares, InBatch, ::testing::Values("", "user_age"));

TEST(TwoTower, RowsWithoutTheLabelAreNotSoughtAndAForwardForgetsTheLoss) {
  Job job = InBatchJob("");
  job.mutable_model()->mutable_two_tower()->mutable_in_batch()->set_task("first_group");
  const std::unique_ptr<Model> model = MakeModel(job);
  DenseWeights dense(model->n_weights());
  model->InitWeights(Random(3), dense.weights());
  const Matrix x = Inputs(InputLayout::Of(job));
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  Matrix outputs, dx, doutputs = Matrix::Zero(kPairs, 2);
  model->Forward(dense.weights(), view, {true, 1}, &outputs);
  std::vector<double> sums(2);
  std::vector<float> labels(kPairs * 2, 0.0f);
  labels[2 * 2 + 1] = 1;
  model->AddAuxiliaryLoss(outputs, labels, 1, sums, &doutputs);
  EXPECT_EQ(sums[0], 0);
  EXPECT_GT(sums[1], 0);
  model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
  const int user = InputLayout::Of(job).FieldNamed("user_group").begin;
  EXPECT_TRUE(dx.block(0, user, 2, 3).isZero(0));
  EXPECT_FALSE(dx.block(2, user, 1, 3).isZero(0));
  model->Forward(dense.weights(), view, {true, 1}, &outputs);
  model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
  EXPECT_TRUE(dx.isZero(0));
}

}  // namespace
}  // namespace zhiyin::worker::model
