// Copies of hot rows: what they save, and how old they become.
#include "ps/client/replica.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <set>

#include "common/random.h"
#include "ps/client/client.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::ps::client {
namespace {

constexpr int kCopyDim = 2;

/// A job whose first table has copies and is updated by plain SGD at rate 1: a row is minus the sum
/// of its gradients.
Job CopyJob(int n_slices, int64_t n_copies, int refresh_steps) {
  Job job = testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", kCopyDim);
  zhiyin::Table* table = job.mutable_table(0);
  table->mutable_optimizer()->mutable_sgd()->set_learning_rate(1);
  table->mutable_init()->mutable_zero();
  table->mutable_hot_keys()->set_rows(n_copies);
  table->mutable_hot_keys()->set_refresh_steps(refresh_steps);
  job.mutable_train()->set_staleness(-1);
  job.mutable_train()->set_slices(n_slices);
  return job;
}

/// A step of a worker, which uses these rows of the first table.
struct CopyStep {
  explicit CopyStep(std::vector<Key> k = {})
      : keys(std::move(k)), weights(keys.size() * kCopyDim), gradients(keys.size() * kCopyDim, 1) {}
  void Start(uint64_t clock, Client* client) {
    exchange.clock = clock;
    exchange.parts.resize(3);
    exchange.parts[1] = {keys, true, weights.data(), gradients.data()};
    client->PullStart(&exchange);
  }

  std::vector<Key> keys;
  std::vector<float> weights;
  std::vector<float> gradients;
  Exchange exchange;
};

/// The first weight of each row.
std::vector<float> Peek(std::vector<Key> keys, Client* client) {
  CopyStep rows(std::move(keys));
  rows.exchange.parts.resize(3);
  rows.exchange.parts[1] = {rows.keys, true, rows.weights.data(), nullptr};
  client->PeekStart(&rows.exchange);
  client->PullFinish(&rows.exchange);
  std::vector<float> first;
  for (size_t i = 0; i < rows.keys.size(); ++i) first.push_back(rows.weights[i * kCopyDim]);
  return first;
}

/// The keys that `n_workers` workers ask for in 160 steps each, all with the same ten keys. Worker
/// w makes the steps w, w + n_workers, ... of the slices that they share, and pulls the rows of a
/// step while it computes the one before.
int64_t NumAsked(int n_workers, int n_slices, int64_t n_copies) {
  constexpr int kSteps = 160;
  std::mutex mutex;
  int64_t n_asked = 0;
  const auto work = [&](int worker, net::Mailbox*, Client* client) {
    std::vector<Key> keys(10);
    std::iota(keys.begin(), keys.end(), Key{0});
    CopyStep steps[2] = {CopyStep(keys), CopyStep(keys)};
    const auto start = [&](int n) {
      steps[n % 2].Start(static_cast<uint64_t>((n * n_workers + worker) / n_slices), client);
    };
    start(0);
    for (int n = 0; n < kSteps; ++n) {
      if (n + 1 < kSteps) start(n + 1);
      client->PullFinish(&steps[n % 2].exchange);
      client->PushStart(&steps[n % 2].exchange, 0, n_slices);
    }
    client->Drain();
    const std::lock_guard lock(mutex);
    n_asked += client->counts().n_pulled_keys;
  };
  testing::RunCluster(CopyJob(n_slices, n_copies, 8), {2, n_workers}, 1, work);
  return n_asked / n_workers;
}

TEST(Replica, AHotRowIsAskedForOnceInItsRefreshWhateverTheNumbersOfWorkersAndSlices) {
  for (const auto& [n_workers, n_slices] : {std::pair(1, 1), std::pair(4, 4), std::pair(4, 1),
                                            std::pair(8, 2), std::pair(5, 2), std::pair(2, 8)}) {
    EXPECT_EQ(NumAsked(n_workers, n_slices, 0), 10 * 160);
    // The last gradients are sent at the end.
    EXPECT_EQ(NumAsked(n_workers, n_slices, 32), 10 * (160 / 8 + 1))
        << n_workers << " workers, " << n_slices << " slices";
  }
}

/// Steps of one worker of four that share one slice a step, with others in between that are drawn.
/// Every read must see the gradients of this worker that are older than what the contract allows.
void CheckAges(uint64_t seed, uint64_t longest_jump, uint64_t first_clock = 0) {
  constexpr int kRefresh = 8;
  constexpr uint64_t kRefreshClock = 4 * kRefresh;
  constexpr size_t kSteps = 120;
  const auto work = [&](int worker, net::Mailbox*, Client* client) {
    if (worker != 0) return;
    Random random(seed);
    std::vector<uint64_t> clocks = {first_clock};
    std::vector<std::vector<float>> true_weights = {std::vector<float>(100)};  // [step][key]
    CopyStep steps[2];
    const auto start = [&](uint64_t clock, CopyStep* step) {
      std::set<Key> keys;
      for (int i = 0; i < 10; ++i) keys.insert(random.Below(random.Below(4) == 0 ? 100 : 8));
      if (random.Below(20) == 0) keys.clear();
      *step = CopyStep({keys.begin(), keys.end()});
      step->Start(clock, client);
    };
    start(first_clock, &steps[0]);
    size_t oldest = 0;  // the first step whose gradients a read need not see
    for (size_t n = 0; n < kSteps; ++n) {
      clocks.push_back(clocks.back() + random.Below(longest_jump + 1));
      start(clocks.back(), &steps[(n + 1) % 2]);
      CopyStep& step = steps[n % 2];
      client->PullFinish(&step.exchange);
      // A pull leaves out the gradients of the step before it, and of those that wait in the sums;
      // a copy may be as old once more.
      while (n - oldest > 2 * kRefresh ||
             clocks[n] - clocks[oldest] >= 2 * kRefreshClock + 3 * longest_jump)
        ++oldest;
      for (size_t i = 0; i < step.keys.size(); ++i) {
        EXPECT_LE(step.weights[i * kCopyDim], true_weights[oldest][step.keys[i]])
            << "seed " << seed << ", step " << n << ", key " << step.keys[i];
        EXPECT_GE(step.weights[i * kCopyDim], true_weights.back()[step.keys[i]]);
      }
      true_weights.push_back(true_weights.back());
      for (const Key key : step.keys) true_weights.back()[key] -= 1;
      client->PushStart(&step.exchange, 0, 1);
    }
    CopyStep& last = steps[kSteps % 2];
    client->PullFinish(&last.exchange);
    std::ranges::fill(last.gradients, 0.0f);
    client->PushStart(&last.exchange, 0, 1);
    client->Drain();
    std::vector<Key> all(100);
    std::iota(all.begin(), all.end(), Key{0});
    EXPECT_EQ(Peek(all, client), true_weights.back());
  };
  testing::RunCluster(CopyJob(1, 32, kRefresh), {2, 4}, seed, work);
}

TEST(Replica, NoReadIsOlderThanItsStepsAndTheJobsClockAllow) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    CheckAges(seed, 8);   // as fast as the others: its own steps are the limit
    CheckAges(seed, 40);  // five times slower: the job's clock is
    CheckAges(seed, 40, (uint64_t{1} << 32) - 1000);
  }
}

