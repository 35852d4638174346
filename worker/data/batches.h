// From blocks to batches: which rows a worker takes, in which order.
//
// Training rows are dealt by block to n_streams streams (block b belongs to stream b mod n_streams); stream s
// is read by worker s mod n_workers alone and shuffled by (seed, epoch, s) alone. Step t takes from every
// stream its next rows_per_slice rows: with the same number of streams, the rows of a step and their order
// are the same whatever the number of workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "worker/data/rows.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker {

/// Who takes which rows. Every worker holds an equal copy. Pure arithmetic.
struct StreamPlan {
  int n_streams = 1;
  int n_workers = 1;
  int64_t rows_per_slice = 1;
  /// [n_streams], good rows; filled in after the first pass.
  std::vector<int64_t> stream_rows;

  int StreamOfBlock(int64_t block) const { return static_cast<int>(block % n_streams); }
  int WorkerOfStream(int stream) const { return stream % n_workers; }
  /// Ascending.
  std::vector<int> StreamsOfWorker(int worker) const;
  /// Until every stream is used up; streams that end earlier give empty slices.
  int64_t StepsPerEpoch() const;
  /// Rows that stream gives at a step, and that all streams together give. A step counts within its epoch.
  int64_t SliceRows(int stream, int64_t step) const;
  int64_t StepRows(int64_t step) const;
  /// Fills stream_rows.
  void SetRows(const BlockSummaries& blocks);
};

/// The training rows of one worker as one long sequence of slices: epoch after epoch, step after step, and in
/// a step the worker's streams in ascending order. A thread of its own reads, shuffles and assembles ahead of
/// the caller, at most kSlicesAhead slices; its errors come out of Next().
///
/// A stream is shuffled in windows: the longest runs of its blocks, in file order, that have at most
/// shuffle_rows rows together (at least one block). Window w of stream s is shuffled by (seed, epoch, s, w).
/// A stream of at most shuffle_rows rows is one window; it is read once and kept, shared by all epochs. The
/// others are read anew every epoch, all in one pass; what is in memory then is about two windows a stream,
/// more only where malformed lines make streams of very different lengths.
///
/// Called by the rank's thread only; joins its thread when destroyed, whatever it is doing.
class SliceReader {
 public:
  static constexpr int kSlicesAhead = 4;

  /// `source` is the training split. Nothing is read yet.
  SliceReader(std::unique_ptr<Source> source, int worker, StreamPlan plan, int64_t shuffle_rows,
              uint64_t seed);
  ~SliceReader();

  /// First pass: reads the worker's own blocks, in the calling thread. Keeps them where they fit. `on_bad` is
  /// called for every malformed line, `tick` for every block of the split. Call at most once, before Start;
  /// without it nothing is kept and the rows come out the same.
  BlockSummaries FirstPass(const std::function<void(const BadLine&)>& on_bad,
                           const std::function<void()>& tick);

  /// Starts the thread with epoch `first_epoch`. `plan` is the constructor's with stream_rows set. Call once.
  void Start(StreamPlan plan, Normalizer normalizer, int64_t first_epoch, int64_t n_epochs);

  /// The next slice, possibly of no rows, its numerics normalized; valid until the next call. Waits for the
  /// thread; `tick` is called once, and again every half a second of a long wait. REQUIRES: fewer than
  /// n_epochs
  /// * StepsPerEpoch() * own streams calls before.
  const Rows& Next(const std::function<void()>& tick = [] {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zhiyin::worker
