// Prefetching of embedding rows into cache.
#pragma once

#include <algorithm>
#include <cstddef>

namespace zhiyin {

/// Fetches a row, or the first lines of a long one, into all levels of cache. Into the second level
/// alone more lines could be on their way, which is faster on an idle machine; but beside other
/// processes such fetches come late, or not at all (push_pull on a Zen 4: by a sixth slower with
/// one worker, by a quarter with four). What follows of long rows the hardware fetches by itself.
///
/// Always inlined: to the compiler (GCC 12) a function that does nothing but prefetch has no
/// effect, and a call of it is left out.
[[gnu::always_inline]] inline void PrefetchRow(const std::byte* row, size_t n_bytes) {
  constexpr size_t kLine = 64;
  constexpr size_t kMost = 320;
  const size_t n = std::min(n_bytes, kMost);
  for (size_t at = 0; at < n; at += kLine) __builtin_prefetch(row + at);
  __builtin_prefetch(row + n - 1);
}

/// Called before row i is used, for i = 0, 1, ..., n - 1: fetches rows 8 to 16 ahead of it, eight
/// at a time. row_at(i) is the address of row i; nullptr: there is none.
///
/// Fetches go out in bursts, since a processor retires a prefetch only when it has translated the
/// address of the row. In a table much larger than the TLB covers that takes long, and with work on
/// another row after each prefetch few of them are under way: rows of half floats were read in 160
/// ns each out of 50 million, with bursts in 57. Longer bursts wait for fill buffers of the first
/// level of cache.
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
