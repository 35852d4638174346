// A whole parameter server against a naive twin: random pulls, pushes, peeks, evictions and growth
// of several workers, on any number of servers, in every type of number, under every rule of
// admission and eviction. Gradients and weights are small whole numbers, so that nothing is
// rounded. After each action all rows, their weights and all counts are compared.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "common/error.h"
#include "common/random.h"
#include "ps/partitioner.h"
#include "ps/table/table.h"
#include "tests/support/cluster.h"
#include "tests/support/example_jobs.h"

namespace zhiyin::ps::server {
namespace {

constexpr int kTwinDim = 3;
constexpr TableId kTable = 1;

/// Keys of a few shards, so that they compete for what a shard has, and some of others.
const std::vector<Key>& AllKeys() {
  static const std::vector<Key> all = [] {
    std::vector<Key> keys;
    for (Key key = 0; keys.size() < 90; ++key) {
      const int shard = ShardOf(kTable, key);
      if (shard == 0 || shard == 1500 || shard == 4000) keys.push_back(key);
    }
    for (Key key = 0; keys.size() < 120; ++key) keys.push_back(Mix(key) | 1);
    return keys;
  }();
  return all;
}

/// Sightings of one table, as plainly as they can be written.
class TwinCounts {
 public:
  explicit TwinCounts(const zhiyin::Admission& config) : config_(config) {
    const auto part = [](int64_t whole) {
      return std::max<int64_t>((whole + kNumShards - 1) / kNumShards, 1);
    };
    if (config.has_exact()) {
      wanted_ = config.exact().sightings();
      size_ = part((config.exact().max_candidates() + 3) / 4);
    } else if (config.has_counting_bloom()) {
      wanted_ = config.counting_bloom().sightings();
      size_ = part(config.counting_bloom().bytes());
    }
  }
  int64_t wanted() const { return wanted_; }

  int64_t Count(Key key, uint64_t step) {
    if (config_.has_counting_bloom()) {
      int64_t least = 255;
      for (const int64_t place : Places(key)) least = std::min(least, ShardCounters(key)[place]);
      return least;
    }
    for (const Candidate& c : Bucket(key)) {
      if (c.n > 0 && c.key == key) return c.n - (c.last == step ? 1 : 0);
    }
    return 0;
  }
  void Sight(Key key, uint64_t step, bool has_row) {
    if (config_.has_counting_bloom()) {
      auto& counters = ShardCounters(key);
      const int64_t least = Count(key, step);
      for (const int64_t place : Places(key))
        if (counters[place] == least) counters[place] = std::min<int64_t>(least + 1, 255);
      if (++n_taken_[ShardOf(kTable, key)] >= size_) {
        for (auto& [place, n] : counters) n /= 2;
        n_taken_[ShardOf(kTable, key)] = 0;
      }
      return;
    }
    auto& bucket = Bucket(key);
    Candidate* at = nullptr;
    for (Candidate& c : bucket)
      if (c.n > 0 && c.key == key) at = &c;
    if (has_row) {
      if (at != nullptr) *at = Candidate();
      return;
    }
    if (at == nullptr) {
      at = &bucket[0];
      for (Candidate& c : bucket)
        if (c.n < at->n || (c.n == at->n && c.last < at->last)) at = &c;
      *at = {key, 0, 0};
    } else if (at->last == step) {
      return;
    }
    at->n = std::min(at->n + 1, wanted_);
    at->last = std::max(at->last, step);
  }

 private:
  struct Candidate {
    Key key = 0;
    int64_t n = 0;
    uint64_t last = 0;
  };
  static int64_t Within(uint64_t bits, int64_t n) {
    return static_cast<int64_t>((((bits >> 20) & 0xffffffff) * static_cast<uint64_t>(n)) >> 32);
  }
  std::array<Candidate, 4>& Bucket(Key key) {
    return buckets_[{ShardOf(kTable, key), Within(PlacementBits(kTable, key), size_)}];
  }
  std::map<int64_t, int64_t>& ShardCounters(Key key) { return counters_[ShardOf(kTable, key)]; }
  std::set<int64_t> Places(Key key) const {
    std::set<int64_t> places;
    uint64_t bits = Mix(PlacementBits(kTable, key));
    for (int i = 0; i < 4; ++i, bits = Mix(bits + 1)) places.insert(Within(bits, size_));
    return places;
  }

