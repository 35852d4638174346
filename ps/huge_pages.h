// Memory that is read at random: address space of huge pages, and arrays that grow inside it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace zhiyin::ps {

inline constexpr size_t kHugePage = size_t{2} << 20;

/// How much memory to have made behind what is in use: a helper may have to wait for a processor, and the system
/// takes some milliseconds for a page now and then; but no more than a small share of what there is.
inline size_t BytesAhead(size_t n_used) {
  return std::clamp(n_used / 64 / kHugePage, size_t{1}, size_t{8}) * kHugePage;
}

inline size_t RoundUp(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// Gives memory back to the system.
struct Unmap {
  size_t n_bytes = 0;
  void operator()(std::byte* memory) const;
};
using HugeChunk = std::unique_ptr<std::byte[], Unmap>;

/// Address space that begins at a huge page's border; memory comes as it is written, in huge pages where the
/// system has them, the first `n_small` bytes in ordinary ones. Throws Error where the system refuses.
/// REQUIRES: n_bytes and n_small are multiples of kHugePage.
HugeChunk MapHugeChunk(size_t n_bytes, size_t n_small);

/// A helper that makes memory before it is written, which takes the system up to some milliseconds a huge
/// page and would be felt by a request. One thread uses it; the memory stays until it is destroyed.
class PageMaker {
 public:
  bool IsBusy() const;
  /// REQUIRES: !IsBusy(). Where no thread is to be had the pages are made when they are written.
  void Make(std::byte* pages, size_t n_bytes);

 private:
  std::future<void> making_;
};

/// Arrays in huge pages. What an array leaves behind is used by those that come later: the smallest gap that
/// fits, and neighbouring gaps are one. One thread.
class Arena {
 public:
  static constexpr size_t kUnit = 64;  // every array begins and ends at a cache line's border

  Arena() = default;
  Arena(Arena&&) = default;
  ~Arena();

  /// Not initialised. REQUIRES: n_bytes > 0 and a multiple of kUnit.
  std::byte* Allocate(size_t n_bytes);
  /// REQUIRES: as it came from Allocate.
  void Free(std::byte* array, size_t n_bytes);
  /// Of the arrays and of the gaps between them.
  int64_t n_bytes() const { return n_bytes_; }

 private:
  /// Cuts an array from the end of all that was ever used.
  std::byte* Extend(size_t n_bytes);
  void AddGap(std::byte* begin, size_t n_bytes);
  void RemoveGap(std::map<std::byte*, size_t>::iterator gap);
  void MapNext(size_t n_bytes);
  /// Has memory made behind what is in use.
  void MakeAhead(size_t n_bytes);

  struct Chunk {
    HugeChunk memory;
    size_t n_bytes = 0;
    size_t n_made = 0;  // by the helper or on the way
  };
  std::vector<Chunk> chunks_;
  size_t current_ = 0;  // the chunk that is being filled
  size_t n_used_ = 0;   // of it
  std::map<std::byte*, size_t> gaps_;
  std::set<std::pair<size_t, std::byte*>> gaps_by_size_;
  int64_t n_bytes_ = 0;
  PageMaker maker_;  // ends before the chunks go
};

}  // namespace zhiyin::ps
