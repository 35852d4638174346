// Prefetching of embedding rows into cache.
#pragma once

#include <algorithm>
#include <cstddef>

namespace zhiyin {

/// Prefetches the first 320 bytes of a row into all levels of cache; the hardware prefetches the
/// rest of a longer row by itself. Prefetches into the second level only would allow more lines in
/// flight, which is faster on an idle machine. When other processes run, however, such prefetches
/// arrive late or not at all: on a Zen 4, the benchmark push_pull is slower by a sixth with one
/// worker and by a quarter with four. REQUIRES: n_bytes > 0.
///
/// This function is always inlined, since GCC 12 removes calls of a function that only prefetches.
[[gnu::always_inline]] inline void PrefetchRow(const std::byte* row, size_t n_bytes) {
  constexpr size_t kLine = 64;
  constexpr size_t kMost = 320;
  const size_t n = std::min(n_bytes, kMost);
  for (size_t at = 0; at < n; at += kLine) __builtin_prefetch(row + at);
  __builtin_prefetch(row + n - 1);
}

/// Prefetches a burst of rows of n_bytes bytes, 8 to 15 rows ahead: rows i + 8 to i + 15 if i is a
/// multiple of 8, for i = 0 also rows 0 to 7, and none otherwise. Called before row i is used, for
/// i = 0, 1, ..., n - 1. row_at(i) returns the address of row i, or nullptr if there is none.
///
/// Prefetches are issued in bursts, since a processor retires a prefetch only after the translation
/// of the row's address, which takes long in a table much larger than the TLB covers. If work on
/// another row followed each prefetch, few prefetches would be in flight at a time: reading a row
/// of half floats out of 50 million took 160 ns, and takes 57 ns with bursts. Longer bursts would
/// wait for the fill buffers of the first level of cache.
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
