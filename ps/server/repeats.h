// Finds a key that occurs twice in a request.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/types.h"
#include "common/unique_keys.h"

namespace zhiyin::ps::server {

/// Finds repeated keys exactly, and cheaply when there are none: equal keys set one bit of a
/// bitmap, and only the few keys that share a bit with another key are compared. Allocates nothing
/// once it has seen its longest request. Used by one thread.
class Repeats {
 public:
  /// Returns the position of a key that also stands at an earlier position; keys.size() when no key
  /// is repeated.
  size_t Find(std::span<const Key> keys) {
    // 16 bits a key: one in 32 shares its bit.
    const int log_bits = std::bit_width(keys.size() | 63) + 4;
    shift_ = 64 - log_bits;
    seen_.assign(size_t{1} << (log_bits - 6), 0);
    shared_.assign(seen_.size(), 0);
    uint64_t any = 0;
    for (const Key key : keys) {
      const auto [word, bit] = PlaceOf(key);
      const uint64_t is_shared = seen_[word] & bit;
      seen_[word] |= bit;
      shared_[word] |= is_shared;
      any |= is_shared;
    }
    if (any == 0) return keys.size();
    suspects_.Clear();
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto [word, bit] = PlaceOf(keys[i]);
      if ((shared_[word] & bit) == 0) continue;
      const size_t n_before = suspects_.size();
      if (suspects_.Insert(keys[i]) != n_before) return i;
    }
    return keys.size();
  }

 private:
  struct Place {
    size_t word;
    uint64_t bit;
  };
  Place PlaceOf(Key key) const {
    const uint64_t at = key * 0x9e3779b97f4a7c15ull >> shift_;
    return {at >> 6, uint64_t{1} << (at & 63)};
  }

  int shift_ = 0;
  std::vector<uint64_t> seen_;    // bits of all keys
  std::vector<uint64_t> shared_;  // bits of two or more keys
  UniqueKeys suspects_;
};

}  // namespace zhiyin::ps::server
