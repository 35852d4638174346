#include "ps/huge_pages.h"

#include <glog/logging.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <system_error>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "common/error.h"

namespace zhiyin::ps {
namespace {

constexpr size_t kChunkBytes = 32 * kHugePage;

/// Under AddressSanitizer: what nobody has may not be touched.
void Forbid([[maybe_unused]] std::byte* begin, [[maybe_unused]] size_t n_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(begin, n_bytes);
#endif
}

void Allow([[maybe_unused]] std::byte* begin, [[maybe_unused]] size_t n_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(begin, n_bytes);
#endif
}

}  // namespace

void Unmap::operator()(std::byte* memory) const {
  munmap(memory, n_bytes);
}

HugeChunk MapHugeChunk(size_t n_bytes, size_t n_small) {
  void* mapped =
      mmap(nullptr, n_bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) Fail("no memory for another ", n_bytes, " bytes of a table");
  std::byte* const begin = static_cast<std::byte*>(mapped);
  const size_t before =
      RoundUp(reinterpret_cast<uintptr_t>(begin), kHugePage) - reinterpret_cast<uintptr_t>(begin);
  if (before > 0) munmap(begin, before);
  munmap(begin + before + n_bytes, kHugePage - before);
  madvise(begin + before + n_small, n_bytes - n_small, MADV_HUGEPAGE);
  return HugeChunk(begin + before, Unmap{n_bytes});
}

bool PageMaker::IsBusy() const {
  return making_.valid() && making_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

void PageMaker::Make(std::byte* pages, size_t n_bytes) {
  try {
    making_ = std::async(std::launch::async,
                         [pages, n_bytes] { madvise(pages, n_bytes, MADV_POPULATE_WRITE); });
  } catch (const std::system_error&) {
  }
}

Arena::~Arena() {
  for (const Chunk& chunk : chunks_) Allow(chunk.memory.get(), chunk.n_bytes);
}

void Arena::MapNext(size_t n_bytes) {
  // Large tables are read at random: fewer, larger pages. But a small table should not take 2 MB for its
  // first row.
  const size_t n_small = chunks_.empty() ? kHugePage : 0;
  Chunk chunk;
  chunk.n_bytes = std::max(kChunkBytes, RoundUp(n_bytes, kHugePage));
  chunk.n_made = n_small;
  chunk.memory = MapHugeChunk(chunk.n_bytes, n_small);
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
  const size_t n_ahead =
      std::max(current_ == 0 ? std::min(kHugePage, n_used_) : BytesAhead(static_cast<size_t>(n_bytes_)), n_bytes);
  size_t chunk = current_;
  size_t n_wanted = n_used_ + n_ahead;
  if (n_wanted > chunks_[chunk].n_bytes) {
    if (chunk + 1 == chunks_.size()) MapNext(n_bytes);
    ++chunk;
    n_wanted = n_ahead;
  }
  Chunk& last = chunks_[chunk];
  if (n_wanted <= last.n_made || maker_.IsBusy()) return;
  const size_t made = std::max(last.n_made, chunk == current_ ? n_used_ / kHugePage * kHugePage : 0);
  const size_t n_pages = std::min(RoundUp(n_wanted - made, kHugePage), last.n_bytes - made);
  maker_.Make(last.memory.get() + made, n_pages);
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

}  // namespace zhiyin::ps