  zhiyin::Admission config_;
  int64_t wanted_ = 1;
  int64_t size_ = 1;
  std::map<std::pair<int, int64_t>, std::array<Candidate, 4>> buckets_;
  std::map<int, std::map<int64_t, int64_t>> counters_;
  std::map<int, int64_t> n_taken_;
};

/// One server's part of the table, as plainly as it can be written.
class Twin {
 public:
  Twin(const Job& job, int n_workers)
      : config_(job.table(0)),
        synchronous_(job.train().staleness() == 0),
        max_rows_(table::MaxRowsOfShard(table::TableSpecs(job)[kTable])),
        sighted_(config_.admission()),
        latest_(static_cast<size_t>(n_workers)) {}

  /// nullptr: the key has no row.
  std::vector<float>* Find(Key key, uint64_t step) {
    ++counts.looked_up;
    const auto it = rows_.find(key);
    if (it == rows_.end()) return nullptr;
    ++counts.found;
    it->second.last_step = std::max(it->second.last_step, step);
    ++it->second.n_pulls;
    return &it->second.weights;
  }
  /// A key of a pull that has no row, once all that have one were found. nullptr: it is refused.
  std::vector<float>* Create(Key key, uint64_t step, const std::multiset<uint64_t>& in_use) {
    if (!Admits(key, step)) {
      ++counts.not_admitted;
      return nullptr;
    }
    if (!HasRoom(key, in_use)) {
      ++counts.no_room;
      return nullptr;
    }
    ++counts.created;
    return &rows_.emplace(key, Row{std::vector<float>(kTwinDim), step, 1, true})
                .first->second.weights;
  }
  /// What a pull does before its keys.
  void Open(uint64_t step) {
    if (sighted_.wanted() == 1) return;
    while (open_.size() + (open_.contains(step) ? 0 : 1) > 8 && open_.begin()->first != step)
      CloseFirst();
    open_[step];
  }

  std::vector<float> Peek(Key key) const {
    const auto it = rows_.find(key);
    return it == rows_.end() ? std::vector<float>(kTwinDim) : it->second.weights;
  }

  /// What the push of a worker brings, `in_use`: steps whose pulls wait for their push.
  void Pushed(int worker, uint64_t step, const std::multiset<uint64_t>& in_use) {
    latest_[static_cast<size_t>(worker)] = std::max(latest_[static_cast<size_t>(worker)], step);
    EndStep(*std::min_element(latest_.begin(), latest_.end()), in_use);
  }
  void EndStep(uint64_t clock, const std::multiset<uint64_t>& in_use) {
    if (max_rows_ > 0) KeepBound(in_use);
    while (!open_.empty() && open_.begin()->first < clock + (synchronous_ ? 1 : 0)) CloseFirst();
    const Eviction& rules = config_.eviction();
    if (rules.ttl_steps() == 0 && rules.min_pulls() == 0 && rules.min_norm() == 0 && max_rows_ == 0)
      return;
    if (next_sweep_ == kNotYet) next_sweep_ = clock;
    for (int n = 0; n < 4 && next_sweep_ <= clock; ++n, ++next_sweep_) {
      const uint64_t n_slices = static_cast<uint64_t>(rules.sweep_steps());
      const uint64_t slice = next_sweep_ % n_slices;
      for (auto it = rows_.begin(); it != rows_.end();) {
        const uint64_t shard = static_cast<uint64_t>(ShardOf(kTable, it->first));
        const bool is_due =
            shard >= slice * kNumShards / n_slices && shard < (slice + 1) * kNumShards / n_slices;
        it = is_due && IsOver(&it->second, clock, in_use) ? rows_.erase(it) : std::next(it);
      }
    }
  }

  size_t n_rows() const { return rows_.size(); }
  /// Whether the table is full and the job is to stop.
  bool stopped() const { return stopped_; }
  RowCounts counts;

 private:
  struct Row {
    std::vector<float> weights;
    uint64_t last_step;
    int64_t n_pulls;
    bool is_new;
  };
  static constexpr uint64_t kNotYet = ~uint64_t{0};

