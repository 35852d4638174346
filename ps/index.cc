#include "ps/index.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>

namespace zhiyin::ps {
namespace {

/// Entries whose memory is fetched ahead of the one in hand.
constexpr size_t kAhead = 16;
constexpr double kGrowth = 1.5;

/// The least capacity above `capacity` out of a shard's own sequence, 4 * 1.5^(u + i) for i = 0, 1, ...; the
/// u of the shards are spread evenly over [0, 1).
uint32_t NextCapacity(int shard, uint32_t capacity) {
  const double u = static_cast<double>(Mix(static_cast<uint64_t>(shard)) >> 11) * 0x1.0p-53;
  double next = 4 * std::pow(kGrowth, u);
  while (next < capacity + 1.0) next *= kGrowth;
  return static_cast<uint32_t>(next);
}

bool IsFull(uint32_t n, uint32_t capacity) {
  return uint64_t{n} * 5 >= uint64_t{capacity} * 4;
}

}  // namespace

Index::Index(TableId table)
    : table_(table), n_bytes_(static_cast<int64_t>(kNumShards * sizeof(Shard))), shards_(kNumShards) {}

uint32_t Index::Find(Key key) const {
  const Shard& shard = shards_[static_cast<size_t>(ShardOf(table_, key))];
  if (shard.capacity == 0) return kAbsent;
  const Entry* const end = shard.entries.get() + shard.capacity;
  for (const Entry* entry = Home(shard, key);;) {
    if (entry->row == kAbsent) return kAbsent;
    if (entry->key == key) return entry->row;
    if (++entry == end) entry = shard.entries.get();
  }
}

void Index::Find(std::span<const Key> keys, std::span<uint32_t> rows) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size()) {
      const Key key = keys[i + kAhead];
      const Shard& shard = shards_[static_cast<size_t>(ShardOf(table_, key))];
      if (shard.capacity > 0) __builtin_prefetch(Home(shard, key));
    }
    rows[i] = Find(keys[i]);
  }
}

void Index::Insert(Key key, uint32_t row) {
  const int number = ShardOf(table_, key);
  Shard& shard = shards_[static_cast<size_t>(number)];
  if (IsFull(shard.n + 1, shard.capacity)) Grow(number);
  const Entry* const end = shard.entries.get() + shard.capacity;
  Entry* entry = Home(shard, key);
  while (entry->row != kAbsent) {
    if (++entry == end) entry = shard.entries.get();
  }
  *entry = {key, row};
  ++shard.n;
  ++size_;
}

void Index::Grow(int number) {
  Shard& shard = shards_[static_cast<size_t>(number)];
  Shard larger;
  larger.capacity = NextCapacity(number, shard.capacity);
  larger.n = shard.n;
  larger.entries = std::make_unique_for_overwrite<Entry[]>(larger.capacity);
  std::fill_n(larger.entries.get(), larger.capacity, Entry{0, kAbsent});
  const Entry* const end = larger.entries.get() + larger.capacity;
  for (uint32_t i = 0; i < shard.capacity; ++i) {
    const Entry moved = shard.entries[i];
    if (moved.row == kAbsent) continue;
    Entry* entry = Home(larger, moved.key);
    while (entry->row != kAbsent) {
      if (++entry == end) entry = larger.entries.get();
    }
    *entry = moved;
  }
  n_bytes_ += static_cast<int64_t>((larger.capacity - shard.capacity) * sizeof(Entry));
  shard = std::move(larger);
}

std::vector<Index::Entry> Index::SortedShard(int number) const {
  const Shard& shard = shards_[static_cast<size_t>(number)];
  std::vector<Entry> entries;
  entries.reserve(shard.n);
  for (uint32_t i = 0; i < shard.capacity; ++i) {
    if (shard.entries[i].row != kAbsent) entries.push_back(shard.entries[i]);
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return Key{a.key} < Key{b.key}; });
  return entries;
}

}  // namespace zhiyin::ps
