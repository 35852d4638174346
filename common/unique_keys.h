// The distinct keys of a batch, numbered in order of first appearance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"
#include "common/types.h"

namespace zhiyin {

/// A hash set for repeated use: Clear takes constant time, and nothing is allocated once the set
/// has held its largest batch. Used by one thread.
class UniqueKeys {
 public:
  UniqueKeys() : slots_(64) {}

  /// Empties the set.
  void Clear() {
    keys_.clear();
    if (++generation_ == 0) {  // once in 2^32 times old marks would look new
      slots_.assign(slots_.size(), Slot{});
      generation_ = 1;
    }
  }

  /// Returns the position of the key in keys(); appends it if it is new.
  uint32_t Insert(Key key) {
    if ((keys_.size() + 1) * 2 > slots_.size()) Grow();
    for (size_t at = Mix(key) & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.generation != generation_) {
        slot = {key, generation_, static_cast<uint32_t>(keys_.size())};
        keys_.push_back(key);
        return slot.position;
      }
      if (slot.key == key) return slot.position;
    }
  }

  /// The distance, in keys, by which Prefetch should precede Insert.
  static constexpr size_t kAhead = 12;
  /// Prefetches the slot where Insert begins to search for the key: with tens of thousands of keys,
  /// Insert spends most of its time on a cache miss.
  void Prefetch(Key key) const { __builtin_prefetch(&slots_[Mix(key) & (slots_.size() - 1)], 1); }

  bool Contains(Key key) const {
    for (size_t at = Mix(key) & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.generation != generation_) return false;
      if (slot.key == key) return true;
    }
  }

  std::span<const Key> keys() const { return keys_; }
  size_t size() const { return keys_.size(); }
  size_t n_bytes() const {
    return slots_.capacity() * sizeof(Slot) + keys_.capacity() * sizeof(Key);
  }

 private:
  struct Slot {
    Key key = 0;
    uint32_t generation = 0;
    uint32_t position = 0;
  };

  void Grow() {
    slots_.assign(slots_.size() * 2, Slot{});
    generation_ = 1;
    for (uint32_t i = 0; i < keys_.size(); ++i) {
      size_t at = Mix(keys_[i]) & (slots_.size() - 1);
      while (slots_[at].generation == generation_) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = {keys_[i], generation_, i};
    }
  }

  std::vector<Slot> slots_;
  std::vector<Key> keys_;
  uint32_t generation_ = 1;
};

}  // namespace zhiyin
