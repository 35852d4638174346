// The schedule of sync points: the steps before which all workers pause, for a checkpoint or to
// end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/config/checker.h"
#include "common/net/endpoint.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::train {

/// Fills in the defaults of train.checkpoint.
void FillCheckpoint(Checkpoint* checkpoint);
/// Throws Error, by way of `check`, for the first thing about train.checkpoint that is impossible.
/// REQUIRES: defaults are filled in.
void CheckCheckpoint(const config::Checker& check, const config::ConfigPath& path,
                     const Checkpoint& checkpoint);

/// The chief's decision at a sync point, which it broadcasts to all workers.
struct SyncPoint {
  static constexpr uint64_t kNone = ~uint64_t{0};

  bool save = false;      // write a checkpoint
  bool stop = false;      // end the job afterwards
  uint64_t next = kNone;  // the step of the next sync point; kNone: none in this epoch

  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write.
  static SyncPoint Parse(std::string_view bytes);
};

/// Decides on the sync points. Used by the chief. A sync point costs a message and the wait for the
/// slowest worker; hence there is about one per second, by the measured time of a step, and one at
/// each step for which train.checkpoint asks. Time is that of the endpoint, so that simulated runs
/// repeat exactly.
class CheckpointSchedule {
 public:
  /// `first_step` is the first step that an earlier run of the job has not done. `stop_requested`
  /// returns whether the job shall end early; may be empty. Borrows the endpoint.
  CheckpointSchedule(const Job& job, int64_t steps_per_epoch, int64_t first_step,
                     const net::Endpoint* clock, std::function<bool()> stop_requested);

  /// Returns the decision before `step`, counted over all epochs, of an epoch, counted from 0.
  /// Called before the first step of the epoch, and before each SyncPoint::next.
  SyncPoint InEpoch(int64_t epoch, uint64_t step);
  /// Returns the decision after an epoch, counted from 0, that is over and evaluated.
  SyncPoint AfterEpoch(int64_t epoch, bool is_last);

 private:
  bool StopRequested() const { return stop_requested_ && stop_requested_(); }
  void Saved(uint64_t step);

  Checkpoint config_;
  int64_t steps_per_epoch_;
  const net::Endpoint* clock_;
  std::function<bool()> stop_requested_;
  double saved_s_;
  uint64_t saved_step_;
  double sync_s_;
  uint64_t sync_step_;
  uint64_t interval_ = 8;  // steps from one sync point to the next
};

}  // namespace zhiyin::worker::train
