// Storage for rows of one length, in chunks that never move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ps/table/huge_pages.h"
#include "ps/table/page_maker.h"

namespace zhiyin::ps::table {

/// Holds rows by number. The address of a row is valid until the row is freed; freed rows are
/// reused first. The store maps address space in chunks of 32 to 64 MiB, of huge pages where the
/// system has them; memory is used as rows are written, and released when the store is destroyed.
/// Used by one thread; the thread of PageMaker faults in the next huge pages.
class RowStore {
 public:
  explicit RowStore(size_t row_bytes);

  size_t row_bytes() const { return row_bytes_; }
  int64_t n_bytes() const {
    return static_cast<int64_t>(n_rows_ * row_bytes_) +
           static_cast<int64_t>(free_.capacity() * sizeof(uint32_t));
  }

  std::byte* Row(uint32_t row) const {
    return chunks_[row >> chunk_shift_].get() + static_cast<size_t>(row & chunk_mask_) * row_bytes_;
  }
  /// Returns the number of a free row, which is not initialised. Throws Error when the table has
  /// 4,294,967,295 rows.
  uint32_t Add();
  /// REQUIRES: the row came from Add and was not freed since.
  void Free(uint32_t row) { free_.push_back(row); }

 private:
  void AddChunk();
  /// Orders the next huge pages while the current one fills up.
  void MakeAhead();

  size_t row_bytes_;
  int chunk_shift_ = 0;
  uint32_t chunk_mask_ = 0;
  size_t chunk_bytes_ = 0;
  uint32_t n_rows_ = 0;  // that have a number, freed ones included
  uint32_t look_ahead_at_row_ = 0;
  size_t n_made_ = 0;  // bytes in use or faulted in ahead, over all chunks in order
  std::vector<HugeChunk> chunks_;
  std::vector<uint32_t> free_;
  PageMaker maker_;  // ends before the chunks go
};

}  // namespace zhiyin::ps::table
