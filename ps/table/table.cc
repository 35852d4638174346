#include "ps/table/table.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/copy_row.h"
#include "common/error.h"
#include "common/prefetch_row.h"
#include "ps/table/schedule.h"

namespace zhiyin::ps::table {
namespace {

/// Rows that are prefetched ahead of the one that is copied. A copy is so little work that
/// prefetches need no bursts.
constexpr size_t kCopiesAhead = 12;
/// The most slices that one call sweeps, where the steps run ahead of the calls.
constexpr int kMaxSlicesPerCall = 4;
/// The number of evicted keys that are noted for the next save however few rows there are.
constexpr int64_t kMinRemovedKept = 1 << 20;

/// The number of virtual shards before slice `nth` of the `n_slices` of a sweep.
int ShardsBefore(uint64_t nth, uint64_t n_slices) {
  return static_cast<int>(nth * kNumShards / n_slices);
}

}  // namespace

Table::Table(const TableSpec& spec, uint64_t seed)
    : spec_(spec),
      optimizer_(MakeOptimizer(spec.optimizer)),
      layout_(LayoutOf(spec)),
      initializer_(spec.init, seed, spec.id),
      admission_(spec.admission, spec.id, seed),
      index_(spec.id),
      rows_(layout_.bytes()),
      max_rows_of_shard_(MaxRowsOfShard(spec)),
      weights_(static_cast<size_t>(spec.dim)) {
  if (max_rows_of_shard_ == 0) return;
  if (spec.eviction.when_full() == Eviction::EVICT_OLDEST) {
    oldest_.emplace(max_rows_of_shard_);
  } else if (spec.synchronous) {
    n_new_.resize(kNumShards);
  }
}

void Table::NoteUse(std::byte* row, uint64_t step) const {
  RowUse* use = layout_.UseOf(row);
  use->last_step = std::max(use->last_step, static_cast<uint32_t>(step));
  use->n_pulls = std::min<uint32_t>(use->n_pulls + 1u, 0x7fffffff);
}

void Table::NoteIfOverfull(int shard) {
  if (index_.ShardSize(shard) <= max_rows_of_shard_) return;
  if (overfull_shards_.empty() || overfull_shards_.back() != shard)
    overfull_shards_.push_back(shard);
}

bool Table::HasRoom(Key key, uint64_t oldest_in_use) {
  if (max_rows_of_shard_ == 0) return true;
  const int shard = ShardOf(spec_.id, key);
  if (oldest_) {
    if (spec_.synchronous) return true;  // EndStep makes the room
    KeepNewest(shard, max_rows_of_shard_ - 1, oldest_in_use);
    if (index_.ShardSize(shard) < max_rows_of_shard_) return true;
    WarnFull("refused and counted as no_room while all rows of their shard are in use");
    return false;
  }
  uint32_t n = index_.ShardSize(shard);
  if (spec_.synchronous) n -= n_new_[static_cast<size_t>(shard)];  // as the step began
  if (n < max_rows_of_shard_) {
    if (spec_.synchronous) {
      ++n_new_[static_cast<size_t>(shard)];
      new_keys_.push_back(key);
    }
    return true;
  }
  if (spec_.eviction.when_full() == Eviction::FAIL) FailFull(n + 1);
  WarnFull("refused and counted as no_room");
  return false;
}

void Table::WarnFull(const char* what) {
  if (!said_full_) {
    LOG(WARNING) << "table " << spec_.name << ": the " << spec_.eviction.max_bytes()
                 << " bytes of eviction.max_bytes are used up, by " << max_rows_of_shard_
                 << " rows in a virtual shard: new keys are " << what;
  }
  said_full_ = true;
}

void Table::FailFull(uint32_t n) const {
  Fail("table ", spec_.name, ": the ", spec_.eviction.max_bytes(),
       " bytes of eviction.max_bytes are used up: ", n,
       " rows in a virtual shard, expected at most ", max_rows_of_shard_,
       ": raise them, or evict more");
}

void Table::InitRow(std::span<const float> weights, std::byte* row) {
  FromFloats(layout_.number, weights.data(), weights.size(), row);
  // The state begins with the weights after rounding.
  ToFloats(layout_.number, row, weights_.size(), weights_.data());
  optimizer_->InitState(weights_,
                        {layout_.StateOf(row), static_cast<size_t>(layout_.state_floats)});
  if (layout_.tracks_use) *layout_.UseOf(row) = RowUse();
}

void Table::BeforeChange(Key key, uint32_t row) {
  if (cut_ != nullptr) cut_->BeforeChange(key, row);
  if (changes_ != nullptr) changes_->Mark(row);
}

std::byte* Table::Create(Key key, uint64_t step) {
  if (cut_ != nullptr) cut_->BeforeChange(key, Index::kAbsent);
  const uint32_t number = rows_.Add();
  std::byte* row = rows_.Row(number);
  initializer_(key, weights_);
  InitRow(weights_, row);
  if (layout_.tracks_use) NoteUse(row, step);
  if (changes_ != nullptr) changes_->Mark(number);
  index_.Insert(key, number);
  if (oldest_) {
    const int shard = ShardOf(spec_.id, key);
    oldest_->NoteNew(shard, step);
    NoteIfOverfull(shard);
  }
  ++counts_.created;
  return row;
}

void Table::FindOrCreate(std::span<const Key> keys, uint64_t step, std::span<std::byte*> rows,
                         uint64_t oldest_in_use) {
  FindToChange(keys, rows);  // by its push
  admission_.Open(step, [this](Key key) { return HasRow(key); });
  counts_.looked_up += static_cast<int64_t>(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (layout_.tracks_use)
      PrefetchRowsAhead(i, keys.size(), sizeof(RowUse), [&](size_t at) -> const std::byte* {
        return rows[at] != nullptr ? reinterpret_cast<const std::byte*>(layout_.UseOf(rows[at]))
                                   : nullptr;
      });
    if (rows[i] == nullptr) continue;
    ++counts_.found;
    if (layout_.tracks_use) NoteUse(rows[i], step);
  }
  // Rows that were found are in use before others make room.
  for (size_t i = 0; i < keys.size(); ++i) {
    if (rows[i] != nullptr) continue;
    if (!admission_.Admit(keys[i])) {
      ++counts_.not_admitted;
    } else if (!HasRoom(keys[i], oldest_in_use)) {
      ++counts_.no_room;
    } else {
      rows[i] = Create(keys[i], step);
    }
  }
}

void Table::FindOrForce(std::span<const Key> keys, std::span<std::byte*> rows) {
  FindToChange(keys, rows);
  counts_.looked_up += static_cast<int64_t>(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (rows[i] == nullptr) {
      rows[i] = Create(keys[i], 0);
      // Older than the rows that are listed to make room.
      if (oldest_) oldest_->Forget(ShardOf(spec_.id, keys[i]));
    } else {
      ++counts_.found;
    }
  }
}

void Table::Assign(std::span<const Key> keys, const float* weights) {
  const size_t dim = static_cast<size_t>(spec_.dim);
  std::vector<std::byte*> rows(keys.size());
  std::vector<std::byte*> old_rows(keys.size());
  Find(keys, old_rows);
  FindOrForce(keys, rows);
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::span<const float> own(weights + i * dim, dim);
    if (old_rows[i] == nullptr) {
      InitRow(own, rows[i]);
    } else {
      WriteWeights({&rows[i], 1}, own.data());
    }
  }
}

