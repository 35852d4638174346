// The rows of a table that have changed since a save, so that the next save holds only these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/types.h"
#include "ps/partitioner.h"

namespace zhiyin::ps::table {

/// Holds the numbers of the rows that have changed, as bits, and the keys that have lost their
/// rows. Used by one thread.
class RowChanges {
 public:
  explicit RowChanges(TableId table) : table_(table), removed_(kNumShards) {}

  /// Records that a row has changed or is new.
  void Mark(uint32_t row) {
    const size_t word = row / 64;
    if (word >= bits_.size()) bits_.resize(word + 1 + word / 4);
    n_rows_ += Has(row) ? 0 : 1;
    bits_[word] |= Bit(row);
  }
  /// Records that a key loses its row; another key may get the number of the row later.
  void Remove(Key key, uint32_t row) {
    if (Has(row)) {
      --n_rows_;
      bits_[row / 64] &= ~Bit(row);
    }
    removed_[static_cast<size_t>(ShardOf(table_, key))].push_back(key);
    ++n_removed_;
  }

  bool Has(uint32_t row) const {
    return row / 64 < bits_.size() && (bits_[row / 64] & Bit(row)) != 0;
  }
  /// The number of rows that changed.
  int64_t n_rows() const { return n_rows_; }
  /// The number of calls of Remove; some of the keys may be repeated or have a row again.
  int64_t n_removed() const { return n_removed_; }
  /// Returns the keys of a shard that lost their rows, in an unspecified order, and clears them.
  std::vector<Key> TakeRemoved(int shard) {
    return std::exchange(removed_[static_cast<size_t>(shard)], {});
  }
  int64_t n_bytes() const {
    return static_cast<int64_t>(bits_.capacity() * sizeof(uint64_t) +
                                removed_.size() * sizeof(std::vector<Key>)) +
           n_removed_ * static_cast<int64_t>(sizeof(Key));
  }

 private:
  static uint64_t Bit(uint32_t row) { return uint64_t{1} << (row % 64); }

  TableId table_;
  std::vector<uint64_t> bits_;  // by row number
  int64_t n_rows_ = 0;
  std::vector<std::vector<Key>> removed_;  // [shard]
  int64_t n_removed_ = 0;
};

}  // namespace zhiyin::ps::table
