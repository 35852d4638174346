// Memory that is read soon, fetched into cache.
#pragma once

#include <algorithm>
#include <cstddef>

namespace zhiyin {

/// Fetches a row, or the first lines of a long one, into the second level of cache: the first has room for fewer lines on their way.
/// What follows of long rows the hardware fetches by itself. Always inlined: to the compiler (GCC 12) a function that does nothing but
/// prefetch has no effect, and a call of it is left out.
[[gnu::always_inline]] inline void PrefetchRow(const std::byte* row, size_t n_bytes) {
  constexpr size_t kLine = 64;
  constexpr size_t kMost = 320;
  const size_t n = std::min(n_bytes, kMost);
  for (size_t at = 0; at < n; at += kLine) __builtin_prefetch(row + at, 0, 2);
  __builtin_prefetch(row + n - 1, 0, 2);
}

}  // namespace zhiyin
