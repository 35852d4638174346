// The sums over a part of an epoch, gathered at the chief.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/net/role_map.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/group.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// The numbers of slices, examples, tasks and weights that the sums of an epoch are for. Plain
/// data.
struct EpochShape {
  SumsShape sums;
  int64_t n_rows = 0;     // examples of all slices
  int64_t n_weights = 0;  // dense weights of the model, without those of its balance
};

/// The sums over some slices of an epoch; by default over none. Plain data.
struct EpochPart {
  EpochSums sums;
  EpochTally tally;              // without tasks if there are no slices
  std::string batch_statistics;  // BatchStatistics::Serialize(); "" for none
};

/// The parts of all workers, gathered at the chief, [n_workers] each, serialized by EpochSums,
/// EpochTally and BatchStatistics.
struct WorkerParts {
  std::vector<std::string> sums;
  std::vector<std::string> tallies;
  std::vector<std::string> batch_statistics;
};

/// Sends this worker's part of an epoch to the chief, for a checkpoint. Returns all parts at the
/// chief, empty vectors elsewhere. Collective.
WorkerParts GatherParts(const EpochSums& sums, const EpochTally& tally,
                        const model::nn::BatchStatistics& statistics, Group* group);

/// Returns the part of an epoch in the order of the tasks `now` of the job that resumes; `before`
/// are those of the part. New tasks have no labels in it. If the tasks differ at all, or the number
/// n_balance of balance figures does, the sums of the balance are dropped. A pure function.
EpochPart OrderedPart(const EpochPart& part, const std::vector<std::string>& before,
                      const std::vector<std::string>& now, size_t n_balance);

/// Returns the sum of `left`, the part of the epoch before a resume, and the parts of all workers,
/// in the order of workers. A pure function, for the chief. Throws Error, naming the rank, on a
/// part that cannot be of such an epoch.
EpochPart MergeParts(const EpochPart& left, const WorkerParts& parts, const EpochShape& shape,
                     const net::RoleMap& roles);

}  // namespace zhiyin::worker::train
