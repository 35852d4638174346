// A learned number for each input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/example_jobs.h"
#include "tests/support/finite_difference.h"
#include "tests/support/graph_runner.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model {
namespace {

class Gates : public ::testing::TestWithParam<bool> {
 protected:
  static constexpr int kRows = 6;

  Gates()
      : job_(testing::ExampleJob(
            GetParam()
                ? R"(mmoe { n_experts: 2 expert: 5 tower: 3 } gates { l1: 0.3 } interaction { inputs {} } interaction { fm {} }
                                                 sequence { field: "item_tags" pool {} } wide { numeric: "item_quality" })"
                : "mmoe { n_experts: 2 expert: 5 tower: 3 } gates { l1: 0.3 }",
            3, GetParam() ? 3 : 0)),
        model_(MakeModel(job_)),
        dense_(model_->n_weights()),
        x_(kRows, InputLayout::Of(job_).dim),
        direction_(kRows, job_.task_size()) {
    model_->InitWeights(Random(3), dense_.weights());
    Random random(4);
    for (Matrix* m : {&x_, &direction_}) {
      for (Eigen::Index i = 0; i < m->size(); ++i)
        m->data()[i] = static_cast<float>(random.Normal());
    }
    for (const InputLayout::Part& part : InputLayout::Of(job_).fields) {
      if (part.is_sequence())
        x_.col(part.count_column()).setConstant(static_cast<float>(part.length));
    }
  }
  /// <outputs, direction> and the penalty.
  double Objective(std::span<const float> weights, const float* x) {
    model_->Forward(weights, ConstMatrixView(x, x_.rows(), x_.cols()), nn::Pass{true, 5},
                    &outputs_);
    std::vector<double> sums(static_cast<size_t>(job_.task_size()));
    const std::vector<double> labels(static_cast<size_t>(kRows * job_.task_size()), 1);
    Matrix doutputs = direction_;
    model_->AddAuxiliaryLoss(outputs_, labels, {}, 0.25f, sums, &doutputs);
    return outputs_.cast<double>().cwiseProduct(direction_.cast<double>()).sum() + 0.25 * sums[0];
  }

  Job job_;
  std::unique_ptr<Model> model_;
  DenseWeights dense_;
  Matrix x_;
  Matrix direction_;
  Matrix outputs_;
};

TEST_P(Gates, AreOneAtFirstForEveryInput) {
  const auto gates = model_->Gates(dense_.weights());
  std::vector<std::string> names;
  for (const auto& [name, gate] : gates) {
    names.push_back(name);
    EXPECT_EQ(gate, 1);
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("user_group", "user_region", "item_genre",
                                                     "item_tags", "user_age", "item_quality"));
  Job without = job_;
  without.mutable_model()->clear_gates();
  const auto model = MakeModel(without);
  EXPECT_EQ(model->n_weights() + 6, model_->n_weights());
  EXPECT_TRUE(model->Gates(dense_.weights()).empty());
}

TEST_P(Gates, GradientsAreDerivativesWithThePenalty) {
  Random random(6);
  for (float& w : dense_.weights()) w += static_cast<float>(0.1 * random.Normal());
  Objective(dense_.weights(), x_.data());
  std::vector<float, Eigen::aligned_allocator<float>> dweights(
      static_cast<size_t>(model_->n_weights()));
  Matrix dx;
  model_->Backward(dense_.weights(), ConstMatrixView(x_.data(), x_.rows(), x_.cols()), direction_,
                   dweights, &dx);
  EXPECT_LT(testing::CurvedGradientError(
                [&](std::span<const float> weights) { return Objective(weights, x_.data()); },
                dense_.weights(), dweights),
            2e-3);
  EXPECT_LT(
      testing::CurvedGradientError(
          [&](std::span<const float> values) { return Objective(dense_.weights(), values.data()); },
          {x_.data(), static_cast<size_t>(x_.size())}, {dx.data(), static_cast<size_t>(dx.size())}),
      2e-3);
}

TEST_P(Gates, AreInTheGraph) {
  Random random(6);
  for (float& w : dense_.weights()) w += static_cast<float>(0.1 * random.Normal());
  nn::Graph graph;
  const nn::Graph::Value in = graph.AddInput({"x", false, static_cast<int>(x_.cols())});
  if (GetParam()) {
    EXPECT_THROW(model_->AddTo(&graph, dense_.weights(), in), Error) << "sequences have no graph";
    return;
  }
  const auto values = model_->AddTo(&graph, dense_.weights(), in);
  graph.AddOutput(values[0], "y");
  const auto found =
      testing::RunGraph(graph, {{"x", {{kRows, x_.cols()}, {x_.data(), x_.data() + x_.size()}}}})
          .at("y");
  model_->Forward(dense_.weights(), ConstMatrixView(x_.data(), x_.rows(), x_.cols()), nn::Pass(),
                  &outputs_);
  for (int i = 0; i < kRows; ++i)
    EXPECT_NEAR(found.values[static_cast<size_t>(i)], outputs_(i, 0), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Models, Gates, ::testing::Bool());

}  // namespace
}  // namespace zhiyin::worker::model
