// A snapshot of a table that continues to change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/types.h"
#include "ps/table/index.h"
#include "ps/table/row_changes.h"

namespace zhiyin::ps::table {

class Table;

/// A snapshot by copy on write: rows of shards that have not been visited are copied before they
/// change. Used by the thread of the table, which outlives this object and calls BeforeChange
/// (Table::SetCut).
class TableCut {
 public:
  /// Takes a snapshot of all rows, or, with `changes`, of the rows that are in it.
  explicit TableCut(const Table& table, std::unique_ptr<RowChanges> changes = nullptr);

  /// Keeps a copy of a row that is about to be changed or removed. `row` is its number, or
  /// Index::kAbsent if the key is about to get a row. May be called more than once for a change.
  void BeforeChange(Key key, uint32_t row);

  int64_t n_rows() const { return n_rows_; }
  /// The number of keys that lost their rows since the table began to record changes; some have a
  /// row again.
  int64_t n_removed() const { return changes_ ? changes_->n_removed() : 0; }
  /// Visits these keys in the order of PlaceOf. Called once.
  void VisitRemoved(const std::function<void(Key)>& visit);
  uint64_t next_sweep_step() const { return next_sweep_step_; }
  /// The number of shards that were visited.
  int n_visited() const { return n_visited_; }
  /// Visits the rows of the next shard as they were at the snapshot, in the order of PlaceOf, and
  /// frees their copies.
  void VisitNextShard(const std::function<void(Key, std::span<const std::byte>)>& visit);
  /// Bytes of the copies.
  int64_t n_bytes() const;

 private:
  static constexpr uint32_t kNoRow = Index::kAbsent - 1;

  std::byte* Kept(uint32_t number) const {
    return chunks_[number / kRowsPerChunk].get() + number % kRowsPerChunk * row_bytes_;
  }

  static constexpr uint32_t kRowsPerChunk = 4096;

  const Table& table_;
  std::unique_ptr<RowChanges> changes_;  // nullptr: all rows
  size_t row_bytes_;
  int64_t n_rows_;
  uint64_t next_sweep_step_;
  int n_visited_ = 0;
  Index kept_;                                        // from keys to numbers of copies, or kNoRow
  std::vector<std::unique_ptr<std::byte[]>> chunks_;  // of rows, by number
  std::vector<uint32_t> free_;
  uint32_t n_made_ = 0;
};

}  // namespace zhiyin::ps::table
