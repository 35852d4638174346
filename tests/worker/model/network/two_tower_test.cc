// What is two_tower's own: the softmax over the items of a slice.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "tests/support/refused_jobs.h"
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
const std::vector<Key> kItems = {70, 71, 72, 70, 71, 72, 70};

/// Rows of one item have equal inputs; if the inputs `vary`, row 3 has another number than rows 0
/// and 6, and row 4 has lost the field that row 1 has.
Matrix Inputs(const InputLayout& layout, bool vary) {
  Random random(5);
  Matrix x(kPairs, layout.dim);
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
  const int item = layout.FieldNamed("item_genre").begin;
  for (int i = 3; i < kPairs; ++i) {
    x.row(i).segment(item, 6) = x.row(i - 3).segment(item, 6);
    x(i, layout.numerics[1].begin) = x(i - 3, layout.numerics[1].begin);
  }
  if (vary) {
    x(3, layout.numerics[1].begin) += 0.3f;
    x.row(4).segment(item, 3).setZero();
  }
  for (int i = 0; i < kPairs; ++i)
    x(i, layout.numerics[0].begin) =
        std::log(std::vector<float>{0.5f, 0.3f, 0.2f}[static_cast<size_t>(i % 3)]);
  return x;
}

struct InBatchCase {
  const char* log_share;
  bool vary;
};

class InBatch : public ::testing::TestWithParam<InBatchCase> {};

