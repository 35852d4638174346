#include "ps/table/table.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "common/error.h"
#include "common/random.h"

namespace zhiyin::ps::table {
namespace {

TableSpec Spec(int dim) {
  TableSpec spec;
  spec.id = 1;
  spec.name = "t";
  spec.dim = dim;
  spec.optimizer.mutable_sgd()->set_learning_rate(1);
  spec.init.mutable_normal()->set_stddev(1);
  return spec;
}

std::vector<float> Weights(Table* table, Key key) {
  std::byte* row = nullptr;
  table->FindOrForce({&key, 1}, {&row, 1});
  std::vector<float> weights(static_cast<size_t>(table->dim()));
  table->ReadWeights({&row, 1}, FP32, weights.data());
  return weights;
}

TEST(Table, FindsWhatItMadeAndNothingElse) {
  Table table(Spec(4), 1);
  std::vector<Key> keys = {0, 1, ~Key{0}, 17};
  std::vector<std::byte*> made(4);
  table.FindOrCreate(keys, 0, made);
  EXPECT_EQ(table.n_rows(), 4);
  std::vector<std::byte*> found(4);
  table.Find(keys, found);
  EXPECT_EQ(found, made);
  const Key absent = 18;
  std::byte* row = made[0];
  table.Find({&absent, 1}, {&row, 1});
  EXPECT_EQ(row, nullptr);
  EXPECT_EQ(table.n_rows(), 4);
}

TEST(Table, ANewRowDependsOnSeedTableAndKeyAlone) {
  Table first(Spec(8), 1);
  Table second(Spec(8), 1);
  Weights(&first, 3);
  Weights(&first, 4);
  Weights(&second, 4);
  EXPECT_EQ(Weights(&first, 3), Weights(&second, 3));
  EXPECT_NE(Weights(&first, 3), Weights(&first, 4));
  Table other_seed(Spec(8), 2);
  EXPECT_NE(Weights(&first, 3), Weights(&other_seed, 3));
  TableSpec other = Spec(8);
  other.id = 2;
  Table other_table(other, 1);
  EXPECT_NE(Weights(&first, 3), Weights(&other_table, 3));
}

TEST(Table, ChangesOnlyTheRowsOfAStep) {
  Table table(Spec(2), 1);
  const std::vector<float> before = Weights(&table, 1);
  const std::vector<float> bystander = Weights(&table, 2);
  const Key key = 1;
  std::byte* row = nullptr;
  table.Find({&key, 1}, {&row, 1});
  const float gradient[] = {10, -10};
  table.Apply({&row, 1}, gradient, nullptr, 0);
  EXPECT_EQ(Weights(&table, 1), (std::vector<float>{before[0] - 10, before[1] + 10}));
  EXPECT_EQ(Weights(&table, 2), bystander);
}

TEST(Table, SixteenBitWeightsMoveByTheGradientOnAverage) {
  for (const NumberType storage : {FP16, BF16}) {
    TableSpec spec = Spec(3);
    spec.storage = storage;
    spec.init.mutable_uniform()->set_range(0);
    Table table(spec, 1);
    const Key key = 1;
    std::byte* row = nullptr;
    table.FindOrCreate({&key, 1}, 0, {&row, 1});
    const float one[] = {-1, -1, -1};
    table.Apply({&row, 1}, one, nullptr, 0);
    // A 64th of a unit in the last place each time: nearest rounding would never move.
    const float tiny = storage == FP16 ? -0x1p-16f : -0x1p-13f;
    const float gradient[] = {tiny, tiny, tiny};
    for (uint64_t step = 1; step <= 4000; ++step) table.Apply({&row, 1}, gradient, nullptr, step);
    const std::vector<float> weights = Weights(&table, key);
    double mean = 0;
    for (const float w : weights) mean += w / 3;
    EXPECT_NEAR(mean, 1 - 4000 * static_cast<double>(tiny), 0.25 * -4000 * tiny)
        << NumberType_Name(storage);
    EXPECT_EQ(table.layout().bytes(), 8u) << "three numbers of two bytes, padded";
  }
}

TEST(Table, AssignedWeightsAreWhereTheOptimizerStarts) {
  TableSpec spec = Spec(2);
  spec.optimizer.mutable_ftrl()->set_learning_rate(0.1);
  spec.optimizer.mutable_ftrl()->set_beta(1);
  spec.init.mutable_zero();
  Table table(spec, 1);
  const Key key = 3;
  const std::vector<float> first = {1.5f, -2};
  table.Assign({&key, 1}, first.data());
  std::byte* row = nullptr;
  table.Find({&key, 1}, {&row, 1});
  const std::vector<float> gradients = {0, 0};
  table.Apply({&row, 1}, gradients.data(), nullptr, 1);  // FTRL solves for its weights anew
  EXPECT_FLOAT_EQ(Weights(&table, key)[0], 1.5f);
  EXPECT_FLOAT_EQ(Weights(&table, key)[1], -2);
  const std::vector<float> others = {7, 8};
  table.Assign({&key, 1}, others.data());
  EXPECT_EQ(Weights(&table, key), others);
  EXPECT_EQ(table.n_rows(), 1);
}

TEST(Table, ReadsWeightsAsAnyType) {
  for (const NumberType storage : {FP32, FP16, BF16}) {
    for (const NumberType wire : {FP32, FP16, BF16}) {
      TableSpec spec = Spec(3);
      spec.storage = storage;
      Table table(spec, 1);
      const Key key = 1;
      std::vector<std::byte*> rows(1);
      table.FindOrCreate({&key, 1}, 0, rows);
      const float weights[] = {1.5f, -0.25f, 96};  // exact in every type
      table.WriteWeights(rows, weights);
      rows.insert(rows.begin(), nullptr);
      std::vector<std::byte> bytes(6 * static_cast<size_t>(BytesOf(wire)), std::byte{0x55});
      table.ReadWeights(rows, wire, bytes.data());
      std::vector<float> read(6);
      ToFloats(wire, bytes.data(), 6, read.data());
      EXPECT_EQ(read, (std::vector<float>{0, 0, 0, 1.5f, -0.25f, 96}));
    }
  }
}

TEST(Table, LeavesOutRefusedRows) {
  Table table(Spec(2), 1);
  const Key key = 1;
  std::vector<std::byte*> rows(3, nullptr);
  const std::vector<float> before = Weights(&table, key);
  table.Find({&key, 1}, std::span(rows).subspan(1, 1));
  const float gradients[] = {9, 9, 1, 2, 9, 9};
  table.Apply(rows, gradients, nullptr, 0);
  EXPECT_EQ(Weights(&table, key), (std::vector<float>{before[0] - 1, before[1] - 2}));
}

/// Pulls one key at a step, where no earlier pull waits for its push; whether it has a row then.
bool PullRow(Table* table, Key key, uint64_t step) {
  std::byte* row = nullptr;
  table->FindOrCreate({&key, 1}, step, {&row, 1}, step);
  return row != nullptr;
}

TEST(Admission, AKeyGetsARowAtItsNthStep) {
  for (const bool exact : {true, false}) {
    TableSpec spec = Spec(2);
    if (exact) {
      spec.admission.mutable_exact()->set_sightings(3);
      spec.admission.mutable_exact()->set_max_candidates(100000);
    } else {
      spec.admission.mutable_counting_bloom()->set_sightings(3);
      spec.admission.mutable_counting_bloom()->set_bytes(int64_t{1} << 22);
    }
    Table table(spec, 1);
    EXPECT_FALSE(PullRow(&table, 7, 0));
    EXPECT_FALSE(PullRow(&table, 7, 0)) << "the same step";
    EXPECT_FALSE(PullRow(&table, 7, 1));
    EXPECT_FALSE(PullRow(&table, 7, 1));
    EXPECT_TRUE(PullRow(&table, 7, 5));
    EXPECT_TRUE(PullRow(&table, 7, 5));
    EXPECT_EQ(table.counts().not_admitted, 4);
    EXPECT_EQ(table.counts().created, 1);
    EXPECT_EQ(table.counts().found, 1);
  }
}

TEST(Admission, ItsMemoryIsBounded) {
  for (const bool exact : {true, false}) {
    TableSpec spec = Spec(2);
    if (exact) {
      spec.admission.mutable_exact()->set_sightings(2);
      spec.admission.mutable_exact()->set_max_candidates(kNumShards * 4);
    } else {
      spec.admission.mutable_counting_bloom()->set_sightings(2);
      spec.admission.mutable_counting_bloom()->set_bytes(kNumShards * 1024);
    }
    Table table(spec, 1);
    for (uint64_t key = 0; key < 200000; ++key) PullRow(&table, Mix(key), key);
    EXPECT_LT(table.counts().created, 60000) << "keys seen once";
    EXPECT_LE(table.n_bytes(), 12 << 20);
    const int64_t n_before = table.counts().created;
    int n_admitted = 0;
    for (uint64_t key = 0; key < 1000; ++key) {
      PullRow(&table, ~Mix(key), 300000 + 2 * key);
      n_admitted += PullRow(&table, ~Mix(key), 300001 + 2 * key);
    }
    EXPECT_EQ(n_admitted, 1000) << "keys seen twice in a row, after " << n_before;
  }
}

/// The pulls, each of a step that ends before the next one, until a key that is alone in its shard
/// has a row; 1000 if that many are not enough.
int NumPullsToARow(int64_t sightings, int64_t bloom_bytes) {
  TableSpec spec = Spec(2);
  spec.admission.mutable_counting_bloom()->set_sightings(sightings);
  spec.admission.mutable_counting_bloom()->set_bytes(bloom_bytes);
  Table table(spec, 1);
  int n = 1;
  while (!PullRow(&table, 7, static_cast<uint64_t>(n)) && n < 1000)
    table.EndStep(static_cast<uint64_t>(++n), Table::kNoneInUse);
  return n;
}

TEST(Admission, TheSmallestBloomFilterAdmitsAKeyThatIsAloneOnTime) {
  for (const int sightings : {2, 3, 10, 255}) {
    EXPECT_EQ(NumPullsToARow(sightings, kNumShards * sightings), sightings);
    EXPECT_GT(NumPullsToARow(sightings, kNumShards * (sightings - 1)), sightings)
        << "which the check of the job refuses";
  }
  EXPECT_EQ(NumPullsToARow(2, kNumShards), 1000) << "it never counts to 1";
}

TEST(Admission, WithAProbability) {
  TableSpec spec = Spec(2);
  spec.admission.set_probability(0.25);
  Table table(spec, 1);
  for (uint64_t key = 0; key < 10000; ++key) {
    const bool first = PullRow(&table, Mix(key), 3);
    EXPECT_EQ(PullRow(&table, Mix(key), 3), first) << "one answer a step";
  }
  EXPECT_NEAR(static_cast<double>(table.counts().created), 2500, 200);
}

TEST(Eviction, OldRowsGoButNotThoseInUse) {
  TableSpec spec = Spec(2);
  spec.eviction.set_ttl_steps(10);
  spec.eviction.set_sweep_steps(1);
  Table table(spec, 1);
  PullRow(&table, 1, 0);
  PullRow(&table, 2, 5);
  table.EndStep(10, Table::kNoneInUse);
  EXPECT_EQ(table.n_rows(), 2);
  table.EndStep(11, 0);
  EXPECT_EQ(table.n_rows(), 2) << "somebody has had them since step 0";
  table.EndStep(12, 3);
  EXPECT_EQ(table.n_rows(), 1);
  table.EndStep(100, Table::kNoneInUse);
  EXPECT_EQ(table.n_rows(), 0);
  EXPECT_EQ(table.counts().expired, 2);
}

TEST(Eviction, SmallRowsGoOnceTheyHaveHadASweepToGrow) {
  TableSpec spec = Spec(2);
  spec.init.mutable_zero();
  spec.eviction.set_min_norm(1);
  spec.eviction.set_sweep_steps(1);
  Table table(spec, 1);
  const std::vector<Key> keys = {1, 2};
  std::vector<std::byte*> rows(2);
  table.FindOrCreate(keys, 0, rows);
  const float gradients[] = {0.1f, 0, 3, 4};
  table.Apply(rows, gradients, nullptr, 0);
  table.EndStep(0, Table::kNoneInUse);
  EXPECT_EQ(table.n_rows(), 2);
  table.EndStep(1, Table::kNoneInUse);
  EXPECT_EQ(table.n_rows(), 1);
  EXPECT_EQ(table.counts().small, 1);
  table.Find(keys, rows);
  EXPECT_EQ(rows[0], nullptr);
  EXPECT_NE(rows[1], nullptr);
}

TableSpec BoundedSpec(Eviction::WhenFull when_full) {
  TableSpec spec = Spec(2);
  spec.eviction.set_max_bytes(kNumShards * 16 * 64);
  spec.eviction.set_sweep_steps(4096);
  spec.eviction.set_when_full(when_full);
  return spec;
}

TEST(Eviction, TheBytesAreKeptByLettingTheOldestGo) {
  TableSpec spec = BoundedSpec(Eviction::EVICT_OLDEST);
  Table table(spec, 1);
  for (uint64_t step = 0; step < 400; ++step) {
    for (uint64_t i = 0; i < 1000; ++i) PullRow(&table, Mix(step * 1000 + i), step);
    table.EndStep(step, Table::kNoneInUse);
    // Two numbers for each of 4,096 shards are not in max_bytes.
    ASSERT_LE(table.n_bytes(), spec.eviction.max_bytes() + 40 * kNumShards);
  }
  EXPECT_GT(table.counts().displaced, 200000);
  EXPECT_EQ(table.counts().inserted(), table.n_rows() + table.counts().evicted());
  int n_kept = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    const Key key = Mix(399 * 1000 + i);
    std::byte* row = nullptr;
    table.Find({&key, 1}, {&row, 1});
    n_kept += row != nullptr;
  }
  EXPECT_GT(n_kept, 990) << "the latest stay";
}

/// With room for so many rows in a shard, whose oldest make room.
TableSpec SpecOfShardsOf(int64_t n_rows, bool synchronous) {
  TableSpec spec = BoundedSpec(Eviction::EVICT_OLDEST);
  spec.eviction.set_max_bytes(kNumShards * (97 + 49 * n_rows));
  spec.synchronous = synchronous;
  return spec;
}

TEST(Eviction, FullShardsHoldExactlyTheirBound) {
  for (const bool synchronous : {true, false}) {
    for (const int64_t n_rows : {1, 2, 3, 7}) {
      const TableSpec spec = SpecOfShardsOf(n_rows, synchronous);
      Table table(spec, 1);
      ASSERT_EQ(MaxRowsOfShard(spec), n_rows);
      for (uint64_t step = 0; step < 150; ++step) {
        for (uint64_t i = 0; i < 1000; ++i) PullRow(&table, Mix(step * 1000 + i), step);
        table.EndStep(step, Table::kNoneInUse);
      }
      EXPECT_EQ(table.n_rows(), kNumShards * n_rows) << (synchronous ? "synchronous" : "");
      EXPECT_EQ(table.counts().inserted(), table.n_rows() + table.counts().evicted());
    }
  }
}

/// What is expected of a shard that holds a number of rows, as plainly as it can be written. No
/// sweep comes in between.
class ShardTwin {
 public:
  ShardTwin(size_t n_rows, bool synchronous) : n_rows_(n_rows), synchronous_(synchronous) {}