void Table::FindToChange(std::span<const Key> keys, std::span<std::byte*> rows) {
  if (cut_ == nullptr && changes_ == nullptr) return Find(keys, rows);
  index_.Find(keys, [&](size_t i, uint32_t number) {
    rows[i] = number == Index::kAbsent ? nullptr : rows_.Row(number);
    if (rows[i] != nullptr) BeforeChange(keys[i], number);
  });
}

void Table::Find(std::span<const Key> keys, std::span<std::byte*> rows) {
  index_.Find(keys, [&](size_t i, uint32_t number) {
    rows[i] = number == Index::kAbsent ? nullptr : rows_.Row(number);
  });
}

void Table::ReadWeights(std::span<std::byte* const> rows, NumberType type, void* to) const {
  const size_t dim = static_cast<size_t>(spec_.dim);
  const size_t row_bytes = dim * static_cast<size_t>(BytesOf(type));
  std::byte* at = static_cast<std::byte*>(to);
  if (type == layout_.number) {
    for (size_t i = 0; i < rows.size(); ++i, at += row_bytes) {
      if (i + kCopiesAhead < rows.size() && rows[i + kCopiesAhead] != nullptr)
        PrefetchRow(rows[i + kCopiesAhead], row_bytes);
      if (rows[i] != nullptr) {
        CopyRow(rows[i], row_bytes, at);
      } else {
        std::memset(at, 0, row_bytes);
      }
    }
    return;
  }
  std::vector<float> wide(dim);
  for (size_t i = 0; i < rows.size(); ++i, at += row_bytes) {
    PrefetchRowsAhead(i, rows.size(), layout_.state_offset(),
                      [&](size_t ahead) { return rows[ahead]; });
    if (rows[i] != nullptr) {
      ToFloats(layout_.number, rows[i], dim, wide.data());
      FromFloats(type, wide.data(), dim, at);
    } else {
      std::memset(at, 0, row_bytes);
    }
  }
}

