// A whole parameter server against a naive twin: random pulls, pushes, peeks, evictions and growth, on any
// number of servers, in every type of number. Gradients and weights are small whole numbers, so that nothing
// is rounded.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "common/partitioner.h"
#include "common/random.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::ps {
namespace {

constexpr int kDim = 3;
constexpr TableId kTable = 1;

/// One server's part of the table, as plainly as it can be written.
class Twin {
 public:
  explicit Twin(const zhiyin::Table& config) : config_(config) {}

  /// nullptr: the key is refused.
  std::vector<float>* Pull(Key key, uint64_t step) {
    ++counts.looked_up;
    auto it = rows_.find(key);
    if (it != rows_.end()) {
      ++counts.found;
    } else {
      const int64_t wanted = config_.admission().exact().sightings();
      if (wanted > 1) {
        sightings_[key].insert(step);
        if (static_cast<int64_t>(sightings_[key].size()) < wanted) {
          ++counts.not_admitted;
          return nullptr;
        }
        sightings_.erase(key);
      }
      ++counts.created;
      it = rows_.emplace(key, Row{std::vector<float>(kDim), step, 0, true}).first;
    }
    it->second.last_step = std::max(it->second.last_step, step);
    ++it->second.n_pulls;
    return &it->second.weights;
  }

  std::vector<float> Peek(Key key) const {
    const auto it = rows_.find(key);
    return it == rows_.end() ? std::vector<float>(kDim) : it->second.weights;
  }

  /// The sweep of everything that a push of `step` brings; `in_use`: steps whose pulls wait for their push.
  void Sweep(uint64_t step, const std::multiset<uint64_t>& in_use) {
    latest_ = std::max(latest_, step);
    if (next_sweep_ == kNotYet) next_sweep_ = latest_;
    for (int n = 0; n < 4 && next_sweep_ <= latest_; ++n, ++next_sweep_) {
      const uint64_t n_slices = static_cast<uint64_t>(config_.eviction().sweep_steps());
      const uint64_t slice = next_sweep_ % n_slices;
      for (auto it = rows_.begin(); it != rows_.end();) {
        const uint64_t shard = static_cast<uint64_t>(ShardOf(kTable, it->first));
        const bool is_due =
            shard >= slice * kNumShards / n_slices && shard < (slice + 1) * kNumShards / n_slices;
        it = is_due && IsOver(&it->second, in_use) ? rows_.erase(it) : std::next(it);
      }
    }
  }

  size_t n_rows() const { return rows_.size(); }
  RowCounts counts;

 private:
  struct Row {
    std::vector<float> weights;
    uint64_t last_step;
    int64_t n_pulls;
    bool is_new;
  };
  static constexpr uint64_t kNotYet = ~uint64_t{0};

  bool IsOver(Row* row, const std::multiset<uint64_t>& in_use) {
    const Eviction& rules = config_.eviction();
    if (!in_use.empty() && row->last_step >= *in_use.begin()) return false;
    const Row before = *row;
    row->n_pulls = 0;
    row->is_new = false;
    double square = 0;
    for (const float w : row->weights) square += w * w;
    if (rules.ttl_steps() > 0 && latest_ > before.last_step + static_cast<uint64_t>(rules.ttl_steps())) {
      ++counts.expired;
    } else if (!before.is_new && before.n_pulls < rules.min_pulls()) {
      ++counts.rare;
    } else if (!before.is_new && std::sqrt(square) < rules.min_norm()) {
      ++counts.small;
    } else {
      return false;
    }
    return true;
  }