  bool Admits(Key key, uint64_t step) {
    if (sighted_.wanted() == 1) return true;
    open_[step].insert(key);
    int64_t n = sighted_.Count(key, step);
    for (const auto& [other, keys] : open_) n += keys.contains(key);
    return n >= sighted_.wanted();
  }
  void CloseFirst() {
    const auto [step, keys] = *open_.begin();
    for (const Key key : keys) sighted_.Sight(key, step, rows_.contains(key));
    open_.erase(open_.begin());
  }
  int64_t ShardSize(int shard) const {
    return std::count_if(rows_.begin(), rows_.end(),
                         [&](const auto& row) { return ShardOf(kTable, row.first) == shard; });
  }

  bool HasRoom(Key key, const std::multiset<uint64_t>& in_use) {
    if (max_rows_ == 0) return true;
    const int shard = ShardOf(kTable, key);
    if (config_.eviction().when_full() == Eviction::EVICT_OLDEST) {
      if (synchronous_) return true;
      Trim(shard, max_rows_ - 1, in_use);
      return ShardSize(shard) < max_rows_;
    }
    const int64_t n = ShardSize(shard);
    const int64_t n_before = synchronous_ ? n - static_cast<int64_t>(new_keys_[shard].size()) : n;
    if (n_before < max_rows_) {
      new_keys_[shard].push_back(key);
      return true;
    }
    if (config_.eviction().when_full() == Eviction::FAIL) stopped_ = true;
    return false;
  }
  void KeepBound(const std::multiset<uint64_t>& in_use) {
    if (config_.eviction().when_full() == Eviction::EVICT_OLDEST) {
      std::set<int> shards;
      for (const auto& [key, row] : rows_) shards.insert(ShardOf(kTable, key));
      for (const int shard : shards) Trim(shard, max_rows_, in_use);
    } else if (synchronous_) {
      for (auto& [shard, keys] : new_keys_) {
        std::sort(keys.begin(), keys.end(),
                  [](Key a, Key b) { return PlacementBits(kTable, a) > PlacementBits(kTable, b); });
        for (const Key key : keys) {
          if (ShardSize(shard) <= max_rows_) break;
          if (config_.eviction().when_full() == Eviction::FAIL) stopped_ = true;
          rows_.erase(key);
          ++counts.displaced;
        }
      }
    }
    new_keys_.clear();
  }
  /// Evicts the oldest rows of a shard until it has n_kept.
  void Trim(int shard, int64_t n_kept, const std::multiset<uint64_t>& in_use) {
    std::set<std::tuple<uint64_t, int64_t, Key>> by_use;
    for (const auto& [key, row] : rows_) {
      if (ShardOf(kTable, key) == shard && (in_use.empty() || row.last_step < *in_use.begin()))
        by_use.emplace(row.last_step, row.n_pulls, key);
    }
    int64_t n_surplus = ShardSize(shard) - n_kept;
    for (auto it = by_use.begin(); it != by_use.end() && n_surplus-- > 0; ++it, ++counts.displaced)
      rows_.erase(std::get<2>(*it));
  }

