// Saving of a server's rows to a file (ps/save/row_file.h) while they continue to change.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/block_file.h"
#include "common/tick.h"
#include "ps/protocol.h"
#include "ps/save/row_file.h"
#include "ps/table/table.h"
#include "ps/table/table_cut.h"

namespace zhiyin::ps::save {

/// The result of a save.
struct SavedRows {
  int64_t n_rows = 0;
  int64_t n_bytes = 0;
  uint64_t digest = 0;
  bool is_changes = false;  // whether the file holds only changes since the previous save
};

/// A save in progress. The file receives the rows that the tables held when this object was made;
/// a row that changes before it is written is copied first (copy on write). What admission has
/// counted is copied when this object is made. Used by the thread of the tables, which outlive this
/// object.
class RowSaver {
 public:
  /// With SaveKind::kChanges, the rows of a table that has not tracked its changes are all written.
  /// Throws FileError, as Advance does, when the file cannot be written. `tick` is called while
  /// counts are copied. `on_wait` is called about ten times a second while a call waits for the
  /// disk, see BlockWriter.
  RowSaver(
      const std::string& path, SaveKind kind, std::vector<table::Table>* tables, const Tick& tick,
      Beside beside, std::function<void()> on_wait = [] {});
  ~RowSaver();
  RowSaver(const RowSaver&) = delete;
  RowSaver& operator=(const RowSaver&) = delete;

  /// Writes about 2,000 more rows, or one shard of a table if it has more rows, or about 256 KiB of
  /// counts. Returns false, if not `may_wait`, when it would have to wait for the disk.
  bool Advance(bool may_wait);
  /// Whether the whole file is on disk.
  bool IsDone() const { return is_done_; }
  /// REQUIRES: IsDone().
  SavedRows saved() const { return {n_rows_, file_.n_bytes(), file_.digest(), is_changes_}; }
  /// The bytes of copies: of rows that were copied before they changed, and of counts.
  int64_t n_bytes_kept() const;
  /// The bytes of the copies of counts.
  int64_t n_bytes_of_counts() const;

 private:
  std::vector<table::Table>* tables_;
  BlockWriter file_;
  bool is_changes_ = false;
  std::vector<std::unique_ptr<table::TableCut>> cuts_;
  std::deque<SavedOccurrences> occurrences_;  // [table]
  size_t table_ = 0;                          // that is written
  int64_t n_rows_ = 0;                        // written
  bool is_committing_ = false;
  bool is_done_ = false;
};

/// Writes the rows of these tables to a new file, which is on disk on return. `tick` is called
/// after every piece of about 2,000 rows. Throws FileError when the file cannot be written.
SavedRows SaveRows(const std::string& path, SaveKind kind, std::vector<table::Table>* tables,
                   const Tick& tick, Beside beside = Beside::kNobody);

}  // namespace zhiyin::ps::save
