#include "ps/table/table_cut.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ps/partitioner.h"
#include "ps/table/table.h"

namespace zhiyin::ps::table {

TableCut::TableCut(const Table& table, std::unique_ptr<RowChanges> changes)
    : table_(table),
      changes_(std::move(changes)),
      row_bytes_(table.layout().bytes()),
      n_rows_(changes_ ? changes_->n_rows() : table.n_rows()),
      next_sweep_step_(table.next_sweep_step()),
      kept_(table.spec().id) {}

void TableCut::BeforeChange(Key key, uint32_t row) {
  if (ShardOf(table_.spec().id, key) < n_visited_ || kept_.Find(key) != Index::kAbsent) return;
  uint32_t number = kNoRow;
  // The first change of a key since the snapshot is about the row that it had then.
  if (row != Index::kAbsent && (changes_ == nullptr || changes_->Has(row))) {
    if (free_.empty()) {
      if (n_made_ % kRowsPerChunk == 0)
        chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kRowsPerChunk * row_bytes_));
      free_.push_back(n_made_++);
    }
    number = free_.back();
    free_.pop_back();
    std::memcpy(Kept(number), table_.Row(row), row_bytes_);
  }
  kept_.Insert(key, number);
}

void TableCut::VisitRemoved(const std::function<void(Key)>& visit) {
  if (changes_ == nullptr) return;
  for (int shard = 0; shard < kNumShards; ++shard) {
    std::vector<Key> keys = changes_->TakeRemoved(shard);
    const TableId table = table_.spec().id;
    std::sort(keys.begin(), keys.end(),
              [&](Key a, Key b) { return PlaceOf(table, a) < PlaceOf(table, b); });
    for (const Key key : keys) visit(key);
  }
}

void TableCut::VisitNextShard(const std::function<void(Key, std::span<const std::byte>)>& visit) {
  const std::vector<Index::Entry> kept = kept_.SortedShard(n_visited_);
  const TableId table = table_.spec().id;
  auto next = kept.begin();
  const auto visit_kept = [&] {
    if (next->row != kNoRow) {
      visit(next->key, {Kept(next->row), row_bytes_});
      free_.push_back(next->row);
    }
    kept_.Erase(next->key);
    ++next;
  };
  // Rows that were not copied have not changed since the snapshot.
  const auto visit_live = [&](Key key, std::span<const std::byte> row) {
    while (next != kept.end() && next->key != key &&
           PlaceOf(table, next->key) < PlaceOf(table, key))
      visit_kept();
    if (next != kept.end() && next->key == key) {
      visit_kept();
    } else {
      visit(key, row);
    }
  };
  table_.VisitShard(n_visited_, visit_live, changes_.get());
  while (next != kept.end()) visit_kept();
  ++n_visited_;
}

int64_t TableCut::n_bytes() const {
  return static_cast<int64_t>(chunks_.size() * kRowsPerChunk * row_bytes_) + kept_.n_bytes() +
         (changes_ ? changes_->n_bytes() : 0);
}

}  // namespace zhiyin::ps::table
