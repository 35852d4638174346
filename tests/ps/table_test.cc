#include "ps/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/random.h"

namespace zhiyin::ps {
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
  float* row = nullptr;
  table->FindOrCreate({&key, 1}, {&row, 1});
  return {row, row + table->dim()};
}

TEST(Table, FindsWhatItMadeAndNothingElse) {
  Table table(Spec(4), 1);
  std::vector<Key> keys = {0, 1, ~Key{0}, 17};
  std::vector<float*> made(4);
  table.FindOrCreate(keys, made);
  EXPECT_EQ(table.n_rows(), 4);
  std::vector<float*> found(4);
  table.Find(keys, found);
  EXPECT_EQ(found, made);
  const Key absent = 18;
  float* row = made[0];
  table.Find({&absent, 1}, {&row, 1});
  EXPECT_EQ(row, nullptr);
  EXPECT_EQ(table.n_rows(), 4);
}

TEST(Table, AKeyTwiceInARequestIsOneRow) {
  Table table(Spec(4), 1);
  const std::vector<Key> keys = {5, 5};
  std::vector<float*> rows(2);
  table.FindOrCreate(keys, rows);
  EXPECT_EQ(rows[0], rows[1]);
  EXPECT_EQ(table.n_rows(), 1);
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
  float* row = nullptr;
  table.Find({&key, 1}, {&row, 1});
  const float gradient[] = {10, -10};
  table.Apply({&row, 1}, gradient);
  EXPECT_EQ(Weights(&table, 1), (std::vector<float>{before[0] - 10, before[1] + 10}));
  EXPECT_EQ(Weights(&table, 2), bystander);
}

TEST(Table, AnEmptyOneTakesLessThanAMegabyte) {
  EXPECT_LT(Table(Spec(16), 1).n_bytes(), 1 << 20);
}

/// Random batches of finds and creations, with a naive twin beside. Keys come from a small range or from a
/// few bits, so that they collide in shards and in chains.
class TableAgainstTwin : public ::testing::TestWithParam<uint64_t> {};

TEST_P(TableAgainstTwin, HoldsTheSameRowsAtTheSameAddresses) {
  Random random(GetParam());
  Table table(Spec(3), 7);
  std::map<Key, float*> twin;
  const uint64_t range = 1 + random.Below(20000);
  const bool shifted = random.Below(2) == 1;
  std::vector<Key> keys;
  std::vector<float*> rows;
  for (int batch = 0; batch < 20; ++batch) {
    keys.resize(random.Below(1000));
    rows.resize(keys.size());
    for (Key& key : keys) key = random.Below(range) << (shifted ? 40 : 0);
    if (random.Below(3) == 0) {
      table.Find(keys, rows);
      for (size_t i = 0; i < keys.size(); ++i) {
        const auto known = twin.find(keys[i]);
        ASSERT_EQ(rows[i], known == twin.end() ? nullptr : known->second);
      }
    } else {
      table.FindOrCreate(keys, rows);
      for (size_t i = 0; i < keys.size(); ++i) {
        ASSERT_NE(rows[i], nullptr);
        const auto [known, is_new] = twin.emplace(keys[i], rows[i]);
        ASSERT_EQ(rows[i], known->second);
      }
    }
    ASSERT_EQ(table.n_rows(), static_cast<int64_t>(twin.size()));
  }
  std::set<float*> addresses;
  std::set<Key> visited;
  for (const auto& [key, row] : twin) addresses.insert(row);
  EXPECT_EQ(addresses.size(), twin.size());
  for (int shard = 0; shard < kNumShards; ++shard) {
    Key last = 0;
    bool first = true;
    table.VisitShard(shard, [&](Key key, std::span<const float> row) {
      EXPECT_EQ(ShardOf(1, key), shard);
      EXPECT_TRUE(first || key > last);
      first = false;
      last = key;
      EXPECT_EQ(row.data(), twin.at(key));
      visited.insert(key);
    });
  }
  EXPECT_EQ(visited.size(), twin.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TableAgainstTwin, ::testing::Range(uint64_t{1}, uint64_t{101}));

}  // namespace
}  // namespace zhiyin::ps
