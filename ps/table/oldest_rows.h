// The rows of a table that make room for others: those whose last pull is oldest.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ps/partitioner.h"
#include "ps/table/index.h"
#include "ps/table/row_layout.h"
#include "ps/table/row_store.h"

namespace zhiyin::ps::table {

/// Reads the record of use of the rows of a table. Borrows all.
struct RowUses {
  const Index& index;
  const RowStore& rows;
  const RowLayout& layout;

  const RowUse& Of(uint32_t row) const { return *layout.UseOf(rows.Row(row)); }
};

/// Finds the oldest rows of a shard: by the step of their last pull, then by the number of their
/// pulls, then by key.
///
/// A search reads the whole shard. It lists more rows than are asked for, an eighth of the bound,
/// so that the next searches are some rows away. A listed row that was not pulled since is still
/// older than all rows that are not listed: last_step never falls, n_pulls falls only in a sweep,
/// which calls Forget, and new rows are younger. So the lists change no result, in a synchronous
/// table. In others, a row that a slow worker made for an earlier step than that of a listed row
/// takes its turn after the list. Used by the thread of the table.
class OldestRows {
 public:
  /// Bytes of the lists for each row of the bound, and of each shard besides.
  static constexpr double kMostBytesPerRow = sizeof(Index::Entry) / 8.0;
  static constexpr double kBytesPerShard = 32;

  /// Lists max_rows_of_shard / 8 rows ahead.
  explicit OldestRows(uint32_t max_rows_of_shard);

  int64_t n_bytes() const { return n_bytes_; }

  /// Calls take(entry) for the n oldest rows of a shard that were last pulled before step
  /// `oldest_in_use`, oldest first; for fewer where there are fewer. REQUIRES: `take` removes the
  /// row from the table.
  void Take(int shard, uint32_t n, uint64_t oldest_in_use, const RowUses& uses,
            const std::function<void(const Index::Entry&)>& take);
  /// Notes that a shard has a new row, pulled by `step`.
  void NoteNew(int shard, uint64_t step);
  /// Notes that the uses of the rows of a shard changed in another way than by a pull, or that rows
  /// were removed or loaded.
  void Forget(int shard);

 private:
  struct List {
    std::vector<Index::Entry> entries;  // the oldest last
    uint32_t newest = 0;                // last_step of the youngest row when it was listed
    /// No row that is not listed was last pulled before this step.
    uint32_t others_from = 0;
  };
  static_assert(sizeof(List) <= kBytesPerShard);

  struct Candidate {
    uint32_t last_step;
    uint32_t n_pulls;
    Index::Entry entry;
  };

  /// Takes n rows as Take does, and lists the next ones.
  void Search(int shard, uint32_t n, uint64_t oldest_in_use, const RowUses& uses,
              const std::function<void(const Index::Entry&)>& take);

  uint32_t n_ahead_;
  std::vector<List> lists_;  // [shard]
  int64_t n_bytes_ = 0;
  std::vector<Candidate> candidates_;  // workspace
};

}  // namespace zhiyin::ps::table
