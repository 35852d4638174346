// Arrays that come and go in huge pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "ps/table/page_maker.h"

namespace zhiyin::ps::table {

/// Arrays in huge pages; those at the end of all are there before they are used. What an array
/// leaves behind is used by those that come later: the smallest gap that fits, and neighbouring
/// gaps are one. One thread.
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

}  // namespace zhiyin::ps::table
