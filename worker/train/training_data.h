// The training data of one worker, after the first pass over the data.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/data/slice_reader.h"
#include "worker/data/statistics.h"
#include "worker/train/dealer.h"
#include "worker/train/tools.h"

namespace zhiyin::worker::train {

/// The facts about the examples that training needs, with the reader and the dealer of this worker.
/// The dealer borrows the reader and the client of the worker's tools, which outlive it.
struct TrainingData {
  int64_t n_rows = 0;  // examples of the training split
  int64_t n_bad = 0;   // malformed lines of all splits that the job reads
  /// The number of workers of the run that began the job. It determines how epochs are cut into
  /// slices, also in a resumed job.
  int n_planned_workers = 0;
  data::Normalizer normalizer;
  std::unique_ptr<data::SliceReader> reader;
  std::unique_ptr<Dealer> dealer;
  std::vector<int64_t> rows_of_slices;  // of an epoch, by the slice's number

  int64_t n_slices() const { return static_cast<int64_t>(rows_of_slices.size()); }
};

/// Makes the first pass over both splits, shares the summaries among all workers, and loads the
/// blocks that this worker evaluates. `resumed` is the progress of the checkpoint, nullptr for a
/// new job. Throws Error when the data does not fit the job, or differs from that of the earlier
/// run. Collective over all workers.
TrainingData ReadTrainingData(const Job& job, const Progress* resumed, const net::RoleMap& roles,
                              Tools* tools);

/// Throws Error unless the data and its slices are those of the run that wrote the checkpoint.
void CheckResumedData(const Progress& resumed, int64_t n_rows, int64_t n_slices,
                      int64_t steps_per_epoch);

}  // namespace zhiyin::worker::train