  zhiyin::Table config_;
  std::map<Key, Row> rows_;
  std::map<Key, std::set<uint64_t>> sightings_;
  uint64_t latest_ = 0;
  uint64_t next_sweep_ = kNotYet;
};

Job RandomJob(Random* random) {
  Job job = testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", kDim);
  zhiyin::Table& table = *job.mutable_table(0);
  table.mutable_optimizer()->mutable_sgd()->set_learning_rate(1);
  table.mutable_init()->mutable_zero();
  table.set_storage(static_cast<NumberType>(random->Below(3)));
  table.set_wire(static_cast<NumberType>(random->Below(3)));
  const int64_t slices[] = {1, 3, 4096, 10000};
  table.mutable_eviction()->set_sweep_steps(slices[random->Below(4)]);
  if (random->Below(2) == 0)
    table.mutable_eviction()->set_ttl_steps(1 + static_cast<int64_t>(random->Below(8)));
  if (random->Below(3) == 0)
    table.mutable_eviction()->set_min_pulls(1 + static_cast<int64_t>(random->Below(3)));
  if (random->Below(3) == 0) table.mutable_eviction()->set_min_norm(1.5);
  if (random->Below(2) == 0) {
    table.mutable_admission()->mutable_exact()->set_sightings(1 + static_cast<int64_t>(random->Below(3)));
    table.mutable_admission()->mutable_exact()->set_max_candidates(int64_t{1} << 20);
  }
  job.mutable_train()->set_staleness(-1);
  return job;
}

/// A pull that waits for its push, with what the twin knows of its rows.
struct InFlight {
  Exchange exchange;
  std::vector<Key> keys;
  std::vector<float> weights;
  std::vector<float> gradients;
  std::vector<std::vector<float>*> rows;
};

class Comparison {
 public:
  Comparison(const Job& job, int n_servers, Random* random, Client* client)
      : n_servers_(n_servers),
        evicts_(job.table(0).eviction().ttl_steps() > 0 || job.table(0).eviction().min_pulls() > 0 ||
                job.table(0).eviction().min_norm() > 0),
        twins_(static_cast<size_t>(n_servers), Twin(job.table(0))),
        in_use_(static_cast<size_t>(n_servers)),
        random_(random),
        client_(client) {}

  void Step(uint64_t step) {
    switch (random_->Below(5)) {
      case 0:
        Peek();
        break;
      case 1:
        if (!in_flight_.empty()) Push(random_->Below(in_flight_.size()));
        break;
      default:
        Pull(step);
        if (in_flight_.size() > 3 || random_->Below(2) == 0) Push(random_->Below(in_flight_.size()));
    }
    CheckCounts();
  }
  void Finish() {
    while (!in_flight_.empty()) Push(0);
    CheckCounts();
  }

 private:
  size_t ServerOfKey(Key key) const { return static_cast<size_t>(ServerOf(kTable, key, n_servers_)); }

  std::vector<Key> RandomKeys() {
    std::set<Key> keys;
    const uint64_t n = random_->Below(random_->Below(6) == 0 ? 300 : 12);
    const uint64_t range = random_->Below(4) == 0 ? 5000 : 30;
    for (uint64_t i = 0; i < n; ++i) keys.insert(random_->Below(range));
    return {keys.begin(), keys.end()};
  }

