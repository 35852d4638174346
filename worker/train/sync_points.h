// Sync points as all workers meet them: the chief's decision, shared, and its checkpoints.
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

/// One worker's side of the sync points of a job that keeps checkpoints. The chief has the schedule
/// and the checkpoints; the others learn what it wants. Used by the rank's thread; borrows all it
/// is given.
class SyncPoints {
 public:
  struct Settings {
    std::string output;                           // the job's output folder
    int64_t steps_per_epoch = 0;                  // as Dealer says
    int64_t first_step = 0;                       // that an earlier run of the job has not done
    std::function<bool()> stop_requested;         // as CheckpointSchedule takes it; may be empty
    std::function<void(const std::string&)> say;  // prints a line
  };
  /// Made at all workers; everything but the group is used at the chief alone.
  SyncPoints(const Job& job, const Settings& settings, const net::Endpoint* clock,
             ps::client::Client* client, Group* group);

  /// Returns what all do before `step` of all epochs is begun, as CheckpointSchedule::InEpoch; at
  /// the chief, reports a checkpoint that has become complete. Collective. Throws Error as
  /// CheckpointKeeper::Finish does.
  SyncPoint InEpoch(int64_t epoch, uint64_t step);
  /// Returns what all do when the epoch, counted from 0, is over and evaluated. Collective.
  SyncPoint AfterEpoch(int64_t epoch, bool is_last);

  /// At the chief, while all workers wait: as CheckpointKeeper::Start.
  void Start(Manifest manifest, bool is_last) { keeper_->Start(std::move(manifest), is_last); }
  /// Returns once no checkpoint is being written; elsewhere than at the chief, at once. Throws
  /// Error as CheckpointKeeper::Finish does.
  void Finish();

 private:
  SyncPoint Share(const SyncPoint& from_chief);

  Group* group_;
  std::optional<CheckpointSchedule> schedule_;  // at the chief
  std::optional<CheckpointKeeper> keeper_;      // at the chief
};

}  // namespace zhiyin::worker::train
