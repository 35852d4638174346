// Which rows are trained on together, and in which order: arithmetic over what the first pass
// found, the same at every worker.
//
// A run is a set of blocks that are shuffled together, by (seed, epoch, run) alone. A slice is what
// a worker computes at a time: consecutive rows of shuffled runs. An epoch has a fixed set of
// slices, whoever computes them; their numbers say in which order their sums are added up.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// Blocks first, first + stride, ...: n of them.
struct BlockRun {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t n = 0;
  int64_t n_rows = 0;  // good ones
  /// With the seed and the epoch, what decides the shuffle.
  uint64_t stream = 0;
  uint64_t window = 0;

  int64_t Block(int64_t i) const { return first + i * stride; }
  int64_t last() const { return Block(n - 1); }
};

/// Rows of a shuffled run, from `begin` on.
struct Piece {
  int64_t run = 0;
  int64_t begin = 0;
  int64_t n = 0;
};

/// Who reads which block in the first pass: block b is of part b mod n_parts, part p is read by
/// worker p mod n_workers.
struct BlockDeal {
  int n_parts = 1;
  int n_workers = 1;

  int WorkerOf(int64_t block) const { return static_cast<int>(block % n_parts) % n_workers; }
};

/// Staleness 0. Block b belongs to stream b mod n_streams. A stream is shuffled in windows: the
/// longest runs of its blocks, in file order, that have at most shuffle_rows rows together (at
/// least one block). Step t takes from every stream its next rows_per_slice rows: with the same
/// number of streams, the rows of a step and their order are the same whatever the number of
/// workers.
class StreamPlan {
 public:
  StreamPlan() = default;
  StreamPlan(const BlockSummaries& blocks, int n_streams, int64_t rows_per_slice,
             int64_t shuffle_rows);

  int n_streams() const { return static_cast<int>(stream_rows_.size()); }
  /// The windows of all streams, stream after stream.
  const std::vector<BlockRun>& runs() const { return runs_; }
  /// Until every stream is used up; streams that end earlier give empty slices.
  int64_t n_steps() const { return n_steps_; }
  /// Rows that stream gives at a step, and that all streams together give. A step counts within its
  /// epoch.
  int64_t SliceRows(int64_t step, int stream) const;
  int64_t StepRows(int64_t step) const;
  int64_t SliceNumber(int64_t step, int stream) const { return step * n_streams() + stream; }
  std::vector<Piece> Pieces(int64_t step, int stream) const;
  /// Of all slices of an epoch.
  std::vector<int64_t> RowsOfSlices() const;
  /// What a worker of so many streams keeps in memory: all of them, or where they have windows, two
  /// of each.
  int64_t KeptRows(int64_t n_own_streams) const;

 private:
  int64_t rows_per_slice_ = 1;
  int64_t n_steps_ = 0;
  std::vector<int64_t> stream_rows_;  // [n_streams]
  std::vector<BlockRun> runs_;
  std::vector<size_t> first_run_;  // [n_streams + 1]
};

/// Other stalenesses. A range is a set of blocks that one worker at a time takes and trains on:
/// small enough that every worker gets several an epoch, at most shuffle_rows rows, and as close as
/// blocks allow to a multiple of the batch size. It is cut evenly into batches, none larger than
/// the batch size.
///
/// Where the workers can keep all rows in memory, shuffle_rows each, range r has the blocks r, r +
/// n_ranges,
/// ...: rows of the whole split, however the files are sorted. Otherwise ranges are consecutive
/// blocks, and go to workers in file order, so that readers move forward.
class RangePlan {
 public:
  RangePlan() = default;
  /// `n_ranges_max`: the most ranges that the lease protocol can name.
  RangePlan(const BlockSummaries& blocks, int n_workers, int64_t batch_size, int64_t shuffle_rows,
            int64_t n_ranges_max);

  int64_t n_ranges() const { return static_cast<int64_t>(runs_.size()); }
  bool in_file_order() const { return in_file_order_; }
  const std::vector<BlockRun>& runs() const { return runs_; }
  int64_t n_batches() const { return first_batch_.back(); }
  int64_t n_batches(int64_t range) const {
    return first_batch_[at(range) + 1] - first_batch_[at(range)];
  }
  /// The number of a range's first batch, as a slice of the epoch.
  int64_t FirstBatch(int64_t range) const { return first_batch_[at(range)]; }
  Piece Batch(int64_t range, int64_t nth) const;
  /// Of all batches of an epoch.
  std::vector<int64_t> RowsOfSlices() const;

 private:
  static size_t at(int64_t range) { return static_cast<size_t>(range); }

  bool in_file_order_ = false;
  std::vector<BlockRun> runs_;
  std::vector<int64_t> first_batch_ = {0};  // [n_ranges + 1]
};

}  // namespace zhiyin::worker::data
