// Checkpoints at the chief: begins them while no worker pushes, finishes them while training
// continues, and reports them to the user.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "configs/manifest.pb.h"
#include "ps/client/client.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::worker::train {

/// Writes the checkpoints of a job. Tolerates as many failures in a row as
/// train.checkpoint.max_failures allows: then the job continues, with a warning, the older
/// checkpoints are untouched, and nothing of the failed one stays on the disk. Used by the chief,
/// on the rank's thread; borrows the client. Not collective, but a checkpoint is consistent only if
/// all workers wait while Start() runs.
class CheckpointKeeper {
 public:
  /// `output` is the job's output folder; `say` prints a line.
  CheckpointKeeper(const Job& job, std::string output, ps::client::Client* client,
                   std::function<void(const std::string&)> say);

  /// Waits for the checkpoint before, if it is not complete, then begins the one that the manifest
  /// and the state (ChiefState::Serialize) describe. The last one of the job (`is_last`) is
  /// complete on return; others are written while training continues. Throws Error after too many
  /// failures, and when the last one fails.
  void Start(Manifest manifest, std::string state, bool is_last);

  /// Reports a checkpoint that has become complete. With `wait`, waits until none is being written.
  /// Throws Error as Start does.
  void Finish(bool wait) { Finish(wait, /*is_last=*/false); }

 private:
  using Clock = std::chrono::steady_clock;

  void Finish(bool wait, bool is_last);
  /// Warns about a checkpoint that could not be written, or throws Error.
  void HandleFailure(int64_t step, const std::string& why, bool is_last);
  std::string NewestLeft() const;

  std::string output_;
  int max_failures_;
  saved::CheckpointWriter writer_;
  std::function<void(const std::string&)> say_;
  Clock::time_point began_;
  int n_failures_ = 0;  // in a row
};

}  // namespace zhiyin::worker::train
