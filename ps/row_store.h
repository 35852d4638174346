// Rows of one length, in chunks that never move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace zhiyin::ps {

/// A row's address holds until it is freed; freed rows are used again first. Memory grows a chunk of about 2
/// MB at a time, and a chunk costs nothing before it is written; it is given back when the store is
/// destroyed. One thread.
class RowStore {
 public:
  explicit RowStore(size_t row_bytes);

  size_t row_bytes() const { return row_bytes_; }
  int64_t n_bytes() const {
    return static_cast<int64_t>(chunks_.size()) * chunk_bytes_ +
           static_cast<int64_t>(free_.capacity() * sizeof(uint32_t));
  }

  std::byte* Row(uint32_t row) const {
    return chunks_[row >> chunk_shift_].get() + static_cast<size_t>(row & chunk_mask_) * row_bytes_;
  }
  /// The number of a row that nobody has, not initialised.
  uint32_t Add();
  /// REQUIRES: the row came from Add and was not freed since.
  void Free(uint32_t row) { free_.push_back(row); }

 private:
  struct FreeMemory {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  size_t row_bytes_;
  int chunk_shift_ = 0;
  uint32_t chunk_mask_ = 0;
  int64_t chunk_bytes_ = 0;
  uint32_t n_rows_ = 0;  // ever numbered
  std::vector<std::unique_ptr<std::byte[], FreeMemory>> chunks_;
  std::vector<uint32_t> free_;
};

}  // namespace zhiyin::ps