  bool IsOver(Row* row, uint64_t clock, const std::multiset<uint64_t>& in_use) {
    const Eviction& rules = config_.eviction();
    if (!in_use.empty() && row->last_step >= *in_use.begin()) return false;
    const Row before = *row;
    row->n_pulls = 0;
    row->is_new = false;
    double square = 0;
    for (const float w : row->weights) square += w * w;
    if (rules.ttl_steps() > 0 &&
        clock > before.last_step + static_cast<uint64_t>(rules.ttl_steps())) {
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
  bool synchronous_;
  int64_t max_rows_;  // of a shard; 0: any number
  TwinCounts sighted_;
  std::map<Key, Row> rows_;
  std::map<uint64_t, std::set<Key>> open_;
  std::map<int, std::vector<Key>> new_keys_;  // since the last EndStep
  bool stopped_ = false;
  std::vector<uint64_t> latest_;  // [worker]
  uint64_t next_sweep_ = kNotYet;
};

Job RandomJob(Random* random) {
  Job job = testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", kTwinDim);
  zhiyin::Table& table = *job.mutable_table(0);
  table.mutable_optimizer()->mutable_sgd()->set_learning_rate(1);
  table.mutable_init()->mutable_zero();
  table.set_storage(static_cast<NumberType>(random->Below(3)));
  table.set_wire(static_cast<NumberType>(random->Below(3)));
  const bool is_synchronous = random->Below(3) == 0;
  job.mutable_train()->set_staleness(is_synchronous ? 0 : -1);
  const int64_t slices[] = {1, 3, 4096, 10000};
  Eviction& eviction = *table.mutable_eviction();
  eviction.set_sweep_steps(slices[random->Below(4)]);
  if (random->Below(2) == 0) eviction.set_ttl_steps(1 + static_cast<int64_t>(random->Below(8)));
  if (random->Below(3) == 0) eviction.set_min_pulls(1 + static_cast<int64_t>(random->Below(3)));
  if (random->Below(3) == 0) eviction.set_min_norm(1.5);
  zhiyin::Admission& admission = *table.mutable_admission();
  int64_t sightings_bytes = 0;  // of a shard
  const int64_t few = 1 + static_cast<int64_t>(random->Below(3));
  switch (random->Below(3)) {
    case 0:
      break;
    case 1: {
      // One bucket of four a shard, or many.
      const int64_t n_buckets = random->Below(2) == 0 ? 1 : 8;
      admission.mutable_exact()->set_sightings(few);
      admission.mutable_exact()->set_max_candidates(4 * kNumShards * n_buckets);
      sightings_bytes = 64 * n_buckets;
      break;
    }
    case 2:
      sightings_bytes = random->Below(2) == 0 ? 7 : 40;
      admission.mutable_counting_bloom()->set_sightings(few);
      admission.mutable_counting_bloom()->set_bytes(kNumShards * sightings_bytes);
      break;
  }
  if (random->Below(2) == 0) {
    // From 8 rows on, the oldest are listed ahead, which is exact at staleness 0 only.
    const int64_t n_rows = 1 + static_cast<int64_t>(random->Below(is_synchronous ? 20 : 7));
    eviction.set_max_bytes(kNumShards * (sightings_bytes + 97 + n_rows * 53));
    const uint64_t policy = random->Below(5);  // seldom FAIL: it ends the test of the seed
    eviction.set_when_full(policy < 2   ? Eviction::EVICT_OLDEST
                           : policy < 4 ? Eviction::REFUSE
                                        : Eviction::FAIL);
  }
  return job;
}

/// A pull that waits for its push, with what the twin knows of its rows.
struct InFlight {
  client::Exchange exchange;
  std::vector<Key> keys;
  std::vector<float> weights;
  std::vector<float> gradients;
  std::vector<std::vector<float>*> rows;
};

/// What all workers do, one at a time: they hand a turn around.
class Comparison {
 public:
  Comparison(const Job& job, int n_servers, int n_workers, Random* random)
      : n_servers_(n_servers),
        n_workers_(n_workers),
        synchronous_(job.train().staleness() == 0),
        twins_(static_cast<size_t>(n_servers), Twin(job, n_workers)),
        in_use_(static_cast<size_t>(n_servers)),
        in_flight_(static_cast<size_t>(n_workers)),
        steps_(static_cast<size_t>(n_workers)),
        random_(random) {}

  /// Without a bound on staleness: anything. At staleness 0 a worker pulls when it has pushed, and
  /// pushes when it has pulled.
  void Act(int worker, client::Client* client) {
    auto& own = in_flight_[static_cast<size_t>(worker)];
    uint64_t& step = steps_[static_cast<size_t>(worker)];
    if (random_->Below(5) == 0) {
      Peek(RandomKeys(), client);
    } else if (synchronous_) {
      if (!own.empty()) {
        Push(worker, 0, client);
      } else if (step <= n_complete_) {
        Pull(worker, step++, client);
      }
    } else if (random_->Below(5) == 0) {
      if (!own.empty()) Push(worker, random_->Below(own.size()), client);
    } else {
      Pull(worker, step, client);
      step += random_->Below(worker == 0 ? 4 : 2);
      if (own.size() > 3 || random_->Below(2) == 0)
        Push(worker, random_->Below(own.size()), client);
    }
    Check(client);
  }
  void Finish(int worker, client::Client* client) {
    while (!in_flight_[static_cast<size_t>(worker)].empty()) Push(worker, 0, client);
    Check(client);
  }
  /// Whether a server is to have ended the job.
  bool stopped() const {
    return std::any_of(twins_.begin(), twins_.end(),
                       [](const Twin& twin) { return twin.stopped(); });
  }

 private:
  size_t ServerOfKey(Key key) const {
    return static_cast<size_t>(ServerOf(kTable, key, n_servers_));
  }

  std::vector<Key> RandomKeys() {
    const std::vector<Key>& all = AllKeys();
    std::set<Key> keys;
    const uint64_t n = random_->Below(random_->Below(6) == 0 ? 100 : 12);
    const uint64_t range = random_->Below(3) == 0 ? all.size() : 30;
    for (uint64_t i = 0; i < n; ++i) keys.insert(all[random_->Below(range)]);
    return {keys.begin(), keys.end()};
  }

  void Pull(int worker, uint64_t step, client::Client* client) {
    InFlight& pull =
        *in_flight_[static_cast<size_t>(worker)].emplace_back(std::make_unique<InFlight>());
    pull.keys = RandomKeys();
    pull.weights.assign(pull.keys.size() * kTwinDim, -1);
    pull.gradients.resize(pull.weights.size());
    for (float& g : pull.gradients) g = static_cast<float>(random_->Below(3)) - 1;
    pull.exchange.clock = step;
    pull.exchange.parts.resize(3);
    pull.exchange.parts[kTable] = {pull.keys, true, pull.weights.data(), pull.gradients.data()};
    std::set<size_t> servers;
    for (const Key key : pull.keys) servers.insert(ServerOfKey(key));
    for (const size_t server : servers) {
      twins_[server].Open(step);
      in_use_[server].insert(step);
    }
    for (const Key key : pull.keys) pull.rows.push_back(twins_[ServerOfKey(key)].Find(key, step));
    for (size_t i = 0; i < pull.keys.size(); ++i) {
      const size_t server = ServerOfKey(pull.keys[i]);
      if (pull.rows[i] == nullptr)
        pull.rows[i] = twins_[server].Create(pull.keys[i], step, in_use_[server]);
    }
    client->PullStart(&pull.exchange);
    client->PullFinish(&pull.exchange);
    ASSERT_FALSE(stopped()) << "the server was to stop";
    for (size_t i = 0; i < pull.keys.size(); ++i) {
      const std::vector<float> expected =
          pull.rows[i] ? *pull.rows[i] : std::vector<float>(kTwinDim);
      const auto got = pull.weights.begin() + static_cast<std::ptrdiff_t>(i * kTwinDim);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), got))
          << "key " << pull.keys[i] << " at " << step;
    }
  }

