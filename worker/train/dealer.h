// What a worker computes next: decided by the books of server 0 (ps/server/lease_manager.h), read
// ahead by the SliceReader.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/row_plan.h"
#include "worker/data/slice_reader.h"

namespace zhiyin::worker::train {

/// One slice: a batch, at staleness 0 a part of one.
struct SliceTask {
  int64_t number = 0;     // among the slices of an epoch
  uint64_t clock = 0;     // the step, over all epochs, as servers count it
  int slice = 0;          // its position in the step's sum
  int n_slices = 1;       // of every step
  int64_t step_rows = 0;  // rows of the optimizer step that its gradients are part of
};

/// Hands a worker its slices, one after the other, and has the reader prepare their rows in that
/// order. What it needs from server 0 is asked for before it is needed. Used by the rank's thread;
/// borrows the reader and the client.
class Dealer {
 public:
  virtual ~Dealer() = default;

  /// Steps that the servers' clocks advance in an epoch, about.
  virtual int64_t steps_per_epoch() const = 0;
  /// Examples of all slices of an epoch, by the slice's number.
  virtual std::vector<int64_t> RowsOfSlices() const = 0;

  /// Before the first epoch of a job that is resumed: it begins with this one, whose slices `done`,
  /// in any order, and all steps before `next_step` of all epochs are done. All workers say the
  /// same, and wait for each other afterwards.
  virtual void Resume(int64_t epoch, int64_t next_step, std::span<const int64_t> done) = 0;
  /// Every epoch in turn. REQUIRES: where staleness is not 0, all workers have ended the one
  /// before.
  virtual void BeginEpoch(int64_t epoch) = 0;
  /// The next slice, whose rows SliceReader::Next gives next; nothing when the epoch has none left
  /// for this worker.
  virtual std::optional<SliceTask> Next() = 0;
  /// Between slices, or in the middle of one: asks for what will be needed, takes answers that have
  /// come.
  virtual void AskAhead() = 0;
  /// The gradients of the slice were pushed, slices in order; it took `seconds` to compute.
  virtual void Pushed(const SliceTask& task, double seconds) = 0;
  /// After Client::Drain.
  virtual void EndEpoch() = 0;
};

/// Staleness 0: streams, dealt for a round of steps at a time by the workers' speeds.
std::unique_ptr<Dealer> MakeStreamDealer(const Job& job, data::StreamPlan plan, int worker,
                                         int n_workers, data::SliceReader* reader,
                                         ps::client::Client* client);

/// Otherwise: ranges, leased one by one. At a bound on staleness each batch takes a ticket g for
/// its step: clock g / n_slices, slice g mod n_slices, so that a slow worker holds few of the steps
/// that others wait for. Without a bound the clock only tells how far the epoch is.
std::unique_ptr<Dealer> MakeRangeDealer(const Job& job, data::RangePlan plan, int worker,
                                        int n_workers, data::SliceReader* reader,
                                        ps::client::Client* client);

}  // namespace zhiyin::worker::train