  void Pull(uint64_t step) {
    InFlight& pull = *in_flight_.emplace_back(std::make_unique<InFlight>());
    pull.keys = RandomKeys();
    pull.weights.assign(pull.keys.size() * kDim, -1);
    pull.gradients.resize(pull.weights.size());
    for (float& g : pull.gradients) g = static_cast<float>(random_->Below(3)) - 1;
    pull.exchange.clock = step;
    pull.exchange.parts.resize(3);
    pull.exchange.parts[kTable] = {pull.keys, true, pull.weights.data(), pull.gradients.data()};
    client_->PullStart(&pull.exchange);
    client_->PullFinish(&pull.exchange);
    std::set<size_t> servers;
    for (size_t i = 0; i < pull.keys.size(); ++i) {
      const size_t server = ServerOfKey(pull.keys[i]);
      servers.insert(server);
      pull.rows.push_back(twins_[server].Pull(pull.keys[i], step));
      const std::vector<float> expected = pull.rows[i] ? *pull.rows[i] : std::vector<float>(kDim);
      const auto got = pull.weights.begin() + static_cast<std::ptrdiff_t>(i * kDim);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), got))
          << "key " << pull.keys[i] << " at " << step;
    }
    for (const size_t server : servers) in_use_[server].insert(step);
  }

  void Push(size_t which) {
    InFlight& push = *in_flight_[which];
    const uint64_t step = push.exchange.clock;
    client_->PushStart(&push.exchange, 0, 1);
    std::set<size_t> servers;
    for (size_t i = 0; i < push.keys.size(); ++i) {
      servers.insert(ServerOfKey(push.keys[i]));
      for (size_t d = 0; push.rows[i] != nullptr && d < kDim; ++d)
        (*push.rows[i])[d] -= push.gradients[i * kDim + d];
    }
    client_->Drain();
    for (const size_t server : servers) {
      in_use_[server].erase(in_use_[server].find(step));
      if (evicts_) twins_[server].Sweep(step, in_use_[server]);
    }
    in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void Peek() {
    const std::vector<Key> keys = RandomKeys();
    std::vector<float> weights(keys.size() * kDim, -1);
    Exchange exchange;
    exchange.parts.resize(3);
    exchange.parts[kTable] = {keys, true, weights.data(), nullptr};
    client_->PeekStart(&exchange);
    client_->PullFinish(&exchange);
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::vector<float> expected = twins_[ServerOfKey(keys[i])].Peek(keys[i]);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(),
                             weights.begin() + static_cast<std::ptrdiff_t>(i * kDim)))
          << "key " << keys[i];
    }
  }

  void CheckCounts() {
    const ServerReport report = client_->Report();
    const ServerReport::TableCount& table = report.tables[kTable];
    const RowCounts& counts = table.counts;
    ASSERT_EQ(counts.looked_up, counts.found + counts.created + counts.refused());
    ASSERT_EQ(counts.inserted(), table.n_rows + counts.evicted());
    int64_t n_rows = 0;
    RowCounts expected;
    for (const Twin& twin : twins_) {
      n_rows += static_cast<int64_t>(twin.n_rows());
      for (const auto& [name, count] : kRowCounts) expected.*count += twin.counts.*count;
    }
    ASSERT_EQ(table.n_rows, n_rows);
    for (const auto& [name, count] : kRowCounts) ASSERT_EQ(counts.*count, expected.*count) << name;
  }

  int n_servers_;
  bool evicts_;
  std::vector<Twin> twins_;
  std::vector<std::multiset<uint64_t>> in_use_;  // [server]
  Random* random_;
  Client* client_;
  std::vector<std::unique_ptr<InFlight>> in_flight_;
};

/// Seeds [100 n, 100 n + 100).
class ServerAgainstTwin : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ServerAgainstTwin, HoldsTheSameRowsAndCounts) {
  RowCounts all;
  for (uint64_t seed = 100 * GetParam(); seed < 100 * GetParam() + 100; ++seed) {
    Random random(seed);
    const Job job = RandomJob(&random);
    const int n_servers = 1 + static_cast<int>(random.Below(3));
    testing::RunCluster(job, {n_servers, 1}, seed, [&](int, Mailbox*, Client* client) {
      Comparison comparison(job, n_servers, &random, client);
      for (uint64_t step = 0; step < 40 && !::testing::Test::HasFatalFailure(); ++step) comparison.Step(step);
      comparison.Finish();
      for (const auto& [name, count] : kRowCounts)
        all.*count += client->Report().tables[kTable].counts.*count;
    });
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  for (const auto& [name, count] : kRowCounts) {
    const bool possible =
        count != &RowCounts::loaded && count != &RowCounts::displaced && count != &RowCounts::no_room;
    EXPECT_EQ(all.*count > 0, possible) << name << ": a test that never sees it proves nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerAgainstTwin, ::testing::Range(uint64_t{0}, uint64_t{10}));

}  // namespace
}  // namespace zhiyin::ps
