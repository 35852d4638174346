// From blocks to batches: rows that a worker was dealt, read and shuffled ahead of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "worker/data/augment.h"
#include "worker/data/row_plan.h"
#include "worker/data/rows.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// Gives the slices that were ordered, in that order. A thread of its own reads, shuffles and
/// assembles ahead of the caller, at most kSlicesAhead slices; its errors come out of Next().
///
/// What was read is kept, up to a number of rows, the runs that were used last; anything else is
/// read anew when it is needed. Rows are the same whether they were kept or not.
///
/// Called by the rank's thread only; joins its thread when destroyed, whatever it is doing.
class SliceReader {
 public:
  static constexpr int kSlicesAhead = 4;

  /// `source` is the training split. Nothing is read yet. Keeps at most `max_kept_rows`, and always
  /// what is in use. `augmenter` changes what comes out, by epoch and row.
  SliceReader(std::unique_ptr<Source> source, uint64_t seed, int64_t max_kept_rows,
              Augmenter augmenter);
  ~SliceReader();

  /// First pass: reads the blocks that the deal gives this worker, in the calling thread. Keeps the
  /// first ones. `on_bad` is called for every malformed line, `tick` for every block. Call at most
  /// once, before Start; without it nothing is kept and the rows come out the same.
  BlockSummaries FirstPass(const BlockDeal& deal, int worker,
                           const std::function<void(const BadLine&)>& on_bad,
                           const std::function<void()>& tick);

  /// Starts the thread. Call once. `in_one_pass`: runs that lie among each other and that orders in
  /// hand need are read together, at the cost of memory for all of them at a time.
  void Start(std::vector<BlockRun> runs, Normalizer normalizer, bool in_one_pass);
  void SetMaxKeptRows(int64_t n);

  /// One more slice: these pieces of an epoch, one after the other; none for an empty slice.
  void Order(int64_t epoch, std::vector<Piece> pieces);
  /// The next slice that was ordered, its numerics normalized; valid until the next call. Waits for
  /// the thread; `tick` is called once, and again every half a second of a long wait. REQUIRES:
  /// fewer calls than orders before.
  const Rows& Next(const std::function<void()>& tick = [] {});

  /// The runs that are all in memory, ascending. A function of the orders alone, once all slices
  /// that were ordered have been taken, and runs are not read together.
  std::vector<uint64_t> KeptRuns() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zhiyin::worker::data
