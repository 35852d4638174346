// An allocator of arrays in huge pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "ps/table/page_maker.h"

namespace zhiyin::ps::table {

/// Allocates arrays in huge pages, whose memory is faulted in ahead of its use. A freed array
/// leaves a gap for later arrays: an allocation takes the smallest gap that fits (best fit), and
/// neighbouring gaps are merged. Used by one thread.
class Arena {
 public:
  static constexpr size_t kUnit = 64;  // every array begins and ends at a cache line boundary

  Arena() = default;
  Arena(Arena&&) = default;
  ~Arena();

  /// Returns an array that is not initialised. REQUIRES: n_bytes > 0 and a multiple of kUnit.
  std::byte* Allocate(size_t n_bytes);
  /// REQUIRES: array and n_bytes as in a call of Allocate.
  void Free(std::byte* array, size_t n_bytes);
  /// The bytes of the arrays and of the gaps between them.
  int64_t n_bytes() const { return n_bytes_; }

 private:
  /// Takes an array from the memory that was never used.
  std::byte* Extend(size_t n_bytes);
  void AddGap(std::byte* begin, size_t n_bytes);
  void RemoveGap(std::map<std::byte*, size_t>::iterator gap);
  void MapNext(size_t n_bytes);
  /// Has memory made behind the part in use.
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

}  // namespace zhiyin::ps::table