  void Pull(const std::vector<Key>& keys, uint64_t step, uint64_t oldest_in_use) {
    for (const Key key : keys) {
      const auto known = uses_.find(key);
      if (known != uses_.end()) known->second = {step, known->second.second + 1};
    }
    for (const Key key : keys) {
      if (uses_.contains(key)) continue;
      if (!synchronous_ && uses_.size() == n_rows_) {
        const auto oldest = Oldest();
        if (oldest->second.first >= oldest_in_use) continue;
        uses_.erase(oldest);
      }
      uses_[key] = {step, 1};
    }
  }
  void EndStep() {
    while (uses_.size() > n_rows_) uses_.erase(Oldest());
  }
  std::set<Key> Keys() const {
    std::set<Key> keys;
    for (const auto& [key, use] : uses_) keys.insert(key);
    return keys;
  }

 private:
  using Uses = std::map<Key, std::pair<uint64_t, int>>;  // the step and number of pulls
  Uses::iterator Oldest() {
    return std::min_element(uses_.begin(), uses_.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second, a.first) < std::pair(b.second, b.first);
    });
  }

  size_t n_rows_;
  bool synchronous_;
  Uses uses_;
};

std::set<Key> KeysOfShard(const Table& table, int shard) {
  std::set<Key> keys;
  table.VisitShard(shard, [&](Key key, std::span<const std::byte>) { keys.insert(key); });
  return keys;
}

