// The file of rows, in which a server saves its tables.
//
//   "ZYROWS5\n"
//   u32 whether it holds only what has changed since an earlier save, u32 number of tables
//   for each table:
//     u32 length of its name, the name
//     u32 dim, u32 type of its weights (NumberType), u32 bytes a row (ps/table/row_layout.h)
//     u32 length of a text, the text: how occurrences are counted (OccurrenceCounts::Text)
//     u64 number of rows, u64 number of keys that lost their rows
//   then for each table:
//     u64 key, for each key that lost its row
//     u64 key and the whole row, for each row
//     u64 the first step whose slice was not swept
//     the occurrences of keys without a row (ps/table/admission.h):
//       u32 number of shards, and for each: u32 shard, u64 length, its bytes
//       u32 number of open steps, and for each: u64 step, u64 number of keys, the keys
//
// Little-endian. Keys and rows are in the order of PlaceOf (ps/partitioner.h). A key that lost its
// row and has a new one is in both lists. The file is divided into blocks (common/block_file.h),
// and the manifest holds its digest.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/block_file.h"
#include "common/net/role_map.h"
#include "common/types.h"
#include "configs/manifest.pb.h"
#include "ps/table/admission.h"
#include "ps/table/table.h"

namespace zhiyin::ps::save {

inline constexpr std::string_view kRowFileMagic = "ZYROWS5\n";

/// The properties that a saved table must share with the one that is expected.
struct SavedTable {
  std::string name;
  table::RowLayout layout;
  std::string occurrences;  // OccurrenceCounts::Text
};
/// The tables of a job, as its saves have them.
std::vector<SavedTable> SavedTables(const Job& job);

/// The occurrences of keys without a row, as bytes of the file.
std::string OccurrencesOf(const table::Admission& admission);

/// Reads a file of rows from start to end, a row at a time. One thread. Throws Error naming file
/// and offset where it is damaged, or of other tables.
class RowFile {
 public:
  /// Opens file `number` of those that the manifest of the folder names. `tables`: the expected
  /// ones.
  RowFile(const std::string& folder, const Manifest& manifest, int number,
          const std::vector<SavedTable>& tables, Beside beside);

  bool is_changes() const { return is_changes_; }

  /// Goes to the next table, at first to the first one. Reads the keys that lost their rows.
  void BeginTable();
  /// Goes to the next row; returns false when the table has no more.
  bool NextRow();
  KeyPlace place() const { return place_; }
  std::span<const std::byte> row() const { return row_; }
  /// Whether a key lost its row. Calls within a table must have rising places.
  bool Lost(const KeyPlace& place);
  /// Reads what follows the rows, the first step that was not swept. REQUIRES: NextRow was false.
  uint64_t NextSweepStep() { return file_.Get<uint64_t>(); }
  /// Reads the occurrences of keys without a row; those of the server's shards go into `admission`,
  /// unless it is nullptr.
  void ReadOccurrences(const net::RoleMap& roles, int server, TableId table,
                       table::Admission* admission);
  /// Checks, after the last table, that the file ends here and has the digest of the manifest.
  void Finish();

 private:
  void ReadHead(const std::vector<SavedTable>& tables);
  /// Throws Error unless the key is of this file's shards.
  KeyPlace PlaceHere(Key key) const;

  BlockReader file_;
  uint64_t digest_;  // that the manifest says
  int number_;
  int n_files_;
  bool is_changes_ = false;
  struct Head {
    size_t row_bytes = 0;
    uint64_t n_rows = 0;
    uint64_t n_lost = 0;
    bool counts_occurrences = false;
  };
  std::vector<Head> heads_;
  std::vector<std::string> names_;
  int table_ = -1;
  uint64_t n_left_ = 0;  // rows
  KeyPlace place_;
  bool has_place_ = false;
  std::vector<std::byte> row_;
  std::vector<KeyPlace> lost_;
  size_t n_asked_ = 0;  // of lost_, that are behind
};

}  // namespace zhiyin::ps::save
