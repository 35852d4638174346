// The rows of one stream, in the order of an epoch.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "worker/data/rows.h"

namespace zhiyin::worker {

/// Takes the stream's blocks in file order, gives its rows window by window in shuffled order (batches.h says
/// how). A window is complete, and its rows can be taken, as soon as the block after it or the end is known.
/// Either the stream is kept: all blocks are there for every epoch. Or it is streamed: blocks come anew every
/// epoch, and go as their rows are taken. Used by one thread at a time.
class ShuffledStream {
 public:
  ShuffledStream(int stream, int64_t shuffle_rows, uint64_t seed)
      : stream_(stream), shuffle_rows_(shuffle_rows), seed_(seed) {}

  int stream() const { return stream_; }

  /// In the first pass: holds on to a copy of the block, until the stream turns out to be longer than a
  /// window.
  void KeepIfFits(const Rows& block);
  /// After the last block of the first pass: what was kept is the whole stream.
  void EndFirstPass();
  bool is_kept() const { return is_kept_; }

  /// Forgets the epoch before. `n_rows` are in the whole stream.
  void BeginEpoch(int64_t epoch, int64_t n_rows);
  /// The next block of the epoch; copied. REQUIRES: not kept. Throws Error when the stream has more rows than
  /// announced.
  void Add(const Rows& block);
  /// Rows that can be taken now.
  int64_t n_ready() const { return n_ready_; }
  /// Appends the next n rows to *to, which is empty or of this shape. REQUIRES: n <= n_ready().
  void Take(int64_t n, Rows* to);

 private:
  /// Blocks that are shuffled together.
  struct Window {
    std::vector<Rows> blocks;
    int64_t n_rows = 0;
    // Once complete: [n_rows], block * kBlockRows + row in the block, shuffled.
    std::vector<uint64_t> order;
    int64_t n_taken = 0;

    void Add(const Rows& block);
  };
  /// The last window has all its blocks.
  void Complete(Window* window);

  int stream_;
  int64_t shuffle_rows_;
  uint64_t seed_;

  // Of a kept stream, and while it is not known whether it fits.
  Window kept_;
  bool is_kept_ = false;
  bool fits_ = true;

  // Of the epoch.
  int64_t epoch_ = 0;
  int64_t n_rows_ = 0;
  int64_t n_added_ = 0;
  int64_t n_windows_ = 0;  // completed
  int64_t n_ready_ = 0;
  std::deque<Window> complete_;  // of a streamed one: not all taken yet
  Window filling_;
};

}  // namespace zhiyin::worker