TEST(Eviction, AFullShardKeepsExactlyTheNewest) {
  constexpr int kShard = 4000;  // is not swept in the steps of this test
  std::vector<Key> all;
  for (Key key = 0; all.size() < 80; ++key)
    if (ShardOf(1, key) == kShard) all.push_back(key);
  for (const bool synchronous : {true, false}) {
    for (const size_t n_rows : {1u, 2u, 3u, 9u, 20u, 40u}) {
      SCOPED_TRACE(::testing::Message() << n_rows << " rows, synchronous " << synchronous);
      Random random(n_rows);
      Table table(SpecOfShardsOf(static_cast<int64_t>(n_rows), synchronous), 1);
      ShardTwin twin(n_rows, synchronous);
      for (uint64_t step = 0; step < 300; ++step) {
        std::set<Key> distinct;
        const uint64_t n = random.Below(random.Below(8) == 0 ? 60 : 4);
        for (uint64_t i = 0; i < n; ++i) distinct.insert(all[random.Below(all.size())]);
        const std::vector<Key> keys(distinct.begin(), distinct.end());
        std::vector<std::byte*> rows(keys.size());
        // In some steps an earlier pull still waits for its push.
        const uint64_t oldest_in_use = step - std::min(step, random.Below(3));
        table.FindOrCreate(keys, step, rows, oldest_in_use);
        twin.Pull(keys, step, oldest_in_use);
        std::vector<std::byte*> found(keys.size());
        table.Find(keys, found);
        ASSERT_EQ(rows, found) << "no row of a pull makes room for another";
        table.EndStep(step, synchronous ? Table::kNoneInUse : oldest_in_use);
        twin.EndStep();
        ASSERT_EQ(KeysOfShard(table, kShard), twin.Keys()) << "step " << step;
      }
      EXPECT_EQ(table.n_rows(), static_cast<int64_t>(n_rows));
    }
  }
}