  void Push(int worker, size_t which, client::Client* client) {
    auto& own = in_flight_[static_cast<size_t>(worker)];
    std::unique_ptr<InFlight> push = std::move(own[which]);
    own.erase(own.begin() + static_cast<std::ptrdiff_t>(which));
    const uint64_t step = push->exchange.clock;
    std::set<size_t> servers;
    for (const Key key : push->keys) servers.insert(ServerOfKey(key));
    for (const size_t server : servers) in_use_[server].erase(in_use_[server].find(step));
    if (synchronous_) {
      gathered_.push_back(push.get());
      if (static_cast<int>(gathered_.size()) == n_workers_) {
        for (const InFlight* slice : gathered_) Apply(*slice);
        for (Twin& twin : twins_) twin.EndStep(step, {});
        gathered_.clear();
        ++n_complete_;
      }
    } else {
      Apply(*push);
      for (const size_t server : servers) twins_[server].Pushed(worker, step, in_use_[server]);
    }
    client->PushStart(&push->exchange, synchronous_ ? worker : 0, synchronous_ ? n_workers_ : 1);
    client->Drain();
    ASSERT_FALSE(stopped()) << "the server was to stop";
    if (synchronous_) kept_.push_back(std::move(push));
  }
  static void Apply(const InFlight& push) {
    for (size_t i = 0; i < push.keys.size(); ++i) {
      for (size_t d = 0; push.rows[i] != nullptr && d < kTwinDim; ++d)
        (*push.rows[i])[d] -= push.gradients[i * kTwinDim + d];
    }
  }

