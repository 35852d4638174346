// A file of rows: what a server writes of its tables.
//
// "ZYROWS5\n", u32 whether it holds only what has changed since an earlier save, u32 number of
// tables; for each table: u32 length of its name, the name, u32 dim, u32 type of its weights
// (NumberType), u32 bytes a row (ps/table/row_layout.h), u32 length of what says how occurrences
// are counted (OccurrenceCounts::Text), that text, u64 number of rows, u64 number of keys that lost
// theirs; then for each table in turn these keys and its rows, both by PlaceOf (ps/partitioner.h):
// u64 key; u64 key, the whole row; u64 the first step whose slice was not swept; then what is known
// of keys without a row (ps/table/admission.h): u32 number of shards, and for each u32 shard, u64
// length, its bytes; u32 number of open steps, and for each u64 step, u64 number of keys, these.
// Little-endian. A key that lost its row and has another is in both lists. It is a file in blocks
// (common/block_file.h), whose digest the manifest holds.
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

/// What says how a saved table was laid out.
struct SavedTable {
  std::string name;
  table::RowLayout layout;
  std::string occurrences;  // OccurrenceCounts::Text
};
std::vector<SavedTable> SavedTables(const Job& job);

/// What is known of keys without a row, as it is in the file.
std::string OccurrencesOf(const table::Admission& admission);

/// Reads one from start to end, a row at a time. Throws Error naming file and offset where it is
/// damaged, or of other tables.
class RowFile {
 public:
  /// File `number` of those that a manifest in the folder names.
  RowFile(const std::string& folder, const Manifest& manifest, int number,
          const std::vector<SavedTable>& tables, Beside beside);

  bool is_changes() const { return is_changes_; }

  /// The next table, from the first on. Reads the keys that lost their rows.
  void BeginTable();
  /// Goes to the next row; false: the table has no more.
  bool NextRow();
  KeyPlace place() const { return place_; }
  std::span<const std::byte> row() const { return row_; }
  /// Whether a key lost its row. Asked for rising places within a table.
  bool Lost(const KeyPlace& place);
  /// REQUIRES: NextRow was false. What follows the rows.
  uint64_t NextSweepStep() { return file_.Get<uint64_t>(); }
  /// What is known of keys without a row: that of the server's shards goes into `admission`;
  /// nullptr: nothing does.
  void ReadOccurrences(const net::RoleMap& roles, int server, TableId table,
                       table::Admission* admission);
  /// All tables are read: the file must be over, and as the manifest says.
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
