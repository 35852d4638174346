// At staleness 0 a step's outcome depends on what was pulled and pushed, not on whose pull came
// first, nor on the number of servers and workers: rules that keys compete under, each short of
// room.
#include <gmock/gmock.h>

#include <numeric>

#include "common/random.h"
#include "ps/partitioner.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::ps::server {
namespace {

constexpr int kOrderDim = 2;
constexpr int kSlices = 4;
constexpr uint64_t kSteps = 12;
constexpr Key kKeys = 20000;

struct Outcome {
  std::vector<float> weights;  // [kKeys, kOrderDim]
  int64_t n_rows = 0;
  RowCounts counts;
};

/// The keys of a slice of a step: the first more often than the last.
std::vector<Key> KeysOf(uint64_t step, int slice) {
  Random random(100 * step + static_cast<uint64_t>(slice));
  std::vector<Key> keys;
  for (Key key = 0; key < kKeys; ++key) {
    if (random.Below(kKeys) < kKeys / 20 + kKeys / 8 / (1 + key / 1000)) keys.push_back(key);
  }
  return keys;
}

Outcome OutcomeOf(const Job& job, int n_servers, int n_workers, uint64_t seed) {
  Outcome outcome;
  testing::RunCluster(job, {n_servers, n_workers}, seed,
                      [&](int worker, net::Mailbox*, client::Client* client) {
                        for (uint64_t step = 0; step < kSteps; ++step) {
                          for (int slice = worker; slice < kSlices; slice += n_workers) {
                            const std::vector<Key> keys = KeysOf(step, slice);
                            std::vector<float> weights(keys.size() * kOrderDim);
                            std::vector<float> gradients(keys.size() * kOrderDim);
                            for (size_t i = 0; i < gradients.size(); ++i)
                              gradients[i] = 0.01f * static_cast<float>(i % 7);
                            client::Exchange exchange;
                            exchange.clock = step;
                            exchange.parts.resize(3);
                            exchange.parts[1] = {keys, true, weights.data(), gradients.data()};
                            client->PullStart(&exchange);
                            client->PullFinish(&exchange);
                            for (size_t i = 0; i < gradients.size(); ++i)
                              gradients[i] += weights[i];
                            client->PushStart(&exchange, slice, kSlices);
                          }
                        }
                        client->Drain();
                        if (worker != 0) return;
                        // A pull of the next step waits until all have pushed theirs.
                        client::Exchange next;
                        next.clock = kSteps;
                        next.parts.resize(3);
                        std::vector<Key> dense(16);  // of every server some
                        std::iota(dense.begin(), dense.end(), Key{0});
                        next.parts[0] = {dense, false, nullptr, nullptr};
                        client->PullStart(&next);
                        client->PullFinish(&next);
                        std::vector<Key> keys(kKeys);
                        std::iota(keys.begin(), keys.end(), Key{0});
                        outcome.weights.resize(kKeys * kOrderDim);
                        client::Exchange peek;
                        peek.parts.resize(3);
                        peek.parts[1] = {keys, true, outcome.weights.data(), nullptr};
                        client->PeekStart(&peek);
                        client->PullFinish(&peek);
                        const ServerReport report = client->Report();
                        outcome.n_rows = report.tables[1].n_rows;
                        outcome.counts = report.tables[1].counts;
                      });
  return outcome;
}

Job CrowdedJob(bool bloom, Eviction::WhenFull when_full, int64_t rows_of_shard) {
  Job job = testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", kOrderDim);
  zhiyin::Table& table = *job.mutable_table(0);
  table.mutable_init()->mutable_normal()->set_stddev(1);
  if (bloom) {
    table.mutable_admission()->mutable_counting_bloom()->set_sightings(3);
    table.mutable_admission()->mutable_counting_bloom()->set_bytes(8 * kNumShards);
  } else {
    table.mutable_admission()->mutable_exact()->set_sightings(2);
    table.mutable_admission()->mutable_exact()->set_max_candidates(
        kNumShards);  // a bucket of four each
  }
  table.mutable_eviction()->set_max_bytes(kNumShards * (200 + 70 * rows_of_shard));
  table.mutable_eviction()->set_when_full(when_full);
  table.mutable_eviction()->set_sweep_steps(3);
  table.mutable_eviction()->set_min_pulls(2);
  job.mutable_train()->set_staleness(0);
  return job;
}

TEST(Order, OfAStepsPullsAndTheShapeChangeNoBit) {
  for (const bool bloom : {true, false}) {
    for (const Eviction::WhenFull when_full : {Eviction::EVICT_OLDEST, Eviction::REFUSE}) {
      SCOPED_TRACE(std::string(bloom ? "bloom " : "exact ") + Eviction::WhenFull_Name(when_full));
      const Job job = CrowdedJob(bloom, when_full, 1);
      const Outcome expected = OutcomeOf(job, 1, 1, 1);
      EXPECT_GT(expected.counts.not_admitted, 1000);
      EXPECT_GT(expected.counts.displaced, 100);
      EXPECT_GT(expected.counts.rare, 10);
      if (when_full == Eviction::REFUSE) {
        EXPECT_GT(expected.counts.no_room, 500);
      }
      uint64_t seed = 2;
      for (const auto& [n_servers, n_workers] :
           {std::pair(1, 4), std::pair(1, 4), std::pair(3, 4), std::pair(3, 4), std::pair(2, 2)}) {
        SCOPED_TRACE(std::to_string(n_servers) + "x" + std::to_string(n_workers));
        const Outcome other = OutcomeOf(job, n_servers, n_workers, seed++);
        EXPECT_TRUE(other.weights == expected.weights);
        EXPECT_EQ(other.n_rows, expected.n_rows);
        for (const auto& [name, count] : kRowCounts)
          EXPECT_EQ(other.counts.*count, expected.counts.*count) << name;
      }
    }
  }
}

TEST(Order, FullTablesStopAtTheSameStep) {
  const Job job = CrowdedJob(false, Eviction::FAIL, 3);
  std::string expected;
  for (const auto& [n_workers, seed] : {std::pair(1, 1), std::pair(4, 2), std::pair(4, 3)}) {
    try {
      OutcomeOf(job, 1, n_workers, static_cast<uint64_t>(seed));
      FAIL() << "a full table";
    } catch (const std::exception& e) {
      if (expected.empty()) expected = e.what();
      EXPECT_EQ(e.what(), expected);
    }
  }
  EXPECT_THAT(expected, ::testing::HasSubstr("eviction.max_bytes are used up"));
}

}  // namespace
}  // namespace zhiyin::ps::server
