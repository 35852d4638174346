// Reads the slices of a worker ahead of it, in a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "common/tick.h"
#include "worker/data/augment.h"
#include "worker/data/epoch_plan.h"
#include "worker/data/examples.h"
#include "worker/data/run_cache.h"
#include "worker/data/slice_queue.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// Slices of a worker, one after the other. Used by the rank's thread.
class SliceStream {
 public:
  virtual ~SliceStream() = default;
  /// Returns the next slice, its numerics normalized; it is valid until the next call. `tick` is
  /// called during a long wait.
  virtual const Examples& NextSlice(const Tick& tick) = 0;
};

/// Gives the slices that were ordered, in that order. Its thread reads, shuffles and assembles
/// ahead of the caller, at most kSlicesAhead slices; errors of the thread come out of Next(). What
/// was read is kept in a RunCache.
///
/// Called by the rank's thread only. The destructor joins the thread, whatever it is doing.
class SliceReader final : public SliceStream {
 public:
  static constexpr int kSlicesAhead = SliceQueue::kSlicesAhead;

  /// `source` is the training split. Nothing is read yet. Keeps at most `max_kept_rows` examples,
  /// and always those in use. `augmenter` changes what comes out, by epoch and example.
  SliceReader(std::unique_ptr<Source> source, uint64_t seed, int64_t max_kept_rows,
              Augmenter augmenter);
  ~SliceReader() override;

  /// The source. REQUIRES, for this and the next: Start was not called.
  Source* source() { return cache_.source(); }
  /// Keeps a block that was read already, so that it is not read again. REQUIRES: each block comes
  /// once.
  void Keep(int64_t block, Examples examples) { cache_.Keep(block, std::move(examples)); }

  /// Starts the thread. Call once. `in_one_pass`: runs whose blocks interleave and that are already
  /// ordered are read together, which needs the memory for all of them at a time.
  void Start(std::vector<BlockRun> runs, Normalizer normalizer, bool in_one_pass);
  void SetMaxKeptRows(int64_t n);

  /// Orders one more slice: these pieces of an epoch, one after the other; none for an empty slice.
  void Order(int64_t epoch, std::vector<Piece> pieces);
  /// Returns the next slice that was ordered, its numerics normalized; it is valid until the next
  /// call. Waits for the thread; `tick` is called once, and again during a long wait while the
  /// thread makes progress: when it has read a block, or passed over lines on its way to one.
  /// REQUIRES: fewer calls than orders before.
  const Examples& Next(const Tick& tick = [] {});
  const Examples& NextSlice(const Tick& tick) override { return Next(tick); }

  /// The runs that are wholly in memory, ascending. A function of the orders alone, once all slices
  /// that were ordered have been taken, and runs are not read together.
  std::vector<uint64_t> KeptRuns() const { return cache_.KeptRuns(); }

 private:
  // In the thread.
  void Run();
  /// Fills the slice of an order; returns false when the queue was closed.
  bool Fill(const SliceOrder& order);
  /// Has a run of an order in memory; the order's other runs stay there. Returns false when the
  /// queue was closed.
  bool Load(int64_t run, const SliceOrder& order);

  RunCache cache_;  // the thread's, once it runs, but for SetMaxKept and KeptRuns
  Normalizer normalizer_;
  bool in_one_pass_ = false;
  SliceQueue queue_;
  std::thread thread_;
};

}  // namespace zhiyin::worker::data