TEST(Eviction, RowsInUseMakeNoRoom) {
  Table table(SpecOfShardsOf(1, /*synchronous=*/false), 1);
  std::vector<Key> keys;
  for (Key key = 0; keys.size() < 3; ++key)
    if (ShardOf(1, key) == 5) keys.push_back(key);
  const auto pull = [&](Key key, uint64_t step, uint64_t oldest_in_use) {
    std::byte* row = nullptr;
    table.FindOrCreate({&key, 1}, step, {&row, 1}, oldest_in_use);
    return row != nullptr;
  };
  EXPECT_TRUE(pull(keys[0], 3, 3));
  EXPECT_FALSE(pull(keys[1], 4, 3)) << "the pull of step 3 waits for its push";
  EXPECT_EQ(table.counts().no_room, 1);
  EXPECT_TRUE(pull(keys[1], 4, 4));
  EXPECT_FALSE(pull(keys[2], 4, 4)) << "of the step itself";
  EXPECT_FALSE(pull(keys[2], 2, 2)) << "newer than this pull";
  EXPECT_TRUE(pull(keys[2], 5, 5));
  EXPECT_EQ(KeysOfShard(table, 5), std::set<Key>{keys[2]});
  EXPECT_EQ(table.counts().displaced, 2);
}

TEST(Eviction, OrByRefusingNewKeys) {
  Table table(BoundedSpec(Eviction::REFUSE), 1);
  for (uint64_t i = 0; i < 400000; ++i) PullRow(&table, Mix(i), i);
  EXPECT_EQ(table.n_rows(), kNumShards * MaxRowsOfShard(table.spec()));
  EXPECT_EQ(table.counts().no_room, 400000 - table.n_rows());
  EXPECT_EQ(table.counts().looked_up,
            table.counts().found + table.counts().created + table.counts().refused());
}

