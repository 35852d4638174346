// The index from keys to row numbers: a small hash table with open addressing for each of the 4,096
// virtual shards.
//
// Probing is linear over buckets. A bucket is one cache line with five entries and a count of the
// keys whose probing passed it: for most keys a look-up reads one line, found or not, and erasing
// needs no tombstones. A shard is at most 85 % full and takes 12.8 bytes an entry. When it is full,
// it grows by half, independently of the others: with 100 million rows that moves about 30,000
// entries, less work than a request. The sizes of the shards are spread evenly between a power
// of 1.5 and the next one, so that they do not all grow at once and memory rises smoothly.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "common/types.h"
#include "ps/partitioner.h"
#include "ps/table/arena.h"

namespace zhiyin::ps::table {

/// The keys of one table on one server. Used by one thread.
class Index {
 public:
  static constexpr uint32_t kAbsent = 0xffffffff;
  /// The bytes for each entry of a shard that has just grown.
  static constexpr double kMostBytesPerKey = 64.0 / 5 * 1.5 / 0.85;

  explicit Index(TableId table);

  int64_t size() const { return size_; }
  int64_t n_bytes() const {
    return static_cast<int64_t>(shards_.size() * sizeof(Shard)) + arena_.n_bytes();
  }

  /// The row number of a key, or kAbsent.
  uint32_t Find(Key key) const;
  /// Looks up many keys, with prefetching: visit(position in keys, row number or kAbsent), in
  /// order.
  template <typename Visit>
  void Find(std::span<const Key> keys, const Visit& visit) const {
    std::array<const Bucket*, kAhead> homes;
    std::array<uint32_t, kAhead> rows;
    std::array<uint8_t, kAhead> unfound;
    for (size_t i = 0; i < std::min(kAhead, keys.size()); ++i) homes[i] = FetchHomeOf(keys[i]);
    for (size_t begin = 0; begin < keys.size(); begin += kAhead) {
      const size_t n = std::min(kAhead, keys.size() - begin);
      const size_t n_next = std::min(kAhead, keys.size() - begin - n);
      size_t n_unfound = 0;
      for (size_t i = 0; i < n; ++i) {
        const Bucket* home = homes[i];
        if (i < n_next) homes[i] = FetchHomeOf(keys[begin + n + i]);
        const uint32_t at = EntryOf(*home, keys[begin + i]);
        rows[i] = home->rows[std::countr_zero(at | kLast)];
        // Which keys are not in their first bucket is unpredictable: they are noted without a
        // branch, and looked up again when the next bucket is in cache.
        unfound[n_unfound] = static_cast<uint8_t>(i);
        n_unfound += at == 0;
        __builtin_prefetch(home + (at == 0));
      }
      for (size_t u = 0; u < n_unfound; ++u) rows[unfound[u]] = Find(keys[begin + unfound[u]]);
      for (size_t i = 0; i < n; ++i) visit(begin + i, rows[i]);
    }
  }
  /// REQUIRES: Find(key) == kAbsent, row != kAbsent.
  void Insert(Key key, uint32_t row);
  /// Makes room for n keys in a shard. Needed before keys are inserted in the order of PlaceOf,
  /// which would otherwise all fall into the first buckets of a growing shard.
  void Reserve(int shard, uint32_t n);
  /// REQUIRES: Find(key) != kAbsent. Keeps the shard's memory.
  void Erase(Key key);
  uint32_t ShardSize(int shard) const { return shards_[static_cast<size_t>(shard)].n; }

  struct Entry {
    Key key;
    uint32_t row;
  };

  /// Visits the entries of one virtual shard, in an unspecified order.
  template <typename Visit>
  void VisitShard(int number, const Visit& visit) const {
    const Shard& shard = shards_[static_cast<size_t>(number)];
    for (uint32_t b = 0; b < shard.n_buckets; ++b) {
      const Bucket& bucket = shard.buckets[b];
      for (uint32_t used = bucket.used; used != 0; used &= used - 1) {
        const int at = std::countr_zero(used);
        visit(Entry{bucket.keys[at], bucket.rows[at]});
      }
    }
  }
  /// The entries of one virtual shard, in the order of PlaceOf.
  std::vector<Entry> SortedShard(int shard) const;

 private:
  /// The number of keys whose buckets are prefetched.
  static constexpr size_t kAhead = 64;
  static constexpr int kEntries = 5;
  static constexpr uint32_t kFull = (1u << kEntries) - 1;
  static constexpr uint32_t kLast = 1u << (kEntries - 1);

  struct alignas(Arena::kUnit) Bucket {
    Key keys[kEntries];
    uint32_t rows[kEntries];
    uint32_t used : kEntries;           // bit i: entry i is there
    uint32_t n_beyond : 32 - kEntries;  // keys whose probing passed this bucket
  };
  static_assert(sizeof(Bucket) == Arena::kUnit);

  struct Shard {
    Bucket* buckets;  // [n_buckets], in the arena; one empty bucket where n_buckets is 0
    uint32_t n_buckets = 0;
    uint32_t n = 0;
  };

  /// Prefetches the bucket where a key's probing starts.
  const Bucket* FetchHomeOf(Key key) const {
    const uint64_t bits = PlacementBits(table_, key);
    const Shard& shard = shards_[ShardOf(key, bits)];
    const Bucket* home = shard.buckets + HomeIn(shard, bits);
    __builtin_prefetch(home);
    return home;
  }
  /// Bit i: entry i has the key. Without branches, as the entry is unpredictable.
  static uint32_t EntryOf(const Bucket& bucket, Key key) {
    uint32_t same = 0;
    for (int i = 0; i < kEntries; ++i) same |= static_cast<uint32_t>(bucket.keys[i] == key) << i;
    return same & bucket.used;
  }

  size_t ShardOf(Key key, uint64_t bits) const {
    if (table_ != kDenseTable) return bits >> (64 - kShardBits);
    return static_cast<size_t>(ps::ShardOf(table_, key));
  }
  static uint32_t HomeIn(const Shard& shard, uint64_t bits) {
    // The bits below those that choose the shard.
    return static_cast<uint32_t>(((bits >> (32 - kShardBits) & 0xffffffff) * shard.n_buckets) >>
                                 32);
  }
  /// Puts a key into a shard that has room.
  void Put(const Shard& shard, Key key, uint32_t row) const;
  void Resize(int shard, uint32_t n_buckets);

  TableId table_;
  int64_t size_ = 0;
  std::vector<Shard> shards_;
  Arena arena_;
};

}  // namespace zhiyin::ps::table
