// Address space of huge pages, for memory that is read at random.
#pragma once

#include <cstddef>
#include <memory>

#include "common/large_pages.h"

namespace zhiyin::ps::table {

inline size_t RoundUp(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// A deleter that gives memory back to the system.
struct Unmap {
  size_t n_bytes = 0;
  void operator()(std::byte* memory) const;
};
using HugeChunk = std::unique_ptr<std::byte[], Unmap>;

/// Maps address space that begins at a huge page boundary. The system provides memory when it is
/// first written: ordinary pages for the first `n_small` bytes, then huge pages where it has them.
/// Throws std::bad_alloc when the system refuses. REQUIRES: n_bytes and n_small are multiples of
/// kHugePage.
HugeChunk MapHugeChunk(size_t n_bytes, size_t n_small);

}  // namespace zhiyin::ps::table
