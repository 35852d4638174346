// The format of the file in which a server saves the rows of its tables.
//
//   "ZYROWS6\n"
//   u32 1 if it holds only the changes since an earlier save, else 0; u32 number of tables
//   for each table:
//     u32 length of its name, the name
//     u32 dim, u32 type of its weights (NumberType), u32 bytes a row (ps/table/row_layout.h)
//     u32 length of a text, the text: how occurrences are counted (OccurrenceCounts::Text)
//     u64 number of rows, u64 number of keys that lost their rows
//   then for each table:
//     u64 key, for each key that lost its row
//     u64 key and the whole row, for each row
//     u64 the first step whose slice of the table was not swept for eviction
//     the occurrences of keys without a row (ps/table/admission.h):
//       u32 number of shards, and for each: u32 shard, u64 length, its bytes
//       u32 number of open steps, and for each: u64 step, u64 number of keys, the keys
//
// Little-endian. Keys and rows are in the order of PlaceOf (ps/partitioner.h). A key that lost its
// row and has a new one is in both lists. Format 5, which is read as well, has the occurrences of a
// shard in another form (table::ShardCoding). The file is divided into blocks
// (common/block_file.h), and the manifest holds its digest.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/block_file.h"
#include "common/net/role_map.h"
#include "common/tick.h"
#include "common/types.h"
#include "configs/manifest.pb.h"
#include "ps/table/admission.h"
#include "ps/table/table.h"

namespace zhiyin::ps::save {

inline constexpr std::string_view kRowFileMagic = "ZYROWS6\n";
inline constexpr std::string_view kOldRowFileMagic = "ZYROWS5\n";

/// The properties in which a saved table must agree with the expected one.
struct SavedTable {
  std::string name;
  table::RowLayout layout;
  std::string occurrences;  // OccurrenceCounts::Text
};
/// The properties of the tables that the job saves, by TableId.
std::vector<SavedTable> SavedTables(const Job& job);

/// A copy of the occurrences of keys without a row, in the format of the file. A step changes most
/// shards, so that all of them are copied at once. Used by one thread.
class SavedOccurrences {
 public:
  /// `tick` is called for every shard.
  SavedOccurrences(const table::Admission& admission, const Tick& tick);

  /// The bytes of the copy that are not written yet.
  int64_t n_bytes() const { return n_bytes_; }
  /// Writes about 256 KiB, and frees their copy. Returns whether there is more to write.
  bool WriteSome(BlockWriter* file);

 private:
  void Add(std::string piece);

  std::deque<std::string> pieces_;
  int64_t n_bytes_ = 0;
};

/// Reads a file of rows from start to end, one row at a time. Used by one thread. All functions
/// throw Error, naming file and offset, when the file is damaged or holds other tables than
/// expected.
class RowFile {
 public:
  /// Opens file `number` of the files that the manifest of the folder lists. `tables` are the
  /// expected tables. `tick` is called for every block of the file.
  RowFile(const std::string& folder, const Manifest& manifest, int number,
          const std::vector<SavedTable>& tables, Beside beside, const Tick& tick);

  bool is_changes() const { return is_changes_; }

  /// Moves to the next table, on the first call to the first one, and past the keys that lost their
  /// rows. They are read a second time, beside the rows, rather than kept.
  void BeginTable();
  /// Reads the next row. Returns false when the table has no more rows.
  bool NextRow();
  KeyPlace place() const { return place_; }
  std::span<const std::byte> row() const { return row_; }
  /// Whether a key lost its row. REQUIRES: the places of the calls for a table rise.
  bool Lost(const KeyPlace& place);
  /// Reads the first step that was not swept, which follows the rows. REQUIRES: NextRow has
  /// returned false.
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
  void NextLost();

  BlockReader file_;
  Tick tick_;
  uint64_t digest_;  // by the manifest
  int number_;
  int n_files_;
  bool is_changes_ = false;
  table::ShardCoding coding_ = table::ShardCoding::kRuns;
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
  std::unique_ptr<BlockReader> lost_file_;  // this file at the next key that lost its row
  uint64_t n_lost_left_ = 0;                // such keys of the table, from there on
  std::optional<KeyPlace> lost_;            // the first that is not before the last call of Lost
};

}  // namespace zhiyin::ps::save
