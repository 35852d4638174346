// The sums over a part of an epoch: gathered at the chief, written to and read from checkpoints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/net/role_map.h"
#include "configs/manifest.pb.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/group.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// The numbers of slices, examples, tasks and weights that the sums of an epoch are for. Borrows
/// rows_of_slices.
struct EpochShape {
  std::span<const int64_t> rows_of_slices;  // examples of each slice, by its number
  int64_t n_rows = 0;                       // examples of all slices
  size_t n_tasks = 0;
  size_t n_balance = 0;   // numbers of BalanceSums for each slice; 0: none
  int64_t n_weights = 0;  // dense weights of the model, without those of its balance
};

/// The sums over some slices of an epoch; by default over none. Plain data.
struct EpochPart {
  SliceSums sums;
  EpochTally tally;              // without aucs if there are no slices
  std::string batch_statistics;  // BatchStatistics::Serialize(); "" for none
};

/// The parts of all workers, gathered at the chief, [n_workers] each, serialized by SliceSums,
/// EpochTally and BatchStatistics.
struct WorkerParts {
  std::vector<std::string> sums;
  std::vector<std::string> tallies;
  std::vector<std::string> batch_statistics;
};

/// Sends this worker's part of an epoch to the chief, for a checkpoint. Returns all parts at the
/// chief, empty vectors elsewhere. Collective.
WorkerParts GatherParts(const SliceSums& sums, const EpochTally& tally,
                        const model::nn::BatchStatistics& statistics, Group* group);

/// Returns the part of the epoch that was done when the checkpoint was written; empty for a
/// checkpoint between epochs. `tasks` (names) and `shape` are those of the job that resumes. Sums
/// are in its order of tasks: new tasks have no labels in this part, and if the tasks differ at
/// all, the sums of the balance are dropped. Throws Error on bytes that cannot be parts of such an
/// epoch.
EpochPart PartOfCheckpoint(const Progress& progress, const std::vector<std::string>& tasks,
                           const EpochShape& shape);

/// Returns the mean losses [n_epochs][n_tasks] in the checkpoint, for the tasks of the job that
/// resumes; NaN for new tasks. Throws Error when their number is not that of the checkpoint's
/// tasks.
std::vector<std::vector<double>> LossesOfCheckpoint(const Progress& progress,
                                                    const std::vector<std::string>& tasks);

/// Returns the sum of `left`, the part of the epoch before a resume, and the parts of all workers,
/// in the order of workers. A pure function, for the chief. Throws Error, naming the rank, on a
/// part that cannot be of such an epoch.
EpochPart MergeParts(const EpochPart& left, const WorkerParts& parts, const EpochShape& shape,
                     const net::RoleMap& roles);

/// Writes a part to a checkpoint; the inverse of PartOfCheckpoint.
void SavePart(const EpochPart& part, Progress* progress);

}  // namespace zhiyin::worker::train
