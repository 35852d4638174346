// A fast copy of short pieces of memory.
#pragma once

#include <cstddef>
#include <cstring>

namespace zhiyin {

/// Copies n_bytes as memcpy does, but inlined below 1,024 bytes: calling memcpy for an embedding
/// row costs as much time as the copy itself. REQUIRES: the two ranges do not overlap.
inline void CopyRow(const void* from, size_t n_bytes, void* to) {
  constexpr size_t kStride = 32;
  constexpr size_t kLong = 1024;
  if (n_bytes >= kLong) {
    std::memcpy(to, from, n_bytes);
    return;
  }
  const std::byte* in = static_cast<const std::byte*>(from);
  std::byte* out = static_cast<std::byte*>(to);
  for (; n_bytes >= kStride; n_bytes -= kStride, in += kStride, out += kStride)
    std::memcpy(out, in, kStride);
  if (n_bytes > 0) std::memcpy(out, in, n_bytes);
}

}  // namespace zhiyin
