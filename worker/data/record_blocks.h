// The records of a split, in blocks of kBlockRecords records.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/records.h"

namespace zhiyin::worker::data {

/// Finds the blocks of a split: records first_row to first_row + n_rows of its files, all of them
/// where n_rows is 0. Remembers where the blocks begin that were passed, so that they can be jumped
/// to, and hardly a byte behind a block is read with it. Throws Error as Records does. Used by one
/// thread.
class RecordBlocks {
 public:
  RecordBlocks(std::unique_ptr<Records> records, const Split& split);

  /// Moves records() to the beginning of a block, counted from 0. Returns how many records the
  /// block may have, fewer where the files end earlier; 0 when the split ends before it.
  int64_t GoTo(int64_t block);
  /// Moves records() to the end of the split. Returns how many records the split has.
  int64_t Count();
  /// Says where the files begin, [files], where some records do, ascending, and of which points of
  /// compressed files these can be reached.
  void SetPlaces(std::span<const int64_t> file_begins, std::vector<Records::Place> places,
                 FilePoints points);
  /// The known place of the last record that is at `record` or before it, be it in or at the
  /// beginning of a file.
  Records::Place PlaceBefore(int64_t record) const;
  Records& records() { return *records_; }
  const Records& records() const { return *records_; }

 private:
  /// Moves to the record, or to the nearest one before it that can be jumped to.
  void JumpTowards(int64_t record);
  /// Remembers the present place where there is one, behind those that are known.
  void Remember();

  std::unique_ptr<Records> records_;
  int64_t first_record_;
  int64_t n_records_;
  std::vector<Records::Place> places_;  // ascending by position
};

}  // namespace zhiyin::worker::data
