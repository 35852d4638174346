#include "ps/row_store.h"

#include <glog/logging.h>
#include <sys/mman.h>

#include <bit>
#include <limits>

#include "common/error.h"

namespace zhiyin::ps {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

RowStore::RowStore(size_t row_bytes) : row_bytes_(row_bytes) {
  CHECK_GT(row_bytes, size_t{0});
  chunk_shift_ = std::bit_width(std::max<size_t>(kHugePage / row_bytes, 1)) - 1;
  chunk_mask_ = (uint32_t{1} << chunk_shift_) - 1;
  const size_t bytes = row_bytes << chunk_shift_;
  chunk_bytes_ = static_cast<int64_t>((bytes + 4095) / 4096 * 4096);
}

uint32_t RowStore::Add() {
  if (!free_.empty()) {
    const uint32_t row = free_.back();
    free_.pop_back();
    return row;
  }
  if (n_rows_ == std::numeric_limits<uint32_t>::max())
    Fail("a table holds 2^32 - 1 rows on one server: use more servers");
  if (n_rows_ >> chunk_shift_ == chunks_.size()) {
    void* memory = std::aligned_alloc(4096, static_cast<size_t>(chunk_bytes_));
    if (memory == nullptr)
      Fail("no memory for another ", chunk_bytes_, " bytes of rows, after ", n_rows_, " rows");
    // Large tables are read at random: fewer, larger pages. A small table should not take 2 MB for its first
    // row.
    if (!chunks_.empty()) madvise(memory, static_cast<size_t>(chunk_bytes_), MADV_HUGEPAGE);
    chunks_.emplace_back(static_cast<std::byte*>(memory));
  }
  return n_rows_++;
}

}  // namespace zhiyin::ps
