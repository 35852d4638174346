// What must hold in bfloat16 for every network, interaction and reader of sequences, widened so
// that their products are rounded. New alternatives in job.proto are tested by themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "tests/support/column_layers.h"
#include "tests/support/example_jobs.h"
#include "tests/support/products.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model {
namespace {

using testing::BackendInUse;
using testing::BackendName;
using testing::BackendsOfThisBuild;
using testing::LoneColumnLayer;
using testing::NetworkExample;
using testing::RelativeError;
using testing::RoundedPass;

/// Makes the narrowest layer of the examples, of width 1, as wide as products that are rounded.
constexpr int kWiden = 16;

/// A rounding changes a factor by at most 2^-8 of itself, and its product by 2^-7. Errors of
/// several layers add up, and average out where they are summed: a per cent remains. A gradient
/// that is made with the factor of another product is as far off as it is long.
constexpr double kNearFloats = 0.08;

Matrix NormalMatrix(Eigen::Index n, Eigen::Index dim, uint64_t seed) {
  Random random(seed);
  Matrix matrix(n, dim);
  for (Eigen::Index i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = static_cast<float>(random.Normal());
  return matrix;
}

std::vector<NetworkExample> WideExamples() {
  std::vector<NetworkExample> examples = testing::ExampleOfEveryModel();
  for (NetworkExample& example : examples) example.job = testing::Widened(example.job, kWiden);
  return examples;
}

/// All that a pass forward and back gives.
struct ModelPass {
  Matrix outputs;
  std::vector<float, Eigen::aligned_allocator<float>> dweights;
  Matrix dx;
};

void ExpectEqualPasses(const ModelPass& found, const ModelPass& expected) {
  EXPECT_EQ(found.outputs, expected.outputs);
  EXPECT_EQ(found.dweights, expected.dweights);
  EXPECT_EQ(found.dx, expected.dx);
}

class EveryModelInBfloat16 : public ::testing::TestWithParam<NetworkExample> {
 protected:
  EveryModelInBfloat16() : model_(MakeModel(job())), dense_(model_->n_weights()) {
    model_->InitWeights(Random(3), dense_.weights());
    testing::KeepFromKinks(dense_.weights());
  }

  const Job& job() const { return GetParam().job; }
  Matrix Inputs(Eigen::Index n, uint64_t seed) const {
    return NormalMatrix(n, InputLayout::Of(job()).dim, seed);
  }
  Matrix Direction(Eigen::Index n, uint64_t seed) const {
    return NormalMatrix(n, job().task_size(), seed);
  }
  void Backward(Model* model, const Matrix& x, const Matrix& doutputs, ModelPass* pass) {
    pass->dweights.assign(dense_.weights().size(), 0.0f);
    model->Backward(dense_.weights(), ConstMatrixView(x.data(), x.rows(), x.cols()), doutputs,
                    pass->dweights, &pass->dx);
  }
  ModelPass BothWays(Model* model, const Matrix& x, const Matrix& doutputs) {
    ModelPass pass;
    model->Forward(dense_.weights(), ConstMatrixView(x.data(), x.rows(), x.cols()), {true, 5},
                   &pass.outputs);
    Backward(model, x, doutputs, &pass);
    return pass;
  }

  std::unique_ptr<Model> model_;
  DenseWeights dense_;
};

TEST_P(EveryModelInBfloat16, GradientsAreNearThoseOfFloats) {
  const Matrix x = Inputs(48, 1);
  const Matrix doutputs = Direction(48, 2);
  for (const nn::Backend backend : BackendsOfThisBuild()) {
    SCOPED_TRACE(BackendName(backend));
    const BackendInUse in_use(backend);
    const ModelPass floats = BothWays(model_.get(), x, doutputs);
    const RoundedPass pass(dense_.weights());
    const ModelPass rounded = BothWays(model_.get(), x, doutputs);
    EXPECT_LT(RelativeError(rounded.outputs, floats.outputs), kNearFloats);
    EXPECT_LT(RelativeError(rounded.dweights, floats.dweights), kNearFloats);
    EXPECT_LT(RelativeError(rounded.dx, floats.dx), kNearFloats);
    const bool is_rounded = testing::HasWideLayers(job());
    EXPECT_EQ(rounded.outputs != floats.outputs, is_rounded);
    EXPECT_EQ(rounded.dweights != floats.dweights, is_rounded);
    EXPECT_EQ(rounded.dx != floats.dx, is_rounded);
  }
}

TEST_P(EveryModelInBfloat16, BackwardIsRepeatable) {
  const RoundedPass pass(dense_.weights());
  const Matrix x = Inputs(17, 1);
  const ModelPass once = BothWays(model_.get(), x, Direction(17, 2));
  ModelPass again = BothWays(model_.get(), x, Direction(17, 3));
  Backward(model_.get(), x, Direction(17, 2), &again);
  ExpectEqualPasses(again, once);
}

TEST_P(EveryModelInBfloat16, ForgetsTheBatchBefore) {
  const RoundedPass pass(dense_.weights());
  const std::unique_ptr<Model> used = MakeModel(job());
  for (const Eigen::Index n : {40, 1}) BothWays(used.get(), Inputs(n, 7), Direction(n, 8));
  const Matrix x = Inputs(17, 1);
  const Matrix doutputs = Direction(17, 2);
  ExpectEqualPasses(BothWays(used.get(), x, doutputs), BothWays(model_.get(), x, doutputs));
}

/// Rounded weights are those of the pass; what was rounded before is not looked at.
TEST_P(EveryModelInBfloat16, SeesWeightsThatHaveChanged) {
  if (!testing::HasWideLayers(job())) return;
  const Matrix x = Inputs(17, 1);
  const Matrix doutputs = Direction(17, 2);
  const std::unique_ptr<Model> used = MakeModel(job());
  {
    const RoundedPass pass(dense_.weights());
    BothWays(used.get(), x, doutputs);
  }
  for (float& w : dense_.weights()) w *= 1.25f;
  const RoundedPass pass(dense_.weights());
  ExpectEqualPasses(BothWays(used.get(), x, doutputs), BothWays(model_.get(), x, doutputs));
}

/// A worker's first slice may have no examples.
TEST_P(EveryModelInBfloat16, TakesEmptyBatches) {
  const RoundedPass pass(dense_.weights());
  for (const Eigen::Index n : {0, 1, 0}) {
    const ModelPass found = BothWays(model_.get(), Inputs(n, 1), Direction(n, 2));
    EXPECT_EQ(found.outputs.rows(), n);
    EXPECT_EQ(found.dx.rows(), n);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModelInBfloat16, ::testing::ValuesIn(WideExamples()),
                         [](const auto& test) {
                           return testing::ModelName(test.param.job) + std::to_string(test.index);
                         });

std::vector<Job> WideJobs(std::vector<Job> jobs) {
  for (Job& job : jobs) job = testing::Widened(job, kWiden);
  return jobs;
}

/// Whether the layer multiplies by matrices of weights; those of senet have a column a field.
bool HasWideColumnLayer(const Job& job) {
  if (job.model().sequence_size() > 0) return !job.model().sequence(0).has_pool();
  const Interaction& interaction = job.model().interaction(0);
  return interaction.has_cross_v2() || interaction.has_cross_mix() || interaction.has_auto_int();
}

/// The ReLUs of AutoInt have no bias that would keep them from their kinks: roundings turn over
/// about one unit in a thousand, and the part of the gradient that goes with it is the square root
/// of that, in each of its layers.
double NearFloats(const Job& job) {
  const bool has_kinks =
      job.model().sequence_size() == 0 && job.model().interaction(0).has_auto_int();
  return has_kinks ? 0.2 : kNearFloats;
}

class EveryColumnLayerInBfloat16 : public ::testing::TestWithParam<Job> {
 protected:
  EveryColumnLayerInBfloat16() : layer_(GetParam()) {
    Random random(3);
    std::ranges::fill(layer_.weights, 0.0f);
    layer_.layer->Init(&random, layer_.weights);
    testing::KeepFromKinks(layer_.weights);
  }

  LoneColumnLayer layer_;
};

TEST_P(EveryColumnLayerInBfloat16, GradientsAreNearThoseOfFloats) {
  const Matrix x = layer_.Inputs(40, 1);
  const Matrix direction = layer_.Direction(40);
  for (const nn::Backend backend : BackendsOfThisBuild()) {
    SCOPED_TRACE(BackendName(backend));
    const BackendInUse in_use(backend);
    const Matrix y = layer_.Forward(x);
    const LoneColumnLayer::Gradients floats = layer_.Backward(x, y, direction);
    const RoundedPass pass(layer_.weights);
    const Matrix rounded_y = layer_.Forward(x);
    const LoneColumnLayer::Gradients rounded = layer_.Backward(x, rounded_y, direction);
    const double near = NearFloats(GetParam());
    EXPECT_LT(RelativeError(rounded_y, y), near);
    EXPECT_LT(RelativeError(rounded.dweights, floats.dweights), near);
    EXPECT_LT(RelativeError(rounded.dx, floats.dx), near);
    const bool is_rounded = HasWideColumnLayer(GetParam());
    EXPECT_EQ(rounded_y != y, is_rounded);
    EXPECT_EQ(rounded.dweights != floats.dweights, is_rounded);
    EXPECT_EQ(rounded.dx != floats.dx, is_rounded);

    const LoneColumnLayer::Gradients again = layer_.Backward(x, rounded_y, direction);
    EXPECT_LT(RelativeError(again.dweights, rounded.dweights), 1e-6);
    EXPECT_EQ(again.dx, rounded.dx);
  }
}

TEST_P(EveryColumnLayerInBfloat16, TakesEmptyBatches) {
  const RoundedPass pass(layer_.weights);
  const Matrix x = layer_.Inputs(0, 1);
  EXPECT_EQ(layer_.Backward(x, layer_.Forward(x), layer_.Direction(0)).dx.rows(), 0);
}

INSTANTIATE_TEST_SUITE_P(Interactions, EveryColumnLayerInBfloat16,
                         ::testing::ValuesIn(WideJobs(testing::JobOfEveryInteraction())));
INSTANTIATE_TEST_SUITE_P(SequenceReaders, EveryColumnLayerInBfloat16,
                         ::testing::ValuesIn(WideJobs(testing::JobOfEverySequenceReader())));

}  // namespace
}  // namespace zhiyin::worker::model