void Table::WriteWeights(std::span<std::byte* const> rows, const float* weights) {
  const size_t dim = static_cast<size_t>(spec_.dim);
  for (size_t i = 0; i < rows.size(); ++i)
    FromFloats(layout_.number, weights + i * dim, dim, rows[i]);
}

void Table::Apply(std::span<std::byte* const> rows, const float* gradients, const float* pulled,
                  uint64_t step) {
  if (std::find(rows.begin(), rows.end(), nullptr) != rows.end()) {
    const size_t dim = static_cast<size_t>(spec_.dim);
    kept_rows_.clear();
    kept_gradients_.clear();
    kept_pulled_.clear();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] == nullptr) continue;
      kept_rows_.push_back(rows[i]);
      kept_gradients_.insert(kept_gradients_.end(), gradients + i * dim, gradients + (i + 1) * dim);
      if (pulled != nullptr)
        kept_pulled_.insert(kept_pulled_.end(), pulled + i * dim, pulled + (i + 1) * dim);
    }
    rows = kept_rows_;
    gradients = kept_gradients_.data();
    if (pulled != nullptr) pulled = kept_pulled_.data();
  }
  optimizer_->Apply({rows, layout_, gradients, pulled, RateFactor(spec_.optimizer.schedule(), step),
                     step, static_cast<float>(spec_.optimizer.clip_norm()),
                     static_cast<float>(spec_.optimizer.weight_decay())});
}

void Table::EndStep(uint64_t step, uint64_t oldest_in_use) {
  // Before occurrences are counted: a key that has no row after the step's end has met no room.
  KeepBound(oldest_in_use);
  admission_.CloseBefore(step + (spec_.synchronous ? 1 : 0),
                         [this](Key key) { return HasRow(key); });
  if (!Evicts()) return;
  if (next_sweep_step_ == kNoneInUse) next_sweep_step_ = step;
  const uint64_t n_slices = static_cast<uint64_t>(spec_.eviction.sweep_steps());
  for (int n = 0; n < kMaxSlicesPerCall && next_sweep_step_ <= step; ++n, ++next_sweep_step_) {
    const uint64_t slice = next_sweep_step_ % n_slices;
    for (int shard = ShardsBefore(slice, n_slices); shard < ShardsBefore(slice + 1, n_slices);
         ++shard)
      SweepShard(shard, step, oldest_in_use);
  }
}

void Table::KeepBound(uint64_t oldest_in_use) {
  if (max_rows_of_shard_ == 0) return;
  if (oldest_) {
    for (const int shard : overfull_shards_) KeepNewest(shard, max_rows_of_shard_, oldest_in_use);
    // Where rows are in use, the next call continues.
    std::erase_if(overfull_shards_,
                  [&](int shard) { return index_.ShardSize(shard) <= max_rows_of_shard_; });
    return;
  }
  DropNewest();
  for (const Key key : new_keys_) n_new_[static_cast<size_t>(ShardOf(spec_.id, key))] = 0;
  new_keys_.clear();
}

/// Where there is no room for all of a step's new rows, the hash of their keys decides which stay.
void Table::DropNewest() {
  std::sort(new_keys_.begin(), new_keys_.end(),
            [&](Key a, Key b) { return PlacementBits(spec_.id, a) < PlacementBits(spec_.id, b); });
  for (auto key = new_keys_.rbegin(); key != new_keys_.rend(); ++key) {
    const uint32_t n = index_.ShardSize(ShardOf(spec_.id, *key));
    if (n <= max_rows_of_shard_) continue;
    if (spec_.eviction.when_full() == Eviction::FAIL) FailFull(n);
    WarnFull("let go at the end of their step and counted as displaced");
    Evict({*key, index_.Find(*key)});
    ++counts_.displaced;
  }
}

