// The training data of one worker, after the first pass over the data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/data/file_digest.h"
#include "worker/data/slice_reader.h"
#include "worker/data/unit_reader.h"
#include "worker/saved/saved_statistics.h"
#include "worker/train/dealer.h"
#include "worker/train/piped_batches.h"
#include "worker/train/split_indexes.h"
#include "worker/train/tools.h"

namespace zhiyin::worker::train {

/// The most examples of an epoch, where their number is not known.
inline constexpr int64_t kMostRows = int64_t{1} << 48;

/// The facts about the examples that training needs, with the reader and the dealer of this worker.
/// The dealer borrows the reader and the client of the worker's tools, which outlive it.
struct TrainingData {
  int64_t n_rows = 0;        // examples of the training split
  int64_t n_bad = 0;         // malformed lines of all splits that the job reads
  int64_t n_bad_joined = 0;  // malformed lines of the files of data.join
  /// The matches of joins in each split that the job reads, the training split first.
  std::vector<std::pair<data::SplitKind, data::JoinMatches>> joins;
  std::vector<std::string> notes;  // about the data, a line each, for people
  /// The number of workers of the run that began the job. It determines how epochs are cut into
  /// slices, also in a resumed job.
  int n_planned_workers = 0;
  std::vector<data::FileDigest> files;  // at the chief: of the training examples and joins
  saved::FirstStatistics statistics;
  std::vector<double> first_outputs;  // of the model, by task (worker/model/first_outputs.h)
  std::unique_ptr<data::SliceReader> reader;
  /// With data.one_pass, in place of `reader`: `units`, or `dealt` where another worker reads
  /// data.train from a pipe. Then n_rows, n_slices and the joins of the training split are not
  /// known before the epoch is over, and n_bad lacks its lines.
  std::unique_ptr<data::UnitReader> units;
  std::unique_ptr<DealtBatch> dealt;
  std::vector<data::UnitRange> ranges;  // of all workers together
  std::unique_ptr<Dealer> dealer;
  int64_t n_slices = 0;  // of an epoch

  data::SliceStream* slices() const {
    if (units) return units.get();
    if (dealt) return dealt.get();
    return reader.get();
  }
};

/// Makes the first pass over all splits, but for data.train with data.one_pass, shares the findings
/// among all workers, and loads the blocks that this worker evaluates. `resumed` is the progress of
/// the checkpoint, nullptr for a new job; `known` are the statistics that training begins with,
/// nullptr where the examples tell them, all or a sample (SampleRows); `indexes` are those of the
/// job, used at the chief. Where data.train is a pipe, the chief has opened it (data::Pipe), and
/// every worker keeps all of it, but for data.one_pass. Throws Error when the data does not fit the
/// job, when labels are of one class where that means nothing (CheckTrainingLabels,
/// CheckStoppingMetrics), when the steps are too many (CheckSteps), or when the data differs from
/// that of the earlier run. Collective over all workers.
TrainingData ReadTrainingData(const Job& job, const Progress* resumed,
                              const saved::FirstStatistics* known, const net::RoleMap& roles,
                              SplitIndexes* indexes, Tools* tools);

/// Takes what was found in one pass over data.train, once the epoch is over, into *data, its notes
/// to `say`. REQUIRES: the job has data.one_pass.
void TakeUnits(const Job& job, const data::UnitFindings& found, TrainingData* data,
               const std::function<void(const std::string&)>& say);

/// Throws Error, naming the file, where a file of the run that wrote the checkpoint has another
/// content now.
void CheckResumedFiles(const Progress& resumed, const std::vector<data::FileDigest>& files);

/// Throws Error unless the data and its slices are those of the run that wrote the checkpoint.
void CheckResumedData(const Progress& resumed, int64_t n_rows, int64_t n_slices,
                      int64_t steps_per_epoch);

/// Throws Error when all epochs together have more steps than a table of the job can keep
/// (ps::table::KeepsSteps), unless early stopping may end the job before.
void CheckSteps(const Job& job, int64_t steps_per_epoch);

}  // namespace zhiyin::worker::train