/// The third step that pulls a key admits it, also where each step is begun before the one before
/// is finished. Then it is copied.
TEST(Replica, AKeyWithoutARowIsPulledByEveryStep) {
  Job job = CopyJob(1, 32, 8);
  job.mutable_table(0)->mutable_init()->mutable_uniform()->set_range(1);
  zhiyin::Admission::Exact* const exact =
      job.mutable_table(0)->mutable_admission()->mutable_exact();
  exact->set_sightings(3);
  exact->set_max_candidates(1 << 20);
  const auto work = [](int, net::Mailbox*, Client* client) {
    constexpr uint64_t kSteps = 24;
    CopyStep steps[2] = {CopyStep({7}), CopyStep({7})};
    steps[0].Start(0, client);
    for (uint64_t n = 0; n < kSteps; ++n) {
      if (n + 1 < kSteps) steps[(n + 1) % 2].Start(n + 1, client);
      CopyStep& step = steps[n % 2];
      client->PullFinish(&step.exchange);
      EXPECT_EQ(step.weights[0] != 0, n >= 2) << "step " << n;
      client->PushStart(&step.exchange, 0, 1);
    }
    client->Drain();
    EXPECT_LT(client->counts().n_pulled_keys, 10) << "it has copies now";
  };
  testing::RunCluster(job, {1, 1}, 1, work);
}

TEST(Replica, ACopyEndsBeforeTheServerMayTakeItsRowForUnused) {
  Job job = CopyJob(1, 32, 8);
  job.mutable_table(0)->mutable_eviction()->set_ttl_steps(10);
  job.mutable_table(0)->mutable_eviction()->set_sweep_steps(1);
  const auto work = [](int worker, net::Mailbox*, Client* client) {
    const Key key = static_cast<Key>(worker);
    for (uint64_t n = 0; n < 50; ++n) {
      CopyStep step({key});
      step.Start(4 * n, client);
      client->PullFinish(&step.exchange);
      client->PushStart(&step.exchange, 0, 1);
    }
    client->Drain();
    EXPECT_EQ(Peek({key}, client)[0], -50) << "the row has lost what it had learnt";
  };
  for (uint64_t seed = 1; seed <= 5; ++seed) testing::RunCluster(job, {1, 2}, seed, work);
}

}  // namespace
}  // namespace zhiyin::ps::client