TEST_P(InBatch, IsWhatItsEquationSaysAndHasItsDerivative) {
  const auto [log_share, vary] = GetParam();
  const Job job = InBatchJob(log_share);
  const InputLayout layout = InputLayout::Of(job);
  const std::unique_ptr<Model> model = MakeModel(job);
  DenseWeights dense(model->n_weights());
  model->InitWeights(Random(3), dense.weights());
  Matrix x = Inputs(layout, vary);
  const std::vector<double> labels(kPairs * 2, 1.0f);
  Matrix outputs;
  const nn::Pass pass = {true, 1};
  const auto loss = [&](const Matrix& at) {
    model->Forward(dense.weights(), ConstMatrixView(at.data(), at.rows(), at.cols()), pass,
                   &outputs);
    std::vector<double> sums(2);
    Matrix ignored = Matrix::Zero(kPairs, 2);
    model->AddAuxiliaryLoss(outputs, labels, kItems, kFactor, sums, &ignored);
    EXPECT_TRUE(ignored.isZero(0));
    return sums[0];
  };

  const double found = loss(x);
  const TowerVectors vectors = model->vectors().value();
  double expected = 0;
  for (int i = 0; i < kPairs; ++i) {
    const auto score = [&](int j) {
      return static_cast<double>(vectors.user.row(i).dot(vectors.item.row(j))) /
             vectors.temperature;
    };
    double sum = std::exp(score(i));
    for (int j = 0; j < kPairs; ++j) {
      if (j % 3 == i % 3) continue;  // of the same item
      const double share = std::vector<double>{0.5, 0.3, 0.2}[static_cast<size_t>(j % 3)];
      sum += (log_share[0] == 0 ? 1 : 1 / (kPairs * share)) * std::exp(score(j));
    }
    expected += std::log(sum) - score(i);
  }
  EXPECT_NEAR(found, expected, 1e-4);

  Matrix dx;
  model->Backward(dense.weights(), ConstMatrixView(x.data(), x.rows(), x.cols()),
                  Matrix::Zero(kPairs, 2), dense.gradients(), &dx);
  // Rows of one item with equal inputs move together: the first of them has the gradient of all.
  const std::vector<int> first =
      vary ? std::vector<int>{0, 1, 2, 3, 4, 2, 0} : std::vector<int>{0, 1, 2, 0, 1, 2, 0};
  const int user = layout.FieldNamed("user_region").begin;
  const int item = layout.FieldNamed("item_genre").begin;
  for (const int column : {user, user + 2, item, item + 4}) {
    for (int i = 0; i < kPairs; ++i) {
      const bool of_item = column >= item;
      if (of_item && first[static_cast<size_t>(i)] != i) continue;
      const float step = 1e-2f;
      Matrix above = x, below = x;
      for (int j = 0; j < kPairs; ++j) {
        if (of_item ? first[static_cast<size_t>(j)] != i : j != i) continue;
        above(j, column) += step;
        below(j, column) -= step;
      }
      EXPECT_NEAR(dx(i, column), kFactor * (loss(above) - loss(below)) / (2 * step), 2e-3)
          << i << ", column " << column;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutShares, InBatch,
                         ::testing::Values(InBatchCase{"", false}, InBatchCase{"user_age", false},
                                           InBatchCase{"", true}, InBatchCase{"user_age", true}));

/// The auxiliary loss of rows with these inputs and items, and whether it moves any input.
std::pair<double, bool> LossOf(const Matrix& x, const std::vector<Key>& items) {
  const Job job = InBatchJob("");
  const std::unique_ptr<Model> model = MakeModel(job);
  DenseWeights dense(model->n_weights());
  model->InitWeights(Random(3), dense.weights());
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  Matrix outputs, dx, doutputs = Matrix::Zero(kPairs, 2);
  model->Forward(dense.weights(), view, {true, 1}, &outputs);
  std::vector<double> sums(2);
  model->AddAuxiliaryLoss(outputs, std::vector<double>(kPairs * 2, 1), items, 1, sums, &doutputs);
  model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
  return {sums[0], !dx.isZero(0)};
}

TEST(TwoTower, AnItemIsNoNegativeOfItself) {
  const InputLayout layout = InputLayout::Of(InBatchJob(""));
  const Matrix x = Inputs(layout, true);  // five ways in which it looks
  EXPECT_EQ(LossOf(x, std::vector<Key>(kPairs, 7)), std::pair(0.0, false));
  EXPECT_GT(LossOf(x, kItems).first, 1);
}

TEST(TwoTower, ItemsThatLookAlikeAreNegativesOfEachOther) {
  const InputLayout layout = InputLayout::Of(InBatchJob(""));
  Matrix x = Inputs(layout, false);
  for (int i = 1; i < kPairs; ++i) x.row(i) = x.row(0);
  EXPECT_NEAR(LossOf(x, kItems).first,
              3 * std::log(1 + 4.0) + 2 * std::log(1 + 5.0) + 2 * std::log(1 + 5.0), 1e-5);
}

TEST(TwoTower, TheFieldOfItemsIsRefusedWhereItCannotBe) {
  const auto model = [](const std::string& item) {
    return R"(two_tower { user { field: "user" } item { field: "item" } dim: 6 in_batch { item: ")" +
           item + R"(" } })";
  };
  testing::ExpectRefused({
      {model("itm"),
       "job:13: model.two_tower.in_batch.item: no field \"itm\"; the nearest is \"item\""},
      {model("user"),
       "job:13: model.two_tower.in_batch.item: \"user\" is no field of the item's tower, expected "
       "one"},
      {model("item"),
       "job:13: model.two_tower.in_batch.item: field \"item\" has several values in a row, "
       "expected "
       "one without a separator"},
  });
}

TEST(TwoTower, RowsWithoutTheLabelAreNotSoughtAndAForwardForgetsTheLoss) {
  Job job = InBatchJob("");
  job.mutable_model()->mutable_two_tower()->mutable_in_batch()->set_task("first_group");
  const std::unique_ptr<Model> model = MakeModel(job);
  DenseWeights dense(model->n_weights());
  model->InitWeights(Random(3), dense.weights());
  const Matrix x = Inputs(InputLayout::Of(job), false);
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  Matrix outputs, dx, doutputs = Matrix::Zero(kPairs, 2);
  model->Forward(dense.weights(), view, {true, 1}, &outputs);
  std::vector<double> sums(2);
  std::vector<double> labels(kPairs * 2, 0.0f);
  labels[2 * 2 + 1] = 1;
  model->AddAuxiliaryLoss(outputs, labels, kItems, 1, sums, &doutputs);
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
