// What workers have seen of an epoch: on its way to the chief, into a checkpoint and out of it.
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

/// What the numbers of an epoch are about. Borrows rows_of_slices.
struct EpochShape {
  std::span<const int64_t> rows_of_slices;  // examples, by the slice's number
  int64_t n_rows = 0;                       // examples of all slices
  size_t n_tasks = 0;
  size_t n_balance = 0;   // numbers of BalanceSums for each slice; 0 where there are none
  int64_t n_weights = 0;  // of the model, those of its balance excluded
};

/// What was seen of some slices of an epoch. The default is that of no slice. Plain data.
struct EpochPart {
  SliceSums sums;
  EpochTally tally;              // no aucs where no slice was seen
  std::string batch_statistics;  // BatchStatistics::Serialize(); "" for none
};

/// Every worker's part as the chief has gathered it, [n_workers] each, serialized by SliceSums,
/// EpochTally and BatchStatistics.
struct WorkerParts {
  std::vector<std::string> sums;
  std::vector<std::string> tallies;
  std::vector<std::string> batch_statistics;
};

/// Sends this worker's part of an epoch to the chief, for a checkpoint; returns all parts there,
/// and empty vectors elsewhere. Collective.
WorkerParts GatherParts(const SliceSums& sums, const EpochTally& tally,
                        const model::nn::BatchStatistics& statistics, Group* group);

/// Returns the part of the epoch that was done when the checkpoint was written, for the tasks of
/// the job that resumes: new tasks have no labels in that part, and where the tasks differ, what
/// was measured of the balance is forgotten. Empty for a checkpoint between epochs. `shape` and
/// `tasks`, by name, are those of the job that resumes. Throws Error on bytes that cannot be parts
/// of such an epoch.
EpochPart PartOfCheckpoint(const Progress& progress, const std::vector<std::string>& tasks,
                           const EpochShape& shape);

/// Returns the mean losses [n_epochs][n_tasks] of the epochs that the checkpoint knows, for the
/// tasks of the job that resumes; NaN for new tasks. Throws Error when their number is not that
/// of the checkpoint's tasks.
std::vector<std::vector<double>> LossesOfCheckpoint(const Progress& progress,
                                                    const std::vector<std::string>& tasks);

/// Adds every worker's part, in the order of workers, to what was done before a resume. A pure
/// function, for the chief. Throws Error, naming the rank, on a part that cannot be one of such an
/// epoch.
EpochPart MergeParts(const EpochPart& left, const WorkerParts& parts, const EpochShape& shape,
                     const net::RoleMap& roles);

/// Writes a part to a checkpoint; the inverse of PartOfCheckpoint.
void SavePart(const EpochPart& part, Progress* progress);

}  // namespace zhiyin::worker::train
