#include "ps/index.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>

namespace zhiyin::ps {
namespace {

/// Entries whose memory is fetched ahead of the one in hand.
constexpr size_t kAhead = 64;
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

Index::Entry* Index::Locate(const Shard& shard, Key key) const {
  Entry* const end = shard.entries.get() + shard.capacity;
  for (Entry* entry = Home(shard, key);;) {
    if (entry->row == kAbsent || entry->key == key) return entry;
    if (++entry == end) entry = shard.entries.get();
  }
}

uint32_t Index::Find(Key key) const {
  const Shard& shard = shards_[static_cast<size_t>(ShardOf(table_, key))];
  return shard.capacity == 0 ? kAbsent : Locate(shard, key)->row;
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
  *Locate(shard, key) = {key, row};
  ++shard.n;
  ++size_;
}

void Index::Erase(Key key) {
  Shard& shard = shards_[static_cast<size_t>(ShardOf(table_, key))];
  Entry* const begin = shard.entries.get();
  Entry* const end = begin + shard.capacity;
  Entry* hole = Locate(shard, key);
  // Entries behind the hole move into it unless that would put them before their home.
  for (Entry* entry = hole;;) {
    if (++entry == end) entry = begin;
    if (entry->row == kAbsent) break;
    const Entry* const home = Home(shard, entry->key);
    const bool home_is_behind_hole =
        hole < entry ? hole < home && home <= entry : hole < home || home <= entry;
    if (home_is_behind_hole) continue;
    *hole = *entry;
    hole = entry;
  }
  hole->row = kAbsent;
  --shard.n;
  --size_;
}

void Index::Grow(int number) {
  Shard& shard = shards_[static_cast<size_t>(number)];
  Shard larger;
  larger.capacity = NextCapacity(number, shard.capacity);
  larger.n = shard.n;
  larger.entries = std::make_unique_for_overwrite<Entry[]>(larger.capacity);
  std::fill_n(larger.entries.get(), larger.capacity, Entry{0, kAbsent});
  VisitShard(number, [&](const Entry& entry) { *Locate(larger, entry.key) = entry; });
  n_bytes_ += static_cast<int64_t>((larger.capacity - shard.capacity) * sizeof(Entry));
  shard = std::move(larger);
}

std::vector<Index::Entry> Index::SortedShard(int number) const {
  std::vector<Entry> entries;
  entries.reserve(ShardSize(number));
  VisitShard(number, [&](const Entry& entry) { entries.push_back(entry); });
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return Key{a.key} < Key{b.key}; });
  return entries;
}

}  // namespace zhiyin::ps
