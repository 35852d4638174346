// The summary of a training job: summary.json, and the lines that are printed at its end.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "worker/data/file_bytes.h"
#include "worker/train/evaluator.h"
#include "worker/train/group.h"
#include "worker/train/invariants.h"
#include "worker/train/job.h"
#include "worker/train/profile.h"
#include "worker/train/results.h"

namespace zhiyin::worker::train {

/// The totals of a training job over all workers, at the chief. Plain data.
struct TrainingTotals {
  struct EarlyStopping {
    bool stopped = false;
    int64_t best_epoch = 0;
  };

  std::string started;  // UTC
  double seconds = 0;   // since the start
  double reading_s = 0;
  double training_s = 0;                // in epochs, including earlier runs of the job
  double earlier_s = 0;                 // of training_s, in earlier runs
  double waited_s = 0;                  // waits for servers in this run, summed over workers
  bool is_timed = true;                 // false: simulated waits take no time
  int64_t n_rows = 0;                   // examples of the training split
  int64_t n_bad = 0;                    // malformed lines
  int64_t n_epochs = 0;                 // completed
  int64_t n_steps = 0;                  // completed
  int64_t n_samples = 0;                // trained on, over all epochs
  int64_t n_left_out = 0;               // of n_samples, those that were left out (left_out.h)
  std::vector<int64_t> worker_samples;  // [n_workers]
  int64_t n_rows_made_by_evaluation = 0;
  /// Reading of the splits in this run, over all workers.
  struct Reads {
    int64_t n_bytes = 0;
    int64_t n_bytes_before = 0;  // the part of n_bytes that was read before training began
    int64_t n_files = 0;
  };
  Reads reads;
  double train_loss = 0;           // of the last epoch
  std::set<std::string> products;  // ProductsUsed::backends
  Json joins;                      // JoinsJson; null: the job has no joins
  Json task_balance;               // by task, of the last epoch; null: no balancing
  Evaluations evaluated;           // of the model that is saved
  std::optional<int64_t> resumed_at_step;
  std::optional<EarlyStopping> early_stopping;
  double death_to_step_s = 0;  // from the death of the earlier run to the first new step

  /// The share of the workers' time in epochs of this run that they waited for servers.
  double WaitShare(int n_workers) const {
    const double worker_s = n_workers * (training_s - earlier_s);
    return worker_s > 0 ? waited_s / worker_s : 0;
  }
};

/// The content of summary.json. `worker_stages`: seconds by stage over all workers, used with
/// --profile. Throws Error where an invariant of the job does not hold.
Json TrainingSummary(const Job& job, const net::RoleMap& roles, const JobOptions& options,
                     const TrainingTotals& totals, const JobCounts& counts,
                     const std::vector<double>& worker_stages);

/// The lines that are printed when the job ends.
std::vector<std::string> ClosingLines(const Job& job, const net::RoleMap& roles,
                                      const JobOptions& options, const TrainingTotals& totals,
                                      const ps::ServerReport& report,
                                      const std::vector<double>& worker_stages);

/// The names of the job's tasks, in order.
std::vector<std::string> TaskNamesOf(const Job& job);

/// The number of rows that all servers have made so far.
int64_t RowsMade(const ps::ServerReport& report);

/// The counts for CheckInvariants. `workers` are the serialized counts of all workers, [n_workers].
/// Throws Error, naming the rank, on malformed ones.
JobCounts CountsOf(const Job& job, const net::RoleMap& roles, const TrainingTotals& totals,
                   const std::vector<std::string>& workers, const ps::ServerReport& servers);

/// Returns the sum over all workers at the chief, nothing elsewhere. `n_bytes_before` is what this
/// worker had read when training began. Collective.
TrainingTotals::Reads GatherReads(const data::ReadCounts& own, int64_t n_bytes_before,
                                  Group* group);

/// Returns the seconds of each stage, summed over all workers, at the chief; an empty vector
/// elsewhere. Collective.
std::vector<double> GatherSeconds(Profile* profile, const net::RoleMap& roles, Group* group);

}  // namespace zhiyin::worker::train
