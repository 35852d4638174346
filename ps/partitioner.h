// (table, key) -> virtual shard -> server. Pure arithmetic that agrees on all ranks and in all
// checkpoints, so that m servers can load what n servers wrote.
#pragma once

#include <compare>
#include <cstdint>

#include "common/hash.h"
#include "common/types.h"

namespace zhiyin::ps {

inline constexpr int kShardBits = 12;
inline constexpr int kNumShards = 1 << kShardBits;

/// The bits that place a row: the top kShardBits choose its shard, the others its position in the
/// shard's index.
inline uint64_t PlacementBits(TableId table, Key key) {
  return Mix(key ^ (uint64_t{table} * 0x9e3779b97f4a7c15ull));
}

/// The virtual shard of a key. Keys of embedding rows are spread by hashing. Rows of the table
/// `dense` have the keys 0, 1, 2, ..., which bit reversal spreads evenly over any number of
/// servers; hashing would do so only on average.
inline int ShardOf(TableId table, Key key) {
  if (table != kDenseTable) return static_cast<int>(PlacementBits(table, key) >> (64 - kShardBits));
  int shard = 0;
  for (int bit = 0; bit < kShardBits; ++bit)
    shard |= static_cast<int>((key >> bit) & 1) << (kShardBits - 1 - bit);
  return shard;
}

/// The position of a key in the order of saved files: by virtual shard, then by the placement bits
/// that also order the shard's index, so that the keys of an index are almost sorted already.
struct KeyPlace {
  uint64_t order = 0;
  Key key = 0;

  friend auto operator<=>(const KeyPlace&, const KeyPlace&) = default;
};
inline KeyPlace PlaceOf(TableId table, Key key) {
  const uint64_t bits = PlacementBits(table, key);
  if (table != kDenseTable) return {bits, key};
  return {static_cast<uint64_t>(ShardOf(table, key)) << (64 - kShardBits) |
              bits << kShardBits >> kShardBits,
          key};
}

/// Every server holds a contiguous run of shards; the lengths of the runs differ by at most one.
inline int ServerOfShard(int shard, int n_servers) {
  return shard * n_servers / kNumShards;
}

inline int ServerOf(TableId table, Key key, int n_servers) {
  return ServerOfShard(ShardOf(table, key), n_servers);
}

}  // namespace zhiyin::ps
