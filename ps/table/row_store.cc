#include "ps/table/row_store.h"

#include <glog/logging.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "common/error.h"

namespace zhiyin::ps::table {
namespace {

constexpr size_t kMinChunkBytes = 16 * kHugePage;

}  // namespace

RowStore::RowStore(size_t row_bytes) : row_bytes_(row_bytes) {
  CHECK_GT(row_bytes, size_t{0});
  chunk_shift_ = std::bit_width(std::max<size_t>(kMinChunkBytes / row_bytes, 1));
  chunk_mask_ = (uint32_t{1} << chunk_shift_) - 1;
  chunk_bytes_ = RoundUp(row_bytes << chunk_shift_, kHugePage);
  look_ahead_at_row_ = static_cast<uint32_t>(kHugePage / 2 / row_bytes);
}

void RowStore::AddChunk() {
  // Large tables are read at random: fewer, larger pages. But a small table should not take 2 MB
  // for its first row.
  chunks_.push_back(chunks_.empty() ? MapHugeChunk(chunk_bytes_, kHugePage)
                                    : maker_.TakeChunk(chunk_bytes_));
}

void RowStore::MakeAhead() {
  look_ahead_at_row_ =
      n_rows_ + static_cast<uint32_t>(std::max<size_t>(kHugePage / 8 / row_bytes_, 1));
  const size_t n_used =
      (n_rows_ >> chunk_shift_) * chunk_bytes_ + (n_rows_ & chunk_mask_) * row_bytes_;
  n_made_ = std::max(n_made_, RoundUp(n_used + 1, kHugePage));
  if (n_made_ + chunk_bytes_ / 2 > chunks_.size() * chunk_bytes_) maker_.MapAhead(chunk_bytes_);
  if (maker_.IsBusy() || n_made_ >= n_used + BytesAhead(n_used)) return;
  if (n_made_ / chunk_bytes_ == chunks_.size()) AddChunk();
  maker_.MakePages(chunks_[n_made_ / chunk_bytes_].get() + n_made_ % chunk_bytes_, kHugePage);
  n_made_ += kHugePage;
}

uint32_t RowStore::Add() {
  if (!free_.empty()) {
    const uint32_t row = free_.back();
    free_.pop_back();
    return row;
  }
  if (n_rows_ == std::numeric_limits<uint32_t>::max())
    Fail("a table holds 2^32 - 1 rows on one server: use more servers");
  if (n_rows_ >> chunk_shift_ == chunks_.size()) AddChunk();
  if (n_rows_ >= look_ahead_at_row_) MakeAhead();
  return n_rows_++;
}

}  // namespace zhiyin::ps::table
