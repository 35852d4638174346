#include "ps/row_store.h"

#include <glog/logging.h>
#include <sys/mman.h>

#include <bit>
#include <chrono>
#include <limits>
#include <system_error>

#include "common/error.h"

namespace zhiyin::ps {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kMinChunkBytes = 16 * kHugePage;

size_t RoundUp(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// Address space that begins at a huge page's border, or nullptr. REQUIRES: n_bytes is a multiple of
/// kHugePage.
std::byte* MapAligned(size_t n_bytes) {
  void* mapped =
      mmap(nullptr, n_bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  std::byte* const begin = static_cast<std::byte*>(mapped);
  const size_t before =
      RoundUp(reinterpret_cast<uintptr_t>(begin), kHugePage) - reinterpret_cast<uintptr_t>(begin);
  if (before > 0) munmap(begin, before);
  munmap(begin + before + n_bytes, kHugePage - before);
  return begin + before;
}

}  // namespace

RowStore::RowStore(size_t row_bytes) : row_bytes_(row_bytes) {
  CHECK_GT(row_bytes, size_t{0});
  chunk_shift_ = std::bit_width(std::max<size_t>(kMinChunkBytes / row_bytes, 1));
  chunk_mask_ = (uint32_t{1} << chunk_shift_) - 1;
  chunk_bytes_ = RoundUp(row_bytes << chunk_shift_, kHugePage);
  prepare_at_row_ = static_cast<uint32_t>(kHugePage / 2 / row_bytes);
}

void RowStore::Unmap::operator()(std::byte* memory) const {
  munmap(memory, n_bytes);
}

RowStore::Chunk RowStore::NewChunk() const {
  std::byte* const memory = MapAligned(chunk_bytes_);
  if (memory == nullptr)
    Fail("no memory for another ", chunk_bytes_, " bytes of rows, after ", n_rows_, " rows");
  // Large tables are read at random: fewer, larger pages. But a small table should not take 2 MB for its
  // first row.
  const size_t small = chunks_.empty() ? kHugePage : 0;
  madvise(memory + small, chunk_bytes_ - small, MADV_HUGEPAGE);
  return Chunk(memory, Unmap{chunk_bytes_});
}

void RowStore::PrepareNextPage() {
  prepare_at_row_ = n_rows_ + static_cast<uint32_t>(std::max<size_t>(kHugePage / row_bytes_, 1));
  if (preparing_.valid() && preparing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
  size_t chunk = n_rows_ >> chunk_shift_;
  size_t next = RoundUp((n_rows_ & chunk_mask_) * row_bytes_ + 1, kHugePage);
  if (next >= chunk_bytes_) {
    next = 0;
    if (++chunk == chunks_.size()) chunks_.push_back(NewChunk());
  }
  std::byte* const page = chunks_[chunk].get() + next;
  try {
    preparing_ = std::async(std::launch::async, [page] { madvise(page, kHugePage, MADV_POPULATE_WRITE); });
  } catch (const std::system_error&) {
    // No thread to be had: the page is made when it is written.
  }
}

uint32_t RowStore::Add() {
  if (!free_.empty()) {
    const uint32_t row = free_.back();
    free_.pop_back();
    return row;
  }
  if (n_rows_ == std::numeric_limits<uint32_t>::max())
    Fail("a table holds 2^32 - 1 rows on one server: use more servers");
  if (n_rows_ >> chunk_shift_ == chunks_.size()) chunks_.push_back(NewChunk());
  if (n_rows_ >= prepare_at_row_) PrepareNextPage();
  return n_rows_++;
}

}  // namespace zhiyin::ps
