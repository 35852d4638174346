// Sync points at all workers: shares the chief's decisions, and runs its checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "common/net/endpoint.h"
#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "ps/client/client.h"
#include "worker/train/checkpoint_keeper.h"
#include "worker/train/checkpoint_schedule.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// The sync points of a job that keeps checkpoints, on one worker. The chief owns the schedule and
/// the writer of checkpoints; the other workers receive its decisions. Used by the rank's thread;
/// borrows all pointers that it is given.
class SyncPoints {
 public:
  struct Settings {
    std::string output;                           // the job's output folder
    int64_t steps_per_epoch = 0;                  // Dealer::steps_per_epoch()
    int64_t first_step = 0;                       // the first that an earlier run has not done
    std::function<bool()> stop_requested;         // see CheckpointSchedule; may be empty
    std::function<void(const std::string&)> say;  // prints a line
  };
  /// Constructed at all workers; arguments other than the group are used at the chief only.
  SyncPoints(const Job& job, const Settings& settings, const net::Endpoint* clock,
             ps::client::Client* client, Group* group);

  /// Returns the sync point before `step` (counted over all epochs), as CheckpointSchedule::InEpoch
  /// does, at all workers. The chief also reports a checkpoint that has become complete. Throws
  /// Error as CheckpointKeeper::Finish does. Collective.
  SyncPoint InEpoch(int64_t epoch, uint64_t step);
  /// Returns the sync point after an epoch, counted from 0, that is over and evaluated. Collective.
  SyncPoint AfterEpoch(int64_t epoch, bool is_last);

  /// Calls CheckpointKeeper::Start. REQUIRES: this is the chief; all workers wait meanwhile.
  void Start(Manifest manifest, std::string state, bool is_last) {
    keeper_->Start(std::move(manifest), std::move(state), is_last);
  }
  /// At the chief: waits until no checkpoint is being written. Does nothing elsewhere. Throws Error
  /// as CheckpointKeeper::Finish does.
  void Finish();

 private:
  SyncPoint Share(const SyncPoint& from_chief);

  Group* group_;
  std::optional<CheckpointSchedule> schedule_;  // at the chief
  std::optional<CheckpointKeeper> keeper_;      // at the chief
};

}  // namespace zhiyin::worker::train