TEST(Eviction, OrByStoppingTheJob) {
  Table table(BoundedSpec(Eviction::FAIL), 1);
  const auto fill = [&] {
    for (uint64_t i = 0; i < 400000; ++i) PullRow(&table, Mix(i), i);
  };
  EXPECT_THAT(fill, ::testing::ThrowsMessage<Error>(
                        ::testing::HasSubstr("eviction.max_bytes are used up")));
}

TEST(Eviction, BytesForLessThanARowAShardAreRefused) {
  TableSpec spec = Spec(2);
  spec.eviction.set_max_bytes(1000);
  EXPECT_THAT([&] { Table(spec, 1); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("expected at least")));
}

TEST(Eviction, FreedRowsAreUsedAgain) {
  TableSpec spec = Spec(2);
  spec.eviction.set_ttl_steps(1);
  spec.eviction.set_sweep_steps(1);
  Table table(spec, 1);
  for (uint64_t step = 0; step < 200; step += 4) {
    for (uint64_t i = 0; i < 20000; ++i) PullRow(&table, Mix(step * 20000 + i), step);
    table.EndStep(step, Table::kNoneInUse);
    table.EndStep(step + 3, Table::kNoneInUse);
    ASSERT_EQ(table.n_rows(), 0);
  }
  EXPECT_LT(table.n_bytes(), 4 << 20);
}

