// The delivery of blocks that were read in shares to the workers that need them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/data/record_counts.h"
#include "worker/data/share_records.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// What all workers have read of a split, and what this one still has of it. Borrows what it points
/// to. DeliverBlocks may move from the records of `own`, which are of no use afterwards.
struct DeliveredShares {
  const Job& job;
  const data::RecordCounts& counts;  // of the split
  int64_t first_row = 0;             // of the split, among the records of its files
  /// [n_workers + 1]: the records that worker w has read, among those of the files, are those from
  /// first_record[w] to first_record[w + 1], exclusive.
  std::vector<int64_t> first_record;
  std::vector<bool> is_kept;  // [n_workers]: whether a worker still has what it has read
  data::ShareRecords* own;    // of this worker
  int64_t n_kept_max = 0;     // examples that a worker may get
};

/// Delivers blocks. `wanted(w)` are those that worker w needs, in the order of need; it gets the
/// first ones, as many as it may keep and were kept. `keep` is called for each block that this
/// worker gets. Throws Error, naming the rank, for parts of blocks that are not those. Collective
/// over all workers.
void DeliverBlocks(const DeliveredShares& shares,
                   const std::function<std::vector<int64_t>(int worker)>& wanted,
                   const std::function<void(int64_t block, data::Examples examples)>& keep,
                   Group* group);

}  // namespace zhiyin::worker::train
