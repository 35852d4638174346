// Sync points: the steps before which all workers pause, for a checkpoint or to end. The chief
// alone decides.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/config/checker.h"
#include "common/net/endpoint.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::train {

void FillCheckpoint(Checkpoint* checkpoint);
/// Throws Error, by way of `check`, for the first thing about train.checkpoint that is impossible.
/// REQUIRES: defaults are filled in.
void CheckCheckpoint(const config::Checker& check, const config::ConfigPath& path,
                     const Checkpoint& checkpoint);

/// What the chief tells all workers at a sync point.
struct SyncPoint {
  static constexpr uint64_t kNone = ~uint64_t{0};

  bool save = false;
  bool stop = false;      // afterwards
  uint64_t next = kNone;  // the step of the next sync point; kNone: none in this epoch

  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write.
  static SyncPoint Parse(std::string_view bytes);
};

/// Used by the chief. Sync points cost a message and the wait for the slowest: about one a second,
/// measured, and one where train.checkpoint wants it. Time is that of the endpoint: simulated runs
/// repeat exactly.
class CheckpointSchedule {
 public:
  /// `first_step`: what an earlier run of the job has not done. `stop_requested`: somebody wants
  /// the job to end early; may be empty. Borrows the endpoint and the job.
  CheckpointSchedule(const Job& job, int64_t steps_per_epoch, int64_t first_step,
                     const net::Endpoint* clock, std::function<bool()> stop_requested);

  /// In the epoch, before `step` of all epochs is begun: at its first step, and at every sync
  /// point.
  SyncPoint InEpoch(int64_t epoch, uint64_t step);
  /// When the epoch is over and evaluated, before the next, if any.
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