#if !defined(ZHIYIN_ADDRESS_SANITIZER) && \
    !defined(ZHIYIN_THREAD_SANITIZER)  // they keep memory of their own
int64_t ResidentBytes() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

TEST(Eviction, TheBytesAreKeptAsTheSystemMeasuresThem) {
  for (const Eviction::WhenFull when_full : {Eviction::EVICT_OLDEST, Eviction::REFUSE}) {
    TableSpec spec = Spec(16);
    spec.admission.mutable_exact()->set_sightings(2);
    spec.admission.mutable_exact()->set_max_candidates(1 << 20);
    spec.eviction.set_max_bytes(int64_t{100} << 20);
    spec.eviction.set_when_full(when_full);
    spec.eviction.set_sweep_steps(4096);
    const int64_t before = ResidentBytes();
    Table table(spec, 1);
    for (uint64_t step = 0; step < 400; ++step) {
      for (uint64_t i = 0; i < 5000; ++i) {
        PullRow(&table, Mix(step / 2 * 5000 + i), step);
      }
      table.EndStep(step, Table::kNoneInUse);
    }
    EXPECT_GT(table.counts().displaced + table.counts().no_room, 100000);
    EXPECT_LE(table.n_bytes(), spec.eviction.max_bytes() + (1 << 20));
    // Pages of 2 MB that are begun or made ahead.
    EXPECT_LE(ResidentBytes() - before, spec.eviction.max_bytes() + (6 << 20));
    EXPECT_GT(ResidentBytes() - before, int64_t{60} << 20) << "the bound is not idle";
  }
}
#endif

TEST(Admission, AKeyThatMeetsNoRoomKeepsItsSightings) {
  for (const bool exact : {true, false}) {
    for (const bool synchronous : {true, false}) {
      TableSpec spec = BoundedSpec(Eviction::REFUSE);
      if (exact) {
        spec.admission.mutable_exact()->set_sightings(3);
        spec.admission.mutable_exact()->set_max_candidates(4 * kNumShards);
      } else {
        spec.admission.mutable_counting_bloom()->set_sightings(3);
        spec.admission.mutable_counting_bloom()->set_bytes(kNumShards * 64);
      }
      spec.synchronous = synchronous;
      spec.eviction.set_max_bytes(kNumShards * (64 + 128 + 65 + 47));
      spec.eviction.set_ttl_steps(8);
      spec.eviction.set_sweep_steps(1);
      ASSERT_EQ(MaxRowsOfShard(spec) / 4, 0u);
      Table table(spec, 1);
      std::vector<Key> keys;  // of one shard, one more than it holds
      for (Key key = 0; keys.size() <= MaxRowsOfShard(spec); ++key)
        if (ShardOf(1, key) == 5) keys.push_back(key);
      const Key late = keys.back();
      keys.pop_back();
      uint64_t step = 0;
      for (; step < 6; ++step) {
        for (const Key key : keys) PullRow(&table, key, step);
        if (step >= 3) {
          EXPECT_FALSE(PullRow(&table, late, step));
        }
        table.EndStep(step, Table::kNoneInUse);
      }
      EXPECT_EQ(table.counts().no_room, 1) << "its third sighting";
      for (; table.n_rows() > 0; ++step) table.EndStep(step, Table::kNoneInUse);
      EXPECT_TRUE(PullRow(&table, late, step)) << "it waits no more";
    }
  }
}

