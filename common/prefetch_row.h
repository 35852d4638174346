// Prefetching of embedding rows into cache.
#pragma once

#include <algorithm>
#include <cstddef>

namespace zhiyin {

/// Prefetches a row, or the first cache lines of a long one, into all levels of cache. (A prefetch
/// into the second level only allows more lines under way, which is faster on an idle machine.
/// Beside other processes, however, such prefetches arrive late or not at all: push_pull on a Zen 4
/// is slower by a sixth with one worker, by a quarter with four.) The hardware prefetches the rest
/// of long rows by itself.
///
/// Always inlined: GCC 12 removes calls of a function that only prefetches, since it has no effect.
[[gnu::always_inline]] inline void PrefetchRow(const std::byte* row, size_t n_bytes) {
  constexpr size_t kLine = 64;
  constexpr size_t kMost = 320;
  const size_t n = std::min(n_bytes, kMost);
  for (size_t at = 0; at < n; at += kLine) __builtin_prefetch(row + at);
  __builtin_prefetch(row + n - 1);
}

/// Prefetches the rows 8 to 16 after row i, eight at a time. Called before row i is used, for i =
/// 0, 1, ..., n - 1. row_at(i) returns the address of row i, or nullptr if there is none.
///
/// Prefetches are issued in bursts, since a processor retires a prefetch only when the address of
/// the row is translated. That takes long in a table much larger than the TLB covers; if each
/// prefetch is followed by work on another row, few of them are under way at once: reading a row of
/// half floats out of 50 million took 160 ns, and 57 ns with bursts. Longer bursts wait for the
/// fill buffers of the first level of cache.
template <typename RowAt>
[[gnu::always_inline]] inline void PrefetchRowsAhead(size_t i, size_t n, size_t n_bytes,
                                                     const RowAt& row_at) {
  constexpr size_t kBurst = 8;
  if (i % kBurst != 0) return;
  const size_t end = std::min(i + 2 * kBurst, n);
  for (size_t ahead = i == 0 ? 0 : i + kBurst; ahead < end; ++ahead) {
    if (const std::byte* row = row_at(ahead)) PrefetchRow(row, n_bytes);
  }
}

}  // namespace zhiyin
