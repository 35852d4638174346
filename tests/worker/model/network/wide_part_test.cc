// The wide part beside every network there is. A new alternative of Model.kind is tested by itself.
#include "worker/model/network/wide_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/job/load_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/finite_difference.h"
#include "tests/support/refused_jobs.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"

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
      EXPECT_NEAR(run.outputs(i, t),
                  expected(i, t) + run.x(i, wide.begin + t) +
                      quality * run.dense.weights()[static_cast<size_t>(t)] + pairs,
                  1e-4);
    }
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
