// Rows of one length, in chunks that never move.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace zhiyin::ps {

/// Rows are numbered from 0 in order of creation; a row's address holds until the store is destroyed. Memory
/// grows a chunk of about 2 MB at a time, and a chunk costs nothing before it is written. One thread.
class RowStore {
 public:
  explicit RowStore(int row_floats);

  int row_floats() const { return row_floats_; }
  uint32_t n_rows() const { return n_rows_; }
  int64_t n_bytes() const { return static_cast<int64_t>(chunks_.size()) * chunk_bytes_; }

  float* Row(uint32_t row) const {
    return chunks_[row >> chunk_shift_].get() +
           static_cast<size_t>(row & chunk_mask_) * static_cast<size_t>(row_floats_);
  }
  /// A new row, not initialised.
  uint32_t Add();

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };

  int row_floats_;
  int chunk_shift_ = 0;
  uint32_t chunk_mask_ = 0;
  int64_t chunk_bytes_ = 0;
  uint32_t n_rows_ = 0;
  std::vector<std::unique_ptr<float[], Free>> chunks_;
};

}  // namespace zhiyin::ps