  void Peek(const std::vector<Key>& keys, client::Client* client) {
    std::vector<float> weights(keys.size() * kTwinDim, -1);
    client::Exchange exchange;
    exchange.parts.resize(3);
    exchange.parts[kTable] = {keys, true, weights.data(), nullptr};
    client->PeekStart(&exchange);
    client->PullFinish(&exchange);
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::vector<float> expected = twins_[ServerOfKey(keys[i])].Peek(keys[i]);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(),
                             weights.begin() + static_cast<std::ptrdiff_t>(i * kTwinDim)))
          << "key " << keys[i];
    }
  }

  /// All rows, all counts.
  void Check(client::Client* client) {
    if (::testing::Test::HasFatalFailure()) return;
    Peek(AllKeys(), client);
    const ServerReport report = client->Report();
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
    for (const auto& [name, count] : kRowCounts) ASSERT_EQ(counts.*count, expected.*count) << name;
    ASSERT_EQ(table.n_rows, n_rows);
  }

  int n_servers_;
  int n_workers_;
  bool synchronous_;
  std::vector<Twin> twins_;
  std::vector<std::multiset<uint64_t>> in_use_;                    // [server]
  std::vector<std::vector<std::unique_ptr<InFlight>>> in_flight_;  // [worker]
  std::vector<uint64_t> steps_;                                    // [worker], of its next pull
  std::vector<const InFlight*> gathered_;        // at staleness 0, of the step in hand
  std::vector<std::unique_ptr<InFlight>> kept_;  // for gathered_
  uint64_t n_complete_ = 0;
  Random* random_;
};

constexpr uint64_t kAct = 0;
constexpr uint64_t kFinish = 1;

/// One of the cluster's workers; worker 0 says whose turn it is.
void TakeTurns(int worker, int n_workers, const net::RoleMap& roles, Random* random,
               net::Mailbox* mailbox, client::Client* client, Comparison* comparison) {
  if (worker != 0) {
    for (uint64_t turn = kAct; turn != kFinish;) {
      turn = mailbox->Await({net::FrameKind::kBroadcast}, "a turn").header().clock;
      turn == kAct ? comparison->Act(worker, client) : comparison->Finish(worker, client);
      mailbox->Send(roles.ChiefRank(), net::Frame(net::FrameKind::kBroadcast, 0, 0, 0));
    }
    return;
  }
  const auto let = [&](int other, uint64_t turn) {
    mailbox->Send(roles.RankOfWorker(other), net::Frame(net::FrameKind::kBroadcast, 0, turn, 0));
    mailbox->Await({net::FrameKind::kBroadcast}, "the end of a turn");
  };
  for (int n = 0; n < 50 && !::testing::Test::HasFatalFailure(); ++n) {
    const int whose = static_cast<int>(random->Below(static_cast<uint64_t>(n_workers)));
    whose == 0 ? comparison->Act(0, client) : let(whose, kAct);
  }
  comparison->Finish(0, client);
  for (int other = 1; other < n_workers; ++other) let(other, kFinish);
}

/// Seeds [100 n, 100 n + 100).
class ServerAgainstTwin : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ServerAgainstTwin, HoldsTheSameRowsAndCounts) {
  RowCounts all;
  int n_stopped = 0;
  for (uint64_t seed = 100 * GetParam(); seed < 100 * GetParam() + 100; ++seed) {
    Random random(seed);
    const Job job = RandomJob(&random);
    const net::RoleMap roles{1 + static_cast<int>(random.Below(3)),
                             1 + static_cast<int>(random.Below(3))};
    Comparison comparison(job, roles.n_servers, roles.n_workers, &random);
    std::string error;
    try {
      testing::RunCluster(
          job, roles, seed, [&](int worker, net::Mailbox* mailbox, client::Client* client) {
            TakeTurns(worker, roles.n_workers, roles, &random, mailbox, client, &comparison);
            if (worker != 0) return;
            for (const auto& [name, count] : kRowCounts)
              all.*count += client->Report().tables[kTable].counts.*count;
          });
    } catch (const Error& e) {
      error = e.what();
    }
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    ASSERT_EQ(comparison.stopped(), !error.empty()) << "seed " << seed << ": " << error;
    if (comparison.stopped()) {
      ASSERT_THAT(error, ::testing::HasSubstr("eviction.max_bytes are used up"));
    }
    n_stopped += !error.empty();
  }
  EXPECT_GT(n_stopped, 0);
  for (const auto& [name, count] : kRowCounts)
    EXPECT_EQ(all.*count > 0, count != &RowCounts::loaded)
        << name << ": a test that never sees it proves nothing";
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerAgainstTwin, ::testing::Range(uint64_t{0}, uint64_t{10}));

}  // namespace
}  // namespace zhiyin::ps::server
