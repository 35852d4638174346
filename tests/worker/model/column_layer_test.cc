// What must hold for everything below a network: interactions and readers of sequences. A new
// alternative in job.proto is tested by itself.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/column_layers.h"
#include "tests/support/example_jobs.h"
#include "tests/support/finite_difference.h"
#include "tests/support/graph_runner.h"
#include "worker/model/model.h"
#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::worker::model {
namespace {

using testing::CurvedGradientError;
using testing::GradientError;
using testing::kColumnPass;
using Layer = testing::LoneColumnLayer;

double Dot(const Matrix& a, const Matrix& b) {
  return a.cast<double>().cwiseProduct(b.cast<double>()).sum();
}

class EveryColumnLayer : public ::testing::TestWithParam<Job> {};

TEST_P(EveryColumnLayer, GradientsAreDerivatives) {
  Layer layer(GetParam());
  Matrix x = layer.Inputs(8, 1);
  const Matrix direction = layer.Direction(x.rows());
  const Layer::Gradients gradients = layer.Backward(x, layer.Forward(x), direction);
  Matrix y(x.rows(), layer.layer->out());
  if (!layer.weights.empty()) {
    EXPECT_LT(CurvedGradientError(
                  [&](std::span<const float> weights) {
                    layer.layer->Forward(weights, x, kColumnPass, y);
                    return Dot(y, direction);
                  },
                  layer.weights, gradients.dweights),
              1e-3)
        << "d loss / d weights";
  }
  EXPECT_LT(CurvedGradientError(
                [&](std::span<const float> values) {
                  layer.layer->Forward(layer.weights,
                                       ConstMatrixView(values.data(), x.rows(), x.cols()),
                                       kColumnPass, y);
                  return Dot(y, direction);
                },
                {x.data(), static_cast<size_t>(x.size())},
                {gradients.dx.data(), static_cast<size_t>(gradients.dx.size())}),
            1e-3)
      << "d loss / d x";
}

TEST_P(EveryColumnLayer, GradientsAddUp) {
  Layer layer(GetParam());
  const Matrix x = layer.Inputs(5, 1);
  const Matrix direction = layer.Direction(5);
  const Matrix y = layer.Forward(x);
  const Layer::Gradients once = layer.Backward(x, y, direction);
  Layer::Gradients twice = layer.Backward(x, y, direction);
  Matrix dy = direction;
  layer.layer->Backward(layer.weights, x, y, dy, twice.dweights, twice.dx);
  EXPECT_LT((twice.dx - 2 * once.dx).cwiseAbs().maxCoeff(), 1e-4);
  for (size_t i = 0; i < once.dweights.size(); ++i)
    ASSERT_NEAR(twice.dweights[i], 2 * once.dweights[i], 1e-4 + 1e-4 * std::abs(once.dweights[i]))
        << i;
}

TEST_P(EveryColumnLayer, ForgetsTheBatchBefore) {
  Layer used(GetParam());
  for (const Eigen::Index n : {40, 1})
    used.Backward(used.Inputs(n, 7), used.Forward(used.Inputs(n, 7)), used.Direction(n));
  Layer fresh(GetParam());
  const Matrix x = fresh.Inputs(17, 1);
  const Matrix y = fresh.Forward(x);
  EXPECT_EQ(used.Forward(x), y);
  EXPECT_EQ(used.Backward(x, y, used.Direction(17)).dx,
            fresh.Backward(x, y, fresh.Direction(17)).dx);
}

TEST_P(EveryColumnLayer, AsAGraphOfStandardOperatorsItGivesTheSame) {
  Layer layer(GetParam());
  const Matrix x = layer.Inputs(9, 1);
  nn::Graph graph;
  nn::Graph::Value value;
  try {
    value = layer.layer->AddTo(&graph, layer.weights,
                               graph.AddInput({"x", false, static_cast<int>(x.cols())}));
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("inputs, fm, cross_v1 and cross_v2 have one"),
              std::string::npos);
    const auto& interactions = GetParam().model().interaction();
    EXPECT_TRUE(GetParam().model().sequence_size() > 0 || interactions[0].has_cross_mix() ||
                interactions[0].has_senet() || interactions[0].has_auto_int());
    return;
  }
  graph.AddOutput(value, "y");
  const testing::Tensor found =
      testing::RunGraph(graph, {{"x", {{9, x.cols()}, {x.data(), x.data() + x.size()}}}}).at("y");
  const Matrix y = layer.Forward(x);
  ASSERT_EQ(found.shape, (std::vector<int64_t>{9, y.cols()}));
  for (size_t i = 0; i < found.values.size(); ++i)
    EXPECT_NEAR(found.values[i], y.data()[i], 1e-5 * (1 + std::abs(y.data()[i])));
}

