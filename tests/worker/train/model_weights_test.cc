#include "worker/train/model_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"
#include "worker/train/tools.h"

namespace zhiyin::worker::train {
namespace {

using ::testing::Each;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr net::RoleMap kRoles = {.n_servers = 2, .n_workers = 3};

/// `train_text` is added to the field train.
Job BatchNormJob(const std::string& train_text = "") {
  return testing::ExampleJob(
      "shared_bottom { bottom: 400 tower: 3 } hidden { normalization: BATCH }", 3, 0, false,
      train_text);
}

/// Runs `work` as every worker of the job, beside its servers.
void RunWorkers(const Job& job, const std::function<void(Tools*)>& work) {
  testing::RunCluster(job, kRoles, 1, [&](int, net::Mailbox* mailbox, ps::client::Client*) {
    Tools tools(job, kRoles, /*evaluated=*/{}, /*n_threads=*/1, mailbox);
    work(&tools);
  });
}

/// The model's own weights, and those of its balance, as the servers have them, with the padding.
std::vector<float> WeightsAtServers(const Job& job, Tools* tools) {
  std::vector<float> weights(tools->dense.weight_rows().size(), -1);
  ps::client::Exchange exchange;
  exchange.parts.resize(static_cast<size_t>(job.table_size()) + 1);
  exchange.parts[kDenseTable] = {tools->dense.keys(), true, weights.data(), nullptr};
  tools->client.PeekStart(&exchange);
  tools->client.PullFinish(&exchange);
  return weights;
}

/// Outputs that start at 0.
std::vector<double> Zeros(const Job& job) {
  return std::vector<double>(static_cast<size_t>(job.task_size()));
}

/// The first values of the model's own weights.
std::vector<float> FirstWeights(const Job& job) {
  const std::unique_ptr<model::Model> model = model::MakeModel(job);
  std::vector<float> weights(static_cast<size_t>(model->n_weights()));
  model->InitWeights(Random(job.train().seed(), 0), weights);
  return weights;
}

TEST(InitModelWeights, AllWorkersFindThoseOfTheSeed) {
  for (const uint64_t seed : {5u, 6u}) {
    Job job = BatchNormJob();
    job.mutable_train()->set_seed(seed);
    const std::vector<float> expected = FirstWeights(job);
    ASSERT_GT(expected.size(), 8 * static_cast<size_t>(kDenseRowDim)) << "rows at both servers";
    RunWorkers(job, [&](Tools* tools) {
      InitModelWeights(job, Zeros(job), tools);
      std::vector<float> found = WeightsAtServers(job, tools);
      const std::vector<float> padding(found.begin() + static_cast<int64_t>(expected.size()),
                                       found.end());
      found.resize(expected.size());
      EXPECT_EQ(found, expected);
      EXPECT_THAT(padding, Each(0.0f));
    });
  }
}

TEST(InitModelWeights, BiasesOfOutputsStartWhereTheyAreTold) {
  Job job = BatchNormJob();
  std::vector<double> outputs = Zeros(job);
  outputs[0] = -2.5;
  const std::vector<float> at_zero = FirstWeights(job);
  std::vector<float> expected = at_zero;
  model::MakeModel(job)->InitOutputs(outputs, expected);
  ASSERT_NE(expected, at_zero);
  for (const bool start_at_zero : {false, true}) {
    job.mutable_train()->set_start_at_zero(start_at_zero);
    RunWorkers(job, [&](Tools* tools) {
      InitModelWeights(job, outputs, tools);
      std::vector<float> found = WeightsAtServers(job, tools);
      found.resize(expected.size());
      EXPECT_EQ(found, start_at_zero ? at_zero : expected);
    });
  }
}

TEST(InitModelWeights, WeightsOfTheBalanceBeginWithZero) {
  const Job job = BatchNormJob("balance { uncertainty {} }");
  const std::vector<float> expected = FirstWeights(job);
  RunWorkers(job, [&](Tools* tools) {
    ASSERT_GT(tools->dense.weights().size(), expected.size());
    InitModelWeights(job, Zeros(job), tools);
    const std::vector<float> found = WeightsAtServers(job, tools);
    const auto of_model = std::span(found).first(expected.size());
    EXPECT_THAT(of_model, ElementsAreArray(expected));
    EXPECT_THAT(std::vector(found.begin() + static_cast<int64_t>(expected.size()), found.end()),
                Each(0.0f));
  });
}

/// The place in the weights of the means and variances of a layer of two columns.
constexpr size_t kPlace = 7;
constexpr size_t kColumns = 2;

/// Adds the mean and variance of its columns over n examples.
void AddLayer(model::nn::BatchStatistics* statistics, std::span<const float> weights, int64_t n,
              const std::vector<float>& mean, const std::vector<float>& variance) {
  statistics->Add(weights.subspan(kPlace, 2 * kColumns), n, mean, variance);
}

/// The model's own weights at the servers after StoreBatchStatistics, when worker w has seen what
/// `add(w)` adds. `left` is as there.
std::vector<float> StoredWeights(
    const Job& job, const std::string& left,
    const std::function<void(int, std::span<const float>, model::nn::BatchStatistics*)>& add) {
  std::vector<float> stored;
  RunWorkers(job, [&](Tools* tools) {
    InitModelWeights(job, Zeros(job), tools);
    // What a worker has in memory is older than what the servers have.
    std::fill(tools->dense.weights().begin(), tools->dense.weights().end(), 99.0f);
    model::nn::BatchStatistics own(tools->dense.weights());
    add(tools->group.worker(), tools->dense.weights(), &own);
    StoreBatchStatistics(own, left, job.table_size(), kRoles, tools);
    const std::vector<float> found = WeightsAtServers(job, tools);
    if (tools->group.IsChief())
      stored.assign(found.begin(), found.begin() + tools->model->n_weights());
  });
  return stored;
}

TEST(StoreBatchStatistics, MergesWhatAllWorkersHaveSeen) {
  const Job job = BatchNormJob();
  const std::vector<float> stored = StoredWeights(
      job, "", [](int worker, std::span<const float> weights, model::nn::BatchStatistics* own) {
        if (worker == 0) AddLayer(own, weights, 1, {2, 10}, {0, 1});
        if (worker == 2) AddLayer(own, weights, 2, {5, 10}, {0, 1});
        if (worker == 2) AddLayer(own, weights, 1, {4, 14}, {0, 5});
      });
  std::vector<float> expected = FirstWeights(job);
  expected[kPlace] = 4;       // of 2, 5, 5, 4
  expected[kPlace + 1] = 11;  // of 10, 10, 10, 14
  expected[kPlace + 2] = 1.5;
  expected[kPlace + 3] = 2 + 3;  // the mean of the variances, and the variance of the means
  EXPECT_EQ(stored, expected);
}

TEST(StoreBatchStatistics, AddsWhatWasSeenBeforeAResume) {
  const Job job = BatchNormJob();
  const std::vector<float> weights(FirstWeights(job).size());
  model::nn::BatchStatistics before(weights);
  AddLayer(&before, weights, 3, {1, 1}, {2, 2});
  const std::vector<float> stored =
      StoredWeights(job, before.Serialize(),
                    [](int worker, std::span<const float> now, model::nn::BatchStatistics* own) {
                      if (worker == 1) AddLayer(own, now, 1, {5, 1}, {2, 6});
                    });
  std::vector<float> expected = FirstWeights(job);
  expected[kPlace] = 2;  // of 1, 1, 1, 5
  expected[kPlace + 1] = 1;
  expected[kPlace + 2] = 2 + 3;
  expected[kPlace + 3] = 3;
  EXPECT_EQ(stored, expected);
}

TEST(StoreBatchStatistics, ChangesNothingWhereNothingWasSeen) {
  const Job job = BatchNormJob();
  EXPECT_EQ(StoredWeights(job, "", [](int, std::span<const float>, model::nn::BatchStatistics*) {}),
            FirstWeights(job));
}

TEST(StoreBatchStatistics, NamesTheWorkerWhosePartMakesNoSense) {
  const Job job = BatchNormJob();
  const auto run = [&] {
    RunWorkers(job, [&](Tools* tools) {
      InitModelWeights(job, Zeros(job), tools);
      model::nn::BatchStatistics own(tools->dense.weights());
      if (tools->group.worker() != 1) {
        StoreBatchStatistics(own, "", job.table_size(), kRoles, tools);
        return;
      }
      tools->group.Gather("nonsense that is no sum", "its batch statistics");
      tools->group.Barrier("batch statistics");
    });
  };
  EXPECT_THAT(run, ThrowsMessage<Error>(HasSubstr("rank 3: batch statistics")));
}

}  // namespace
}  // namespace zhiyin::worker::train
