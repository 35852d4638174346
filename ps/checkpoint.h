// Rows on disk. A saved model is a folder: one file of rows for each server that saved, and a manifest
// (configs/manifest.proto) that was written last.
//
// A file of rows: "ZYROWS4\n", u32 number of tables; for each table: u32 length of its name, the name, u32
// dim, u32 type of its weights (NumberType), u32 bytes a row (ps/row_layout.h), u32 length of what says how
// sightings are counted (SightingCounts::Text), that text, u64 number of rows; then for each table in turn its
// rows, by virtual shard and key: u64 key, the whole row; u64 the first step whose slice was not swept; then
// what is known of keys without a row (ps/admission.h): u32 number of shards, and for each u32 shard, u64
// length, its bytes; u32 number of open steps, and for each u64 step, u64 number of keys, these. Little-endian.
// It is a file in blocks (common/block_file.h), whose digest the manifest holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/block_file.h"
#include "common/role_map.h"
#include "common/types.h"
#include "configs/manifest.pb.h"
#include "ps/table.h"

namespace zhiyin::ps {

struct SavedRows {
  int64_t n_rows = 0;
  int64_t n_bytes = 0;
  uint64_t digest = 0;
};

/// A file of rows in the making. What it gets is what the tables held when this was made, although they go on changing; what changes
/// before it is written is kept meanwhile, in n_bytes_kept(). One thread, that of the tables, which outlive this.
class RowSaver {
 public:
  /// Throws FileError, as Advance does.
  RowSaver(const std::string& path, std::vector<Table>* tables, Beside beside);
  ~RowSaver();
  RowSaver(const RowSaver&) = delete;
  RowSaver& operator=(const RowSaver&) = delete;

  /// Does some of what is left: some two thousand rows, or a shard of a table where that has more. False: with `may_wait` false, that
  /// has to wait for the disk.
  bool Advance(bool may_wait);
  /// The file is on disk, whole.
  bool IsDone() const { return is_done_; }
  /// REQUIRES: IsDone().
  SavedRows saved() const { return {n_rows_, file_.n_bytes(), file_.digest()}; }
  int64_t n_bytes_kept() const;

 private:
  std::vector<Table>* tables_;
  BlockWriter file_;
  std::vector<std::unique_ptr<TableCut>> cuts_;
  std::vector<std::string> sightings_;  // [table]
  size_t table_ = 0;                    // that is written
  int64_t n_rows_ = 0;                  // written
  bool is_committing_ = false;
  bool is_done_ = false;
};

/// Writes all rows of these tables to a new file, on disk when it returns. `tick` is called often. Throws
/// FileError.
SavedRows SaveRows(const std::string& path, std::vector<Table>* tables, const std::function<void()>& tick,
                   Beside beside = Beside::kNobody);

/// Reads from a model's folder the rows that belong to this server, however many servers had saved. REQUIRES:
/// the tables are empty. Throws Error naming file and offset when a file is missing, damaged, or of other
/// tables.
void LoadRows(const std::string& folder, const Manifest& manifest, const RoleMap& roles, int server,
              std::vector<Table>* tables, const std::function<void()>& tick, Beside beside = Beside::kNobody);

/// All rows of a model's folder, in no order that means anything, a block of them in memory at a time. `tables` are those of its job,
/// and stay empty. Throws as LoadRows does.
using VisitRow = std::function<void(TableId table, Key key, std::span<const std::byte> row)>;
void VisitRows(const std::string& folder, const Manifest& manifest, std::vector<Table>* tables, const VisitRow& visit);

}  // namespace zhiyin::ps
