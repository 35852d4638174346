// From keys to row numbers: a small open-addressing table for each of the 4,096 virtual shards.
//
// Linear probing, at most 80 % full, 12 bytes an entry. A shard grows alone, by half, when it is full: with a
// hundred million rows that moves some thirty thousand entries, less than a request's work. Shards start at
// different sizes, spread evenly between 4 and 6 times a power of 1.5, so that they never all grow at the
// same time and memory rises smoothly.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/partitioner.h"
#include "common/types.h"

namespace zhiyin::ps {

/// Keys of one table on one server. One thread.
class Index {
 public:
  static constexpr uint32_t kAbsent = 0xffffffff;

  explicit Index(TableId table);

  int64_t size() const { return size_; }
  int64_t n_bytes() const { return n_bytes_; }

  /// The row number of a key, or kAbsent.
  uint32_t Find(Key key) const;
  /// The same for many, with their memory fetched ahead. REQUIRES: rows.size() == keys.size().
  void Find(std::span<const Key> keys, std::span<uint32_t> rows) const;
  /// REQUIRES: Find(key) == kAbsent, row != kAbsent.
  void Insert(Key key, uint32_t row);
  /// REQUIRES: Find(key) != kAbsent. Keeps the shard's memory.
  void Erase(Key key);
  uint32_t ShardSize(int shard) const { return shards_[static_cast<size_t>(shard)].n; }

  struct Entry {
    Key key;
    uint32_t row;
  } __attribute__((packed, aligned(4)));
  static_assert(sizeof(Entry) == 12);

  /// The entries of one virtual shard, in no order.
  template <typename Visit>
  void VisitShard(int number, const Visit& visit) const {
    const Shard& shard = shards_[static_cast<size_t>(number)];
    for (uint32_t i = 0; i < shard.capacity; ++i) {
      if (shard.entries[i].row != kAbsent) visit(shard.entries[i]);
    }
  }
  /// The same by ascending key.
  std::vector<Entry> SortedShard(int shard) const;

 private:
  struct Shard {
    std::unique_ptr<Entry[]> entries;  // [capacity], row == kAbsent where empty
    uint32_t capacity = 0;
    uint32_t n = 0;
  };

  /// Where a key's probing starts. REQUIRES: capacity > 0.
  Entry* Home(const Shard& shard, Key key) const {
    const uint64_t bits =
        (PlacementBits(table_, key) >> 20) & 0xffffffff;  // below those that choose the shard
    return shard.entries.get() + ((bits * shard.capacity) >> 32);
  }
  /// The entry of a key or the empty one where it would stand. REQUIRES: capacity > 0.
  Entry* Locate(const Shard& shard, Key key) const;
  void Grow(int shard);

  TableId table_;
  int64_t size_ = 0;
  int64_t n_bytes_ = 0;
  std::vector<Shard> shards_;
};

}  // namespace zhiyin::ps
