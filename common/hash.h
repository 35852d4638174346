// Hash functions for keys, bytes and categories.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/types.h"

namespace zhiyin {

/// A bijection on 64 bits whose every output bit depends on every input bit (Stafford's variant 13
/// of the MurmurHash3 finalizer, as in SplitMix64).
inline uint64_t Mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ull;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebull;
  x ^= x >> 31;
  return x;
}

/// The XXH3 of the bytes, 64 bits. Equal on all machines and versions, as checkpoints depend on it.
uint64_t HashBytes(std::string_view bytes, uint64_t seed = 0);

/// Computes the XXH3 of bytes piece by piece; the result equals HashBytes of the whole. Used by one
/// thread.
class Digest {
 public:
  Digest();
  ~Digest();
  void Update(std::span<const std::byte> bytes);
  /// The hash of all bytes so far.
  uint64_t Value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Maps a category to its key: the hash of its value, seeded with that of its vocabulary (by
/// default the field's name). The probability that any two of n distinct values share a key is
/// about n^2 / 2^65: 3e-4 for 100 million.
class CategoryHasher {
 public:
  explicit CategoryHasher(std::string_view vocabulary) : seed_(HashBytes(vocabulary)) {}
  Key operator()(std::string_view value) const { return HashBytes(value, seed_); }

 private:
  uint64_t seed_;
};

}  // namespace zhiyin
