#include "ps/table/index.h"

#include <glog/logging.h>

#include <cmath>

namespace zhiyin::ps::table {
namespace {

constexpr double kGrowth = 1.5;

/// The next number of buckets above `n_buckets` in a shard's own sequence, 1.5^(u + i) for i =
/// 0, 1, ...; the u of the shards are spread evenly over [0, 1).
uint32_t NextSize(int shard, uint32_t n_buckets) {
  const double u = static_cast<double>(Mix(static_cast<uint64_t>(shard)) >> 11) * 0x1.0p-53;
  double next = std::pow(kGrowth, u);
  while (next < n_buckets + 1.0) next *= kGrowth;
  return static_cast<uint32_t>(next);
}

/// Whether n keys fill more than 85 % of the entries.
bool AreTooMany(uint32_t n, uint64_t n_entries) {
  return uint64_t{n} * 20 > n_entries * 17;
}

}  // namespace

Index::Index(TableId table) : table_(table) {
  static Bucket nothing = {};  // never written
  shards_.assign(kNumShards, Shard{&nothing});
}

uint32_t Index::Find(Key key) const {
  const uint64_t bits = PlacementBits(table_, key);
  const Shard& shard = shards_[ShardOf(key, bits)];
  uint32_t b = HomeIn(shard, bits);
  // In a small shard that has lost keys, probing may have passed every bucket.
  for (uint32_t n_left = shard.n_buckets; n_left > 0; --n_left) {
    const Bucket& bucket = shard.buckets[b];
    const uint32_t at = EntryOf(bucket, key);
    if (at != 0) return bucket.rows[std::countr_zero(at)];
    if (bucket.n_beyond == 0) break;
    if (++b == shard.n_buckets) b = 0;
  }
  return kAbsent;
}

void Index::Put(const Shard& shard, Key key, uint32_t row) const {
  uint32_t b = HomeIn(shard, PlacementBits(table_, key));
  while (shard.buckets[b].used == kFull) {
    ++shard.buckets[b].n_beyond;
    if (++b == shard.n_buckets) b = 0;
  }
  Bucket& bucket = shard.buckets[b];
  const int at = std::countr_one(uint32_t{bucket.used});
  bucket.keys[at] = key;
  bucket.rows[at] = row;
  bucket.used |= 1u << at;
}

void Index::Insert(Key key, uint32_t row) {
  const int number = ps::ShardOf(table_, key);
  Shard& shard = shards_[static_cast<size_t>(number)];
  Reserve(number, shard.n + 1);
  Put(shard, key, row);
  ++shard.n;
  ++size_;
}

void Index::Erase(Key key) {
  Shard& shard = shards_[static_cast<size_t>(ps::ShardOf(table_, key))];
  uint32_t b = HomeIn(shard, PlacementBits(table_, key));
  while (EntryOf(shard.buckets[b], key) == 0) {
    --shard.buckets[b].n_beyond;
    if (++b == shard.n_buckets) b = 0;
  }
  Bucket& bucket = shard.buckets[b];
  bucket.used &= ~EntryOf(bucket, key);
  --shard.n;
  --size_;
}

void Index::Reserve(int number, uint32_t n) {
  const Shard& shard = shards_[static_cast<size_t>(number)];
  uint32_t n_buckets = shard.n_buckets;
  while (AreTooMany(n, uint64_t{n_buckets} * kEntries)) n_buckets = NextSize(number, n_buckets);
  if (n_buckets > shard.n_buckets) Resize(number, n_buckets);
}

void Index::Resize(int number, uint32_t n_buckets) {
  Shard& shard = shards_[static_cast<size_t>(number)];
  Shard larger;
  larger.n_buckets = n_buckets;
  larger.n = shard.n;
  larger.buckets = reinterpret_cast<Bucket*>(arena_.Allocate(larger.n_buckets * sizeof(Bucket)));
  for (uint32_t b = 0; b < larger.n_buckets; ++b) {
    larger.buckets[b].used = 0;
    larger.buckets[b].n_beyond = 0;
  }
  // Homes keep their order, so that both arrays are passed once from begin to end.
  VisitShard(number, [&](const Entry& entry) { Put(larger, entry.key, entry.row); });
  if (shard.n_buckets > 0)
    arena_.Free(reinterpret_cast<std::byte*>(shard.buckets), shard.n_buckets * sizeof(Bucket));
  shard = larger;
}

std::vector<Index::Entry> Index::SortedShard(int number) const {
  std::vector<Entry> entries;
  entries.reserve(ShardSize(number));
  VisitShard(number, [&](const Entry& entry) {
    entries.push_back(entry);
    // Few are out of order: those that are not in their first bucket.
    const KeyPlace place = PlaceOf(table_, entry.key);
    size_t at = entries.size() - 1;
    for (; at > 0 && place < PlaceOf(table_, entries[at - 1].key); --at)
      entries[at] = entries[at - 1];
    entries[at] = entry;
  });
  return entries;
}

}  // namespace zhiyin::ps::table
