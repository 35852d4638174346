// Rows of one length, in chunks that never move.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <vector>

namespace zhiyin::ps {

/// Rows are numbered from 0 in order of creation; a row's address holds until the store is destroyed. Address
/// space grows a chunk of 32 to 64 MiB at a time, of huge pages where the system has them; memory grows as
/// rows are written. One thread; a helper of its own makes the huge page that is next, which takes the system
/// up to some milliseconds and would be felt by a request.
class RowStore {
 public:
  explicit RowStore(int row_floats);

  int row_floats() const { return row_floats_; }
  uint32_t n_rows() const { return n_rows_; }
  int64_t n_bytes() const { return int64_t{n_rows_} * row_floats_ * static_cast<int64_t>(sizeof(float)); }

  float* Row(uint32_t row) const {
    return chunks_[row >> chunk_shift_].get() +
           static_cast<size_t>(row & chunk_mask_) * static_cast<size_t>(row_floats_);
  }
  /// A new row, not initialised.
  uint32_t Add();

 private:
  /// Gives memory back to the system.
  struct Unmap {
    size_t n_bytes = 0;
    void operator()(float* memory) const;
  };
  using Chunk = std::unique_ptr<float[], Unmap>;

  Chunk NewChunk() const;
  /// Has the huge page behind the one in use made while that one fills up.
  void PrepareNextPage();

  int row_floats_;
  int chunk_shift_ = 0;
  uint32_t chunk_mask_ = 0;
  size_t chunk_bytes_ = 0;
  uint32_t n_rows_ = 0;
  uint32_t prepare_at_row_ = 0;
  std::vector<Chunk> chunks_;
  std::future<void> preparing_;  // ends before the chunks go
};

}  // namespace zhiyin::ps
