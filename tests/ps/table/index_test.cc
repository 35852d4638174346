#include "ps/table/index.h"

#include <gtest/gtest.h>

#include <map>
#include <unordered_map>
#include <vector>

#include "common/random.h"

namespace zhiyin::ps::table {
namespace {

/// Keys of one shard, so that buckets fill up, run over and wrap around.
std::vector<Key> KeysOfShard(int shard, size_t n) {
  std::vector<Key> keys;
  for (Key key = 0; keys.size() < n; ++key) {
    if (ShardOf(1, key) == shard) keys.push_back(key);
  }
  return keys;
}

TEST(Index, KeysComeAndGoInOneShardAsInATwin) {
  for (const size_t n_keys : {6, 12, 40, 300}) {
    const std::vector<Key> keys = KeysOfShard(17, n_keys);
    Index index(1);
    std::unordered_map<Key, uint32_t> twin;
    Random random(n_keys);
    for (uint32_t i = 0; i < 20000; ++i) {
      const Key key = keys[random.Below(n_keys)];
      const auto it = twin.find(key);
      ASSERT_EQ(index.Find(key), it == twin.end() ? Index::kAbsent : it->second)
          << n_keys << " keys, " << i;
      if (it == twin.end()) {
        index.Insert(key, i);
        twin[key] = i;
      } else {
        index.Erase(key);
        twin.erase(it);
      }
      ASSERT_EQ(index.size(), static_cast<int64_t>(twin.size()));
      ASSERT_EQ(index.ShardSize(17), twin.size());
      if (i % 64 > 0) continue;
      index.Find(keys, [&](size_t at, uint32_t row) {
        const auto found = twin.find(keys[at]);
        ASSERT_EQ(row, found == twin.end() ? Index::kAbsent : found->second)
            << n_keys << " keys, " << i;
      });
      EXPECT_EQ(index.SortedShard(17).size(), twin.size());
    }
  }
}

TEST(Arena, ArraysDoNotOverlapAndGapsAreUsedAgain) {
  Arena arena;
  Random random(1);
  std::map<std::byte*, std::pair<size_t, std::byte>> arrays;
  size_t n_live = 0;
  for (int i = 0; i < 20000; ++i) {
    if (arrays.size() < 200) {
      const size_t n = Arena::kUnit * (1 + random.Below(i % 100 == 0 ? 50000 : 200));
      std::byte* array = arena.Allocate(n);
      const std::byte mark = static_cast<std::byte>(i);
      array[0] = array[n - 1] = mark;
      ASSERT_TRUE(arrays.emplace(array, std::pair(n, mark)).second);
      n_live += n;
    } else {
      const auto it =
          std::next(arrays.begin(), static_cast<std::ptrdiff_t>(random.Below(arrays.size())));
      const auto [n, mark] = it->second;
      ASSERT_EQ(it->first[0], mark);
      ASSERT_EQ(it->first[n - 1], mark);
      if (it != arrays.begin()) {
        const auto before = std::prev(it);
        ASSERT_LE(before->first + before->second.first, it->first);
      }
      arena.Free(it->first, n);
      n_live -= n;
      arrays.erase(it);
    }
    ASSERT_GE(arena.n_bytes(), static_cast<int64_t>(n_live));
  }
  EXPECT_LT(arena.n_bytes(), 64 << 20) << "20,000 arrays, 200 at a time";
}

}  // namespace
}  // namespace zhiyin::ps::table
