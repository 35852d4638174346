// A table as it was at one moment, while it goes on changing.
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

/// Copy on write: the rows of shards that have not been visited are kept as they were before they
/// change. One thread; the table says what it is about to do (Table::SetCut).
class TableCut {
 public:
  /// The table as it is now; with `changes`, those of its rows that are among them.
  explicit TableCut(const Table& table, std::unique_ptr<RowChanges> changes = nullptr);

  /// The key's row is about to change or to go; Index::kAbsent: it is about to get one. May be said
  /// more than once.
  void BeforeChange(Key key, uint32_t row);

  int64_t n_rows() const { return n_rows_; }
  /// Keys that lost their rows before the cut, maybe to get others, where there are changes.
  int64_t n_removed() const { return changes_ ? changes_->n_removed() : 0; }
  /// All of these by PlaceOf. Once.
  void VisitRemoved(const std::function<void(Key)>& visit);
  uint64_t next_sweep_step() const { return next_sweep_step_; }
  /// Shards that were visited.
  int n_visited() const { return n_visited_; }
  /// The rows of the next shard as they were, by PlaceOf. What was kept of them is let go.
  void VisitNextShard(const std::function<void(Key, std::span<const std::byte>)>& visit);
  /// Memory for rows that are kept.
  int64_t n_bytes() const;

 private:
  static constexpr uint32_t kNoRow = Index::kAbsent - 1;

  std::byte* Kept(uint32_t number) const {
    return chunks_[number / kRowsPerChunk].get() + number % kRowsPerChunk * row_bytes_;
  }

  static constexpr uint32_t kRowsPerChunk = 4096;

  const Table& table_;
  std::unique_ptr<RowChanges> changes_;  // nullptr: all rows are wanted
  size_t row_bytes_;
  int64_t n_rows_;
  uint64_t next_sweep_step_;
  int n_visited_ = 0;
  Index kept_;  // to the number of its row as it was, or kNoRow; no growth of it takes long
  std::vector<std::unique_ptr<std::byte[]>> chunks_;  // of rows, by number
  std::vector<uint32_t> free_;
  uint32_t n_made_ = 0;
};

}  // namespace zhiyin::ps::table
