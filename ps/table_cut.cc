#include "ps/table_cut.h"

#include <cstring>

#include "common/partitioner.h"
#include "ps/table.h"

namespace zhiyin::ps {

TableCut::TableCut(const Table& table)
    : table_(table),
      row_bytes_(table.layout().bytes()),
      n_rows_(table.n_rows()),
      next_sweep_step_(table.next_sweep_step()),
      kept_(table.spec().id) {}

void TableCut::BeforeChange(Key key, const std::byte* row) {
  if (ShardOf(table_.spec().id, key) < n_visited_ || kept_.Find(key) != Index::kAbsent) return;
  uint32_t number = kNoRow;
  if (row != nullptr) {
    if (free_.empty()) {
      if (n_made_ % kRowsPerChunk == 0) chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kRowsPerChunk * row_bytes_));
      free_.push_back(n_made_++);
    }
    number = free_.back();
    free_.pop_back();
    std::memcpy(Kept(number), row, row_bytes_);
  }
  kept_.Insert(key, number);
}

void TableCut::VisitNextShard(const std::function<void(Key, std::span<const std::byte>)>& visit) {
  const std::vector<Index::Entry> kept = kept_.SortedShard(n_visited_);
  auto next = kept.begin();
  const auto visit_kept = [&] {
    if (next->row != kNoRow) {
      visit(next->key, {Kept(next->row), row_bytes_});
      free_.push_back(next->row);
    }
    kept_.Erase(next->key);
    ++next;
  };
  table_.VisitShard(n_visited_, [&](Key key, std::span<const std::byte> row) {
    while (next != kept.end() && next->key < key) visit_kept();
    if (next != kept.end() && next->key == key) {
      visit_kept();
    } else {
      visit(key, row);
    }
  });
  while (next != kept.end()) visit_kept();
  ++n_visited_;
}

int64_t TableCut::n_bytes() const { return static_cast<int64_t>(chunks_.size() * kRowsPerChunk * row_bytes_) + kept_.n_bytes(); }

}  // namespace zhiyin::ps