void Table::SweepShard(int shard, uint64_t step, uint64_t oldest_in_use) {
  const Eviction& rules = spec_.eviction;
  entries_.clear();
  index_.VisitShard(shard, [&](const Index::Entry& entry) {
    std::byte* row = rows_.Row(entry.row);
    RowUse* use = layout_.UseOf(row);
    if (use->last_step >= oldest_in_use) return;
    const bool is_new = use->is_new;
    const int64_t n_pulls = use->n_pulls;
    if (is_new || n_pulls > 0) {
      BeforeChange(entry.key, entry.row);
      use->n_pulls = 0;
      use->is_new = 0;
    }
    if (rules.ttl_steps() > 0 && step > use->last_step + static_cast<uint64_t>(rules.ttl_steps())) {
      ++counts_.expired;
    } else if (!is_new && n_pulls < rules.min_pulls()) {
      ++counts_.rare;
    } else if (!is_new && rules.min_norm() > 0 && NormOf(row) < rules.min_norm()) {
      ++counts_.small;
    } else {
      return;
    }
    entries_.push_back(entry);
  });
  for (const Index::Entry& entry : entries_) Evict(entry);
  if (oldest_) oldest_->Forget(shard);
}

double Table::NormOf(const std::byte* row) {
  ToFloats(layout_.number, row, weights_.size(), weights_.data());
  double square = 0;
  for (const float w : weights_) square += static_cast<double>(w) * w;
  return std::sqrt(square);
}

void Table::KeepNewest(int shard, uint32_t n_kept, uint64_t oldest_in_use) {
  const uint32_t n = index_.ShardSize(shard);
  if (n <= n_kept) return;
  oldest_->Take(shard, n - n_kept, oldest_in_use, {index_, rows_, layout_},
                [&](const Index::Entry& entry) {
                  Evict(entry);
                  ++counts_.displaced;
                });
}

void Table::Evict(const Index::Entry& entry) {
  if (cut_ != nullptr) cut_->BeforeChange(entry.key, entry.row);
  if (changes_ != nullptr) {
    changes_->Remove(entry.key, entry.row);
    // More keys lost their rows than there are rows: a save of all rows costs no more.
    if (changes_->n_removed() > n_rows() + kMinRemovedKept) changes_.reset();
  }
  index_.Erase(entry.key);
  rows_.Free(entry.row);
}

void Table::VisitShard(int shard, const std::function<void(Key, std::span<const std::byte>)>& visit,
                       const RowChanges* only) const {
  std::vector<Index::Entry> entries = index_.SortedShard(shard);
  if (only != nullptr)
    std::erase_if(entries, [&](const Index::Entry& entry) { return !only->Has(entry.row); });
  // Rows are scattered in memory.
  for (size_t i = 0; i < entries.size(); ++i) {
    PrefetchRowsAhead(i, entries.size(), layout_.bytes(),
                      [&](size_t at) { return rows_.Row(entries[at].row); });
    visit(entries[i].key, {rows_.Row(entries[i].row), layout_.bytes()});
  }
}

void Table::Restore(Key key, std::span<const std::byte> row) {
  CHECK_EQ(row.size(), layout_.bytes());
  if (!restored_.empty() && ShardOf(spec_.id, restored_.back().key) != ShardOf(spec_.id, key))
    FinishRestoring();
  const uint32_t number = rows_.Add();
  std::copy(row.begin(), row.end(), rows_.Row(number));
  restored_.push_back({key, number});
  ++counts_.loaded;
}

void Table::FinishRestoring() {
  if (restored_.empty()) return;
  const int shard = ShardOf(spec_.id, restored_[0].key);
  index_.Reserve(shard, index_.ShardSize(shard) + static_cast<uint32_t>(restored_.size()));
  for (const Index::Entry& entry : restored_) index_.Insert(entry.key, entry.row);
  restored_.clear();
  if (!oldest_) return;
  oldest_->Forget(shard);
  NoteIfOverfull(shard);
}

void Table::RestoreNextSweepStep(uint64_t step) {
  if (step == kNoneInUse) return;
  if (next_sweep_step_ == kNoneInUse || next_sweep_step_ < step) next_sweep_step_ = step;
}

void Table::FinishLoading() {
  admission_.FinishRestoring([this](Key key) { return HasRow(key); });
}

std::vector<Table> EmptyTables(const Job& job) {
  std::vector<Table> tables;
  for (const TableSpec& spec : TableSpecs(job)) tables.emplace_back(spec, job.train().seed());
  return tables;
}

}  // namespace zhiyin::ps::table
