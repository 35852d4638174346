// Begins checkpoints while no worker pushes, completes them while training continues, and reports
// them to the user.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "configs/manifest.pb.h"
#include "ps/client/client.h"
#include "worker/saved/checkpoints.h"

namespace zhiyin::worker::train {

/// Writes the checkpoints of a job. A checkpoint that fails leaves none of its files behind and the
/// older checkpoints intact. Up to train.checkpoint.max_failures failures in a row are reported as
/// warnings while the job continues. Used by the chief, on the rank's thread; borrows the client.
/// Not collective, but a checkpoint is consistent only if all workers wait while Start() runs.
class CheckpointKeeper {
 public:
  /// `output` is the job's output folder; `say` prints a line.
  CheckpointKeeper(const Job& job, std::string output, ps::client::Client* client,
                   std::function<void(const std::string&)> say);

  /// Waits until the previous checkpoint is complete, then begins one with this manifest and state
  /// (ChiefState::Serialize). The checkpoint that ends the job (`is_last`) is complete on return;
  /// others are written while training continues. Throws Error at the first failure that exceeds
  /// max_failures, and when the checkpoint that ends the job fails.
  void Start(Manifest manifest, std::string state, bool is_last);

  /// Reports the checkpoint being written if it has become complete; with `wait`, waits until it
  /// is. Does nothing if none is being written. Throws Error as Start does.
  void Finish(bool wait) { Finish(wait, /*is_last=*/false); }

 private:
  using Clock = std::chrono::steady_clock;

  void Finish(bool wait, bool is_last);
  /// Warns about a checkpoint that could not be written, or throws Error.
  void HandleFailure(int64_t step, const std::string& why, bool is_last);
  /// Returns a phrase for messages that names the newest checkpoint on disk.
  std::string NewestLeft() const;

  std::string output_;
  int max_failures_;
  saved::CheckpointWriter writer_;
  std::function<void(const std::string&)> say_;
  Clock::time_point began_;  // when the last checkpoint was started
  int n_failures_ = 0;       // in a row
};

}  // namespace zhiyin::worker::train
