// What the chief alone needs in order to resume a job: the lines of metrics.jsonl, and the sums of
// the epoch that is under way. It is the state file of a checkpoint (worker/saved/state_file.h).
//
//   string   the content of metrics.jsonl
//   u64      1: an epoch is under way; 0: none is, and the state ends here
//   u64      numbers of balance figures in the sums
//   strings  EpochSums, EpochTally and BatchStatistics, as their Serialize writes them
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "configs/manifest.pb.h"
#include "worker/train/epoch_part.h"

namespace zhiyin::worker::train {

/// Plain data.
struct ChiefState {
  std::string metrics;
  std::optional<EpochPart> part;  // nothing: the checkpoint is between epochs

  std::string Serialize() const;
};

/// Reads and checks the state of the checkpoint in a folder; `manifest` is the one there, perhaps
/// with another job. Tasks are in the order of progress.task_name. Checkpoints of format 1 had all
/// of this in their manifest, where it is found as well. Throws Error, naming the file, unless a
/// job with this progress could have written it; so it does where the progress itself makes no
/// sense. REQUIRES: the manifest has passed CheckManifest and has progress.
ChiefState ReadChiefState(const std::string& folder, const Manifest& manifest);

/// Returns the mean losses [n_epochs][n_tasks] in the checkpoint, for the tasks of the job that
/// resumes; NaN for new tasks. Throws Error when their number is not that of the checkpoint's
/// tasks.
std::vector<std::vector<double>> LossesOfCheckpoint(const Progress& progress,
                                                    const std::vector<std::string>& tasks);

/// The names of the tasks that the checkpoint's numbers are about, in order.
std::vector<std::string> SavedTasksOf(const Progress& progress);

}  // namespace zhiyin::worker::train
