// The plan of an epoch: the examples that are trained on together, and their order. Every worker
// computes it from the numbers of examples that the first pass found, with equal results. It grows
// with the runs, not with the slices.
//
// A run is a set of blocks that are shuffled together; the shuffle depends on (seed, epoch, run)
// only. A slice is what a worker computes at a time: consecutive examples of shuffled runs. The
// slices of an epoch do not depend on who computes them; their sums are added up in the order of
// their numbers. With the seed and the epoch, the number of a slice names its examples: it seeds
// the random draws of the slice.
//
// A block is consecutive lines of a file, which may be sorted. A run that is kept in memory
// therefore has kMixedBlocks blocks or more, at equal distances over the whole split, or all
// blocks of a split that has fewer. What is less than a run is a part of a shuffled run.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/data/record_counts.h"

namespace zhiyin::worker::data {

/// The least blocks of a run that is kept in memory. A share of a sorted split, such as that of a
/// label, then differs from run to run by about 1 / 32 at most.
inline constexpr int64_t kMixedBlocks = 32;

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

/// The assignment of blocks to workers in the first pass, where files are not shared (SharedFiles
/// in source.h): block b belongs to part b mod n_parts, and worker p mod n_workers reads part p.
struct BlockDeal {
  int n_parts = 1;
  int n_workers = 1;

  int WorkerOf(int64_t block) const { return static_cast<int>(block % n_parts) % n_workers; }
};

/// The plan for staleness 0. A step is a slice of every stream. There is one stream for each of the
/// slices, and one group of blocks for each stream, unless groups would be too small to be a sample
/// of the split: then k streams share a group, each with an equal part of its shuffled run. Block b
/// belongs to group b mod n_groups, and stream s to group s mod n_groups; n_groups divides
/// n_streams.
///
/// A group with more than shuffle_rows examples is read in windows instead, which are shuffled one
/// after the other. There is a group for each stream then, which has one of n_groups equal parts of
/// the split; a part is cut into windows of equal numbers of consecutive blocks with at most
/// shuffle_rows examples (at least one block). A step is a sample of a window of every part, and
/// each part is read from end to end.
///
/// An epoch of n examples has ceil(n / (examples_per_slice * n_streams)) steps. Every stream is
/// divided evenly among them, so that the gradient of the last step is a mean over about as many
/// examples as that of any other. The examples of a step and their order depend on the number of
/// streams, not on that of workers.
class StreamPlan {
 public:
  StreamPlan() = default;
  StreamPlan(const RecordCounts& records, int n_streams, int64_t examples_per_slice,
             int64_t shuffle_rows);

  int n_streams() const { return n_streams_; }
  /// The windows of all groups, group after group.
  const std::vector<BlockRun>& runs() const { return runs_; }
  int64_t n_steps() const { return n_steps_; }
  /// The number of examples of a stream's slice, and of all slices of a step: the latter is never
  /// 0. Steps are counted within their epoch.
  int64_t SliceExamples(int64_t step, int stream) const {
    return ExamplesBefore(step + 1, stream) - ExamplesBefore(step, stream);
  }
  int64_t StepExamples(int64_t step) const;
  int64_t SliceNumber(int64_t step, int stream) const { return step * n_streams() + stream; }
  /// The pieces of a stream's slice, in order.
  std::vector<Piece> Pieces(int64_t step, int stream) const;
  /// The slices of an epoch.
  int64_t n_slices() const { return n_steps_ * n_streams_; }
  /// The blocks that the streams of a worker need, in the order of need: all of their groups, or
  /// none where they are read in windows. REQUIRES: stream s is that of worker s mod n_workers.
  std::vector<int64_t> FirstBlocks(int worker, int n_workers) const;
  /// The number of examples that a worker with so many streams keeps in memory: all of their
  /// groups, or two windows of each group where there are several.
  int64_t KeptExamples(int64_t n_own_streams) const;

 private:
  int n_groups() const { return static_cast<int>(group_examples_.size()); }
  bool in_windows() const { return runs_.size() > group_examples_.size(); }
  size_t GroupOf(int stream) const { return static_cast<size_t>(stream % n_groups()); }
  /// The position of a stream's first example in its group; that of stream s + n_groups is its end.
  int64_t BeginOf(int stream) const;
  /// The number of a stream's examples in the steps before this one.
  int64_t ExamplesBefore(int64_t step, int stream) const;

  int n_streams_ = 0;
  int64_t n_steps_ = 0;
  std::vector<int64_t> group_examples_;  // [n_groups]
  std::vector<BlockRun> runs_;
  std::vector<size_t> first_run_;      // [n_groups + 1]
  std::vector<int64_t> begin_of_run_;  // [n_runs]: the position of its first example in its group
};

/// The plan for other stalenesses. A range is a part of a shuffled run that one worker leases and
/// trains on: consecutive batches, none larger than the batch size, into which the run is cut
/// evenly. It is small enough that every worker gets several an epoch.
///
/// Where the workers can keep all examples in memory, shuffle_rows each, run r has the blocks r,
/// r + n_runs, ...: its batches are samples of the whole split, however the files are sorted.
/// Otherwise runs are consecutive blocks with at most shuffle_rows examples together; each is one
/// range, and they are granted in file order, so that readers only move forward.
class RangePlan {
 public:
  RangePlan() = default;
  /// `n_ranges_max`: the most ranges that the lease protocol can name.
  RangePlan(const RecordCounts& records, int n_workers, int64_t batch_size, int64_t shuffle_rows,
            int64_t n_ranges_max);

  int64_t n_ranges() const { return static_cast<int64_t>(run_of_range_.size()); }
  bool in_file_order() const { return in_file_order_; }
  const std::vector<BlockRun>& runs() const { return runs_; }
  int64_t n_batches() const { return first_batch_.back(); }
  int64_t n_batches(int64_t range) const {
    return first_batch_[at(range) + 1] - first_batch_[at(range)];
  }
  /// The slice number of a range's first batch.
  int64_t FirstBatch(int64_t range) const { return first_batch_[at(range)]; }
  Piece Batch(int64_t range, int64_t nth) const;
  /// The blocks of the runs that a worker should get first, in the order of need; none where runs
  /// are read in file order.
  std::vector<int64_t> FirstBlocks(int worker, int n_workers) const;
  /// The ranges that a worker should get first, ascending: those of the runs that it has in memory,
  /// and of the run whose blocks it has read in the first pass, wholly or in part.
  std::vector<uint64_t> PreferredRanges(int worker, const std::vector<uint64_t>& kept_runs) const;

 private:
  static size_t at(int64_t i) { return static_cast<size_t>(i); }
  void MakeRuns(const RecordCounts& records, int n_workers, int64_t range_examples,
                int64_t shuffle_rows, int64_t n_ranges_max);
  void MakeRanges(int64_t batch_size, int64_t range_examples, int64_t n_ranges_max);

  bool in_file_order_ = false;
  std::vector<BlockRun> runs_;
  std::vector<int64_t> first_batch_of_run_ = {0};  // [n_runs + 1]
  std::vector<int64_t> run_of_range_;              // [n_ranges], ascending
  std::vector<int64_t> first_batch_ = {0};         // [n_ranges + 1]
};

}  // namespace zhiyin::worker::data