TEST(Admission, StepsThatOverlapAreSightedOnceEach) {
  for (const bool exact : {true, false}) {
    TableSpec spec = Spec(2);
    if (exact) {
      spec.admission.mutable_exact()->set_sightings(4);
      spec.admission.mutable_exact()->set_max_candidates(100000);
    } else {
      spec.admission.mutable_counting_bloom()->set_sightings(4);
      spec.admission.mutable_counting_bloom()->set_bytes(int64_t{1} << 22);
    }
    Table table(spec, 1);
    for (int i = 0; i < 5; ++i) {
      for (const uint64_t step : {5, 6, 4}) EXPECT_FALSE(PullRow(&table, 7, step));
      table.EndStep(4, Table::kNoneInUse);
    }
    EXPECT_TRUE(PullRow(&table, 7, 7));
  }
}

TEST(Table, AnEmptyOneTakesLessThanAMegabyte) {
  EXPECT_LT(Table(Spec(16), 1).n_bytes(), 1 << 20);
}

/// Random batches of finds and creations, with a naive twin beside. Keys come from a small range or
/// from a few bits, so that they collide in shards and in chains.
class TableAgainstTwin : public ::testing::TestWithParam<uint64_t> {};

TEST_P(TableAgainstTwin, HoldsTheSameRowsAtTheSameAddresses) {
  Random random(GetParam());
  Table table(Spec(3), 7);
  std::map<Key, std::byte*> twin;
  const uint64_t range = 1 + random.Below(20000);
  const bool shifted = random.Below(2) == 1;
  std::vector<Key> keys;
  std::vector<std::byte*> rows;
  for (int batch = 0; batch < 20; ++batch) {
    keys.resize(random.Below(1000));
    rows.resize(keys.size());
    std::set<Key> distinct;
    for (Key& key : keys) {
      key = random.Below(range) << (shifted ? 40 : 0);
      while (!distinct.insert(key).second) key = random.Next();
    }
    if (random.Below(3) == 0) {
      table.Find(keys, rows);
      for (size_t i = 0; i < keys.size(); ++i) {
        const auto known = twin.find(keys[i]);
        ASSERT_EQ(rows[i], known == twin.end() ? nullptr : known->second);
      }
    } else {
      table.FindOrCreate(keys, 0, rows);
      for (size_t i = 0; i < keys.size(); ++i) {
        ASSERT_NE(rows[i], nullptr);
        const auto [known, is_new] = twin.emplace(keys[i], rows[i]);
        ASSERT_EQ(rows[i], known->second);
      }
    }
    ASSERT_EQ(table.n_rows(), static_cast<int64_t>(twin.size()));
  }
  std::set<std::byte*> addresses;
  std::set<Key> visited;
  for (const auto& [key, row] : twin) addresses.insert(row);
  EXPECT_EQ(addresses.size(), twin.size());
  for (int shard = 0; shard < kNumShards; ++shard) {
    std::optional<KeyPlace> last;
    table.VisitShard(shard, [&](Key key, std::span<const std::byte> row) {
      EXPECT_EQ(ShardOf(1, key), shard);
      EXPECT_TRUE(!last || PlaceOf(1, key) > *last);
      last = PlaceOf(1, key);
      EXPECT_EQ(row.data(), twin.at(key));
      visited.insert(key);
    });
  }
  EXPECT_EQ(visited.size(), twin.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TableAgainstTwin, ::testing::Range(uint64_t{1}, uint64_t{101}));

}  // namespace
}  // namespace zhiyin::ps::table
