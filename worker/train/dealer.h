// The slices that a worker computes: assigned by the lease manager (ps/server/lease_manager.h),
// read ahead by the SliceReader.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/epoch_plan.h"
#include "worker/data/slice_reader.h"

namespace zhiyin::worker::train {

/// A slice for this worker: at staleness 0 a part of a step, otherwise a batch of a range.
struct SliceTask {
  int64_t number = 0;         // among the slices of an epoch: names its examples
  uint64_t clock = 0;         // the step, over all epochs, as servers count it
  int slice = 0;              // its position in the step's sum
  int n_slices = 1;           // of every step
  int64_t step_examples = 0;  // examples of the optimizer step that its gradients are part of
  bool is_late = false;       // whether it is dealt in the last eighth of the epoch
};

/// Whether a slice is dealt in the last eighth of an epoch: it is part number n_dealt, counted from
/// 1 in the order of time, of n equal parts. The last one always is.
constexpr bool IsLate(int64_t n_dealt, int64_t n) {
  return 8 * n_dealt > 7 * n;
}

/// Returns the slices of a worker, one after the other, and orders their examples from the reader
/// in that order. Sends its requests to server 0 ahead of time. Used by the rank's thread; borrows
/// the reader and the client.
class Dealer {
 public:
  virtual ~Dealer() = default;

  /// The approximate number of steps by which the servers' clocks advance in an epoch.
  virtual int64_t steps_per_epoch() const = 0;
  /// The slices of an epoch.
  virtual int64_t n_slices() const = 0;

  /// Sets the position of a resumed job: it begins with this epoch, whose slices `done` (in any
  /// order; used at the chief only) are done, as are all steps before `next_step`, counted over all
  /// epochs. Called before the first BeginEpoch, by all workers; they wait for each other
  /// afterwards.
  virtual void Resume(int64_t epoch, int64_t next_step, std::span<const int64_t> done) = 0;
  /// Begins an epoch, counted from 0; called for every epoch in turn. REQUIRES: at staleness other
  /// than 0, all workers have ended the epoch before.
  virtual void BeginEpoch(int64_t epoch) = 0;
  /// Returns the next slice, whose examples the next call of SliceReader::Next returns; nothing
  /// when the epoch has no slice left for this worker.
  virtual std::optional<SliceTask> Next() = 0;
  /// Sends the requests whose answers will be needed soon, and takes answers that have arrived.
  /// Called between slices or while one is computed.
  virtual void AskAhead() = 0;
  /// Records that the gradients of a slice were pushed, and the seconds that its computation took.
  /// Called for the slices in order.
  virtual void Pushed(const SliceTask& task, double seconds) = 0;
  /// Ends the epoch. REQUIRES: Client::Drain has returned.
  virtual void EndEpoch() = 0;
};

/// Makes the dealer for staleness 0. Slices are assigned to workers for a round of steps at a time,
/// at most four rounds an epoch, in proportion to their speeds. Where there are more workers than
/// slices, some have none.
std::unique_ptr<Dealer> MakeStreamDealer(const Job& job, data::StreamPlan plan, int worker,
                                         int n_workers, data::SliceReader* reader,
                                         ps::client::Client* client);

/// Makes the dealer for other values of staleness. Workers lease ranges one by one. At bounded
/// staleness each batch takes a ticket g, which makes it slice g mod n_slices of step g / n_slices,
/// so that a slow worker holds few of the steps that others wait for. At unbounded staleness the
/// clock only measures the progress of the epoch.
std::unique_ptr<Dealer> MakeRangeDealer(const Job& job, data::RangePlan plan, int worker,
                                        int n_workers, data::SliceReader* reader,
                                        ps::client::Client* client);

}  // namespace zhiyin::worker::train
