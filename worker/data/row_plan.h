// The plan of an epoch: the examples that are trained on together, and their order. Every worker
// computes it from the numbers of examples that the first pass found, with equal results.
//
// A run is a set of blocks that are shuffled together; the shuffle depends on (seed, epoch, run)
// only. A slice is what a worker computes at a time: consecutive examples of shuffled runs. The
// slices of an epoch do not depend on who computes them; their sums are added up in the order of
// their numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// The n blocks first, first + stride, ...
struct BlockRun {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t n = 0;
  int64_t n_rows = 0;  // examples
  /// With the seed and the epoch, these two determine the shuffle.
  uint64_t stream = 0;
  uint64_t window = 0;

  int64_t Block(int64_t i) const { return first + i * stride; }
  int64_t last() const { return Block(n - 1); }
};

/// n examples of a shuffled run, from `begin` on.
struct Piece {
  int64_t run = 0;
  int64_t begin = 0;
  int64_t n = 0;
};

/// The assignment of blocks to workers in the first pass: block b belongs to part b mod n_parts,
/// and worker p mod n_workers reads part p.
struct BlockDeal {
  int n_parts = 1;
  int n_workers = 1;

  int WorkerOf(int64_t block) const { return static_cast<int>(block % n_parts) % n_workers; }
};

/// The plan for staleness 0. Block b belongs to stream b mod n_streams. A stream is shuffled in
/// windows: the longest runs of its blocks, in file order, with at most shuffle_rows examples
/// together (at least one block). Each step takes the next rows_per_slice examples of every stream.
/// Thus the examples of a step and their order depend on the number of streams, not on that of
/// workers.
class StreamPlan {
 public:
  StreamPlan() = default;
  StreamPlan(const BlockSummaries& blocks, int n_streams, int64_t rows_per_slice,
             int64_t shuffle_rows);

  int n_streams() const { return static_cast<int>(stream_rows_.size()); }
  /// The windows of all streams, stream after stream.
  const std::vector<BlockRun>& runs() const { return runs_; }
  /// The number of steps until every stream has ended; streams that end earlier have empty slices.
  int64_t n_steps() const { return n_steps_; }
  /// The number of examples of a stream's slice, and of all slices of a step. Steps are counted
  /// within their epoch.
  int64_t SliceRows(int64_t step, int stream) const;
  int64_t StepRows(int64_t step) const;
  int64_t SliceNumber(int64_t step, int stream) const { return step * n_streams() + stream; }
  /// The pieces of a stream's slice, in order.
  std::vector<Piece> Pieces(int64_t step, int stream) const;
  /// The number of examples of each slice of an epoch, by slice number.
  std::vector<int64_t> RowsOfSlices() const;
  /// The number of examples that a worker with so many streams keeps in memory: all, or two windows
  /// of each stream where there are several.
  int64_t KeptRows(int64_t n_own_streams) const;

 private:
  int64_t rows_per_slice_ = 1;
  int64_t n_steps_ = 0;
  std::vector<int64_t> stream_rows_;  // [n_streams]
  std::vector<BlockRun> runs_;
  std::vector<size_t> first_run_;  // [n_streams + 1]
};

/// The plan for other stalenesses. A range is a set of blocks that one worker leases and trains on.
/// It is small enough that every worker gets several an epoch, has at most shuffle_rows examples,
/// and is as close to a multiple of the batch size as blocks allow. It is cut evenly into batches,
/// none larger than the batch size.
///
/// Where the workers can keep all examples in memory, shuffle_rows each, range r has the blocks r,
/// r + n_ranges, ...: examples from the whole split, however the files are sorted. Otherwise ranges
/// are consecutive blocks and are granted in file order, so that readers only move forward.
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
  /// The slice number of a range's first batch.
  int64_t FirstBatch(int64_t range) const { return first_batch_[at(range)]; }
  Piece Batch(int64_t range, int64_t nth) const;
  /// The number of examples of each batch of an epoch, by slice number.
  std::vector<int64_t> RowsOfSlices() const;

 private:
  static size_t at(int64_t range) { return static_cast<size_t>(range); }

  bool in_file_order_ = false;
  std::vector<BlockRun> runs_;
  std::vector<int64_t> first_batch_ = {0};  // [n_ranges + 1]
};

}  // namespace zhiyin::worker::data
