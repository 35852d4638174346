// The wide part beside every network there is. A new alternative of Model.kind is tested by itself.
#include "worker/model/network/wide_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

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

using testing::GradientError;

/// Every model's job that may have one, with a wide part of each kind: DeepFM where the network is
/// a plain one.
std::vector<Job> JobsWithAWidePart() {
  std::vector<Job> jobs;
  for (const testing::NetworkExample& example : testing::ExampleOfEveryModel()) {
    if (example.reads_fields) continue;
    Job job = example.job;
    if (job.model().has_hidden()) continue;          // the same networks
    job.mutable_table(0)->set_dim(job.task_size());  // of user_group and user_region
    zhiyin::Wide* wide = job.mutable_model()->mutable_wide();
    wide->add_field("user_region");
    wide->add_numeric("item_quality");
    wide->mutable_fm()->add_field("item_genre");
    wide->mutable_fm()->add_field("item_tags");
    jobs.push_back(job);
  }
  return jobs;
}

/// A model whose outputs the test gives.
class Given final : public Model {
 public:
  explicit Given(const Matrix& outputs) : outputs_(outputs) {}
  int64_t n_weights() const override { return 0; }
  void InitWeights(Random, std::span<float>) const override {}
  void InitOutputs(std::span<const double>, std::span<float>) const override {}
  void Forward(std::span<const float>, const ConstMatrixView&, const nn::Pass&,
               Matrix* outputs) override {
    *outputs = outputs_;
  }
  void Backward(std::span<const float>, const ConstMatrixView&, const Matrix&, std::span<float>,
                Matrix*) override {}

 private:
  Matrix outputs_;
};

struct WideRun {
  explicit WideRun(const Job& job_)
      : job(job_), layout(InputLayout::Of(job)), model(MakeModel(job)), dense(model->n_weights()) {
    Random random(4);
    model->InitWeights(random, dense.weights());
    for (float& w : dense.weights()) w += static_cast<float>(0.1 * random.Normal());
    x.resize(6, layout.dim);
    direction.resize(6, job.task_size());
    for (Matrix* m : {&x, &direction}) {
      for (Eigen::Index i = 0; i < m->size(); ++i)
        m->data()[i] = static_cast<float>(random.Normal());
    }
    Forward(dense.weights(), x.data());
  }
  double Forward(std::span<const float> weights, const float* values) {
    model->Forward(weights, ConstMatrixView(values, x.rows(), x.cols()), nn::Pass(), &outputs);
    return outputs.cast<double>().cwiseProduct(direction.cast<double>()).sum();
  }

  Job job;
  InputLayout layout;
  std::unique_ptr<Model> model;
  DenseWeights dense;
  Matrix x;
  Matrix direction;
  Matrix outputs;
};

class WideBeside : public ::testing::TestWithParam<Job> {};

TEST_P(WideBeside, GradientsAreDerivatives) {
  WideRun run(GetParam());
  Matrix dx;
  run.model->Backward(run.dense.weights(),
                      ConstMatrixView(run.x.data(), run.x.rows(), run.x.cols()), run.direction,
                      run.dense.gradients(), &dx);
  EXPECT_LT(GradientError(
                [&](std::span<const float> weights) { return run.Forward(weights, run.x.data()); },
                run.dense.weights(), run.dense.gradients()),
            3e-3);  // more curved than each part
  EXPECT_LT(GradientError(
                [&](std::span<const float> values) {
                  return run.Forward(run.dense.weights(), values.data());
                },
                {run.x.data(), static_cast<size_t>(run.x.size())},
                {dx.data(), static_cast<size_t>(dx.size())}),
            1e-3);
}

TEST_P(WideBeside, AddsItsTermsToWhatTheNetworkMakesOfTheOtherFields) {
  WideRun run(GetParam());
  const InputLayout::Part& wide = run.layout.FieldNamed("user_region");
  const Eigen::Index behind = wide.begin + wide.dim;
  Matrix features(run.x.rows(), run.x.cols() - wide.dim);
  features << run.x.leftCols(wide.begin), run.x.rightCols(run.x.cols() - behind);
  const int n_tasks = run.job.task_size();
  Matrix expected;
  const std::unique_ptr<Model> network =
      MakeNetwork(run.job, static_cast<int>(features.cols()), InputLayout::Of(run.job));
  network->Forward(run.dense.weights().subspan(static_cast<size_t>(n_tasks)),
                   ConstMatrixView(features.data(), features.rows(), features.cols()), nn::Pass(),
                   &expected);
  const InputLayout::Part& genre = run.layout.FieldNamed("item_genre");
  const InputLayout::Part& tags = run.layout.FieldNamed("item_tags");
  for (Eigen::Index i = 0; i < run.x.rows(); ++i) {
    double pairs = 0;
    for (int k = 0; k < genre.dim; ++k)
      pairs += run.x(i, genre.begin + k) * run.x(i, tags.begin + k);
    for (int t = 0; t < n_tasks; ++t) {
      const float quality = run.x(i, run.layout.numerics[1].begin);
      expected(i, t) += run.x(i, wide.begin + t) +
                        quality * run.dense.weights()[static_cast<size_t>(t)] +
                        static_cast<float>(pairs);
    }
  }
  if (const auto make_outputs = ChosenNetwork(run.job)->make_outputs; make_outputs != nullptr) {
    // The terms are added to the logits that the outputs are made of.
    const Matrix logits = expected;
    make_outputs(run.job, std::make_unique<Given>(logits))
        ->Forward({}, ConstMatrixView(run.x.data(), run.x.rows(), run.x.cols()), nn::Pass(),
                  &expected);
    EXPECT_NE(expected, logits);
  }
  for (Eigen::Index i = 0; i < run.x.rows(); ++i) {
    for (int t = 0; t < n_tasks; ++t) EXPECT_NEAR(run.outputs(i, t), expected(i, t), 1e-4);
  }
}

TEST_P(WideBeside, AsAGraphOfStandardOperatorsItGivesTheSame) {
  WideRun run(GetParam());
  if (!ChosenNetwork(run.job)->has_graph) return;
  nn::Graph graph;
  const int n_columns = static_cast<int>(run.x.cols());
  const std::vector<nn::Graph::Value> values =
      run.model->AddTo(&graph, run.dense.weights(), graph.AddInput({"x", false, n_columns}));
  for (size_t t = 0; t < values.size(); ++t) graph.AddOutput(values[t], std::to_string(t));
  const auto found = testing::RunGraph(
      graph, {{"x", {{run.x.rows(), n_columns}, {run.x.data(), run.x.data() + run.x.size()}}}});
  for (int t = 0; t < run.job.task_size(); ++t) {
    for (Eigen::Index i = 0; i < run.x.rows(); ++i)
      EXPECT_NEAR(found.at(std::to_string(t)).values[static_cast<size_t>(i)], run.outputs(i, t),
                  1e-4 * (1 + std::abs(run.outputs(i, t))));
  }
}

TEST(WidePart, IsRefusedBesideNetworksThatReadTheFieldsThemselves) {
  for (const testing::NetworkExample& example : testing::ExampleOfEveryModel()) {
    if (!example.reads_fields) continue;
    Job job = example.job;
    job.mutable_model()->mutable_wide()->add_field("item_genre");
    EXPECT_THAT(testing::LineOfJob(launch::job::JobToText(job)),
                ::testing::HasSubstr("model.wide: means nothing to "));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryNetwork, WideBeside, ::testing::ValuesIn(JobsWithAWidePart()),
                         [](const auto& test) { return std::to_string(test.index); });

}  // namespace
}  // namespace zhiyin::worker::model
