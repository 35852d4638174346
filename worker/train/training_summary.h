// What a training job tells when it ends: summary.json, and the last lines on the screen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "worker/train/evaluator.h"
#include "worker/train/group.h"
#include "worker/train/invariants.h"
#include "worker/train/job.h"
#include "worker/train/profile.h"
#include "worker/train/results.h"

namespace zhiyin::worker::train {

/// What was done in a training job, over all workers, as the chief knows it. Plain data.
struct TrainingTotals {
  struct EarlyStopping {
    bool stopped = false;
    int64_t best_epoch = 0;
  };

  std::string started;  // UTC
  double seconds = 0;   // since the start
  double reading_s = 0;
  double training_s = 0;                // in epochs, those of earlier runs of the job included
  double waited_s = 0;                  // for servers, summed over workers
  bool is_timed = true;                 // false: simulated waits take no time
  int64_t n_rows = 0;                   // examples of the training split
  int64_t n_bad = 0;                    // malformed lines
  int64_t n_epochs = 0;                 // completed
  int64_t n_steps = 0;                  // completed
  int64_t n_samples = 0;                // trained on, over all epochs
  std::vector<int64_t> worker_samples;  // [n_workers]
  int64_t n_rows_made_by_evaluation = 0;
  double train_loss = 0;                       // of the last epoch
  Json task_balance;                           // by task, of the last epoch; null: not balanced
  std::optional<EvaluationResult> evaluation;  // of the model that is saved
  std::optional<int64_t> resumed_at_step;
  std::optional<EarlyStopping> early_stopping;
  double death_to_step_s = 0;  // from the death of the earlier run to the first new step

  /// Share of the workers' time in epochs in which they waited for servers.
  double WaitShare(int n_workers) const { return waited_s / (n_workers * training_s); }
};

/// The content of summary.json. `worker_stages`: seconds by stage over all workers, used with
/// --profile. Throws Error where an invariant of the job does not hold.
Json TrainingSummary(const Job& job, const net::RoleMap& roles, const JobOptions& options,
                     const TrainingTotals& totals, const JobCounts& counts,
                     const std::vector<double>& worker_stages);

/// What is printed when the job ends, a text for each call of the printer.
std::vector<std::string> ClosingLines(const net::RoleMap& roles, const JobOptions& options,
                                      const TrainingTotals& totals, const ps::ServerReport& report,
                                      const std::vector<double>& worker_stages);

/// The names of the job's tasks, in order.
std::vector<std::string> TaskNamesOf(const Job& job);

/// Embedding rows that all servers have created so far.
int64_t RowsMade(const ps::ServerReport& report);

/// What invariants are checked on: the counts of all workers, as Gather brought them, and of
/// servers. Throws Error, naming the rank, on counts that are none.
JobCounts CountsOf(const Job& job, const net::RoleMap& roles, const TrainingTotals& totals,
                   const std::vector<std::string>& workers, const ps::ServerReport& servers);

/// At the chief: seconds by stage, summed over all workers. Elsewhere nothing. Collective.
std::vector<double> GatherSeconds(Profile* profile, const net::RoleMap& roles, Group* group);

}  // namespace zhiyin::worker::train