TEST_P(EveryColumnLayer, TakesEmptyBatches) {
  Layer layer(GetParam());
  const Matrix x = layer.Inputs(0, 1);
  EXPECT_EQ(layer.Backward(x, layer.Forward(x), layer.Direction(0)).dx.rows(), 0);
}

TEST_P(EveryColumnLayer, ARowWithoutValuesReadsAsZerosAndPaddingHasNoPart) {
  Layer layer(GetParam());
  for (const InputLayout::Part& part : layer.layout.fields) {
    if (!part.is_sequence()) continue;
    const Matrix x = layer.Inputs(part.length + 1, 1);
    Matrix dirty = x;
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      const int count = SequenceCount(x, i, part);
      dirty.row(i)
          .segment(part.begin + count * part.dim, (part.length - count) * part.dim)
          .setConstant(9);
      if (count == 0) {
        EXPECT_EQ(layer.Forward(x).row(i).cwiseAbs().maxCoeff(), 0);
      }
    }
    EXPECT_EQ(layer.Forward(dirty), layer.Forward(x));
    const Matrix dx = layer.Backward(dirty, layer.Forward(dirty), layer.Direction(x.rows())).dx;
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      const int count = SequenceCount(x, i, part);
      EXPECT_EQ(dx.row(i)
                    .segment(part.begin + count * part.dim, (part.length - count) * part.dim + 1)
                    .cwiseAbs()
                    .sum(),
                0);
    }
  }
}

TEST_P(EveryColumnLayer, IsPartOfAModelWhoseGradientsAreDerivatives) {
  const std::unique_ptr<Model> model = MakeModel(GetParam());
  Layer layer(GetParam());
  const Matrix x = layer.Inputs(6, 1);
  std::vector<float> weights(static_cast<size_t>(model->n_weights()));
  model->InitWeights(Random(3), weights);
  Matrix outputs;
  const auto forward = [&](const float* values) {
    model->Forward(weights, ConstMatrixView(values, x.rows(), x.cols()), kColumnPass, &outputs);
    return outputs.cast<double>().sum();
  };
  forward(x.data());
  std::vector<float> dweights(weights.size());
  Matrix dx;
  model->Backward(weights, ConstMatrixView(x.data(), x.rows(), x.cols()),
                  Matrix::Ones(outputs.rows(), outputs.cols()), dweights, &dx);
  EXPECT_LT(GradientError([&](std::span<const float> values) { return forward(values.data()); },
                          {x.data(), static_cast<size_t>(x.size())},
                          {dx.data(), static_cast<size_t>(dx.size())}),
            2e-2);  // kinks of the network's ReLUs that are too small to be seen as such
}

INSTANTIATE_TEST_SUITE_P(Interactions, EveryColumnLayer,
                         ::testing::ValuesIn(testing::JobOfEveryInteraction()));
INSTANTIATE_TEST_SUITE_P(SequenceReaders, EveryColumnLayer,
                         ::testing::ValuesIn(testing::JobOfEverySequenceReader()));

}  // namespace
}  // namespace zhiyin::worker::model
