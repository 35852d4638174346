#include "ps/table/arena.h"

#include <algorithm>
#include <iterator>

#if defined(ZHIYIN_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace zhiyin::ps::table {
namespace {

constexpr size_t kChunkBytes = 32 * kHugePage;

/// Under AddressSanitizer, forbids access to memory that is not allocated.
void Forbid([[maybe_unused]] std::byte* begin, [[maybe_unused]] size_t n_bytes) {
#if defined(ZHIYIN_ADDRESS_SANITIZER)
  ASAN_POISON_MEMORY_REGION(begin, n_bytes);
#endif
}

void Allow([[maybe_unused]] std::byte* begin, [[maybe_unused]] size_t n_bytes) {
#if defined(ZHIYIN_ADDRESS_SANITIZER)
  ASAN_UNPOISON_MEMORY_REGION(begin, n_bytes);
#endif
}

}  // namespace

Arena::~Arena() {
  for (const Chunk& chunk : chunks_) Allow(chunk.memory.get(), chunk.n_bytes);
}

void Arena::MapNext(size_t n_bytes) {
  Chunk chunk;
  chunk.n_bytes = std::max(kChunkBytes, RoundUp(n_bytes, kHugePage));
  // Large tables are read at random: fewer, larger pages. But a small table should not take 2 MB
  // for its first row.
  if (chunks_.empty()) chunk.n_made = kHugePage;
  chunk.memory =
      chunks_.empty() ? MapHugeChunk(chunk.n_bytes, chunk.n_made) : maker_.TakeChunk(chunk.n_bytes);
  Forbid(chunk.memory.get(), chunk.n_bytes);
  chunks_.push_back(std::move(chunk));
}

std::byte* Arena::Allocate(size_t n_bytes) {
  const auto fit = gaps_by_size_.lower_bound({n_bytes, nullptr});
  if (fit == gaps_by_size_.end()) return Extend(n_bytes);
  const auto [gap_bytes, begin] = *fit;
  RemoveGap(gaps_.find(begin));
  if (gap_bytes > n_bytes) AddGap(begin + n_bytes, gap_bytes - n_bytes);
  Allow(begin, n_bytes);
  return begin;
}

std::byte* Arena::Extend(size_t n_bytes) {
  if (chunks_.empty()) MapNext(n_bytes);
  while (n_used_ + n_bytes > chunks_[current_].n_bytes) {
    if (current_ + 1 == chunks_.size()) MapNext(n_bytes);
    const size_t n_left = chunks_[current_].n_bytes - n_used_;
    if (n_left > 0) AddGap(chunks_[current_].memory.get() + n_used_, n_left);
    n_bytes_ += static_cast<int64_t>(n_left);
    ++current_;
    n_used_ = 0;
  }
  std::byte* const array = chunks_[current_].memory.get() + n_used_;
  n_used_ += n_bytes;
  n_bytes_ += static_cast<int64_t>(n_bytes);
  MakeAhead(n_bytes);
  Allow(array, n_bytes);
  return array;
}

void Arena::MakeAhead(size_t n_bytes) {
  // At least as much as the next array may take, but no more than a small table has.
  const size_t n_ahead = std::max(
      current_ == 0 ? std::min(kHugePage, n_used_) : BytesAhead(static_cast<size_t>(n_bytes_)),
      n_bytes);
  size_t chunk = current_;
  size_t n_wanted = n_used_ + n_ahead;
  if (n_wanted > chunks_[chunk].n_bytes) {
    if (chunk + 1 == chunks_.size()) MapNext(n_bytes);
    ++chunk;
    n_wanted = n_ahead;
  }
  Chunk& last = chunks_[chunk];
  if (chunk + 1 == chunks_.size() && n_wanted > last.n_bytes / 2) maker_.MapAhead(kChunkBytes);
  if (n_wanted <= last.n_made || maker_.IsBusy()) return;
  const size_t made =
      std::max(last.n_made, chunk == current_ ? n_used_ / kHugePage * kHugePage : 0);
  const size_t n_pages = std::min(RoundUp(n_wanted - made, kHugePage), last.n_bytes - made);
  maker_.MakePages(last.memory.get() + made, n_pages);
  last.n_made = made + n_pages;
}

void Arena::AddGap(std::byte* begin, size_t n_bytes) {
  const auto next = gaps_.lower_bound(begin);
  if (next != gaps_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == begin) {
      begin = before->first;
      n_bytes += before->second;
      RemoveGap(before);
    }
  }
  if (next != gaps_.end() && begin + n_bytes == next->first) {
    n_bytes += next->second;
    RemoveGap(next);
  }
  gaps_.emplace(begin, n_bytes);
  gaps_by_size_.emplace(n_bytes, begin);
}

void Arena::RemoveGap(std::map<std::byte*, size_t>::iterator gap) {
  gaps_by_size_.erase({gap->second, gap->first});
  gaps_.erase(gap);
}

void Arena::Free(std::byte* array, size_t n_bytes) {
  Forbid(array, n_bytes);
  AddGap(array, n_bytes);
}

}  // namespace zhiyin::ps::table
