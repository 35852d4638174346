// What an epoch of training showed, summed up by the chief from the parts of all workers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/net/role_map.h"
#include "worker/model/metric/metric.h"
#include "worker/model/task_heads.h"
#include "worker/train/epoch_part.h"
#include "worker/train/results.h"
#include "worker/train/training_summary.h"

namespace zhiyin::worker::train {

/// What is known of an epoch that is over, what was done of it before a resume included. Plain
/// data.
struct EpochSummary {
  /// Mean losses by task over the examples that have its label, unweighted; NaN without labels.
  std::vector<double> mean_losses;  // [n_tasks]
  /// The weighted sum over tasks of their losses, with auxiliary ones, by example of the epoch.
  double train_loss = 0;
  int64_t n_samples = 0;                // examples trained on
  std::vector<int64_t> worker_samples;  // [n_workers], those from before a resume excluded
  double waited_s = 0;                  // for servers, summed over workers
  /// Metrics of predictions that were made in training.
  std::vector<model::metric::TaskMetrics> metrics;  // [n_tasks]
  /// The auxiliary loss by example of the epoch; absent where the model adds none.
  std::vector<std::optional<double>> own_losses;  // [n_tasks]
  Json task_balance;                              // BalanceJson by task; null: nothing is told
};

/// Sums up an epoch: `left` is what was done of it before a resume, empty for none; `parts` are the
/// workers' sums and tallies (their batch statistics are not used); `heads` are those of the job.
/// The slices are added in the order of their numbers, so that the losses do not depend on who took
/// which. A pure function, for the chief. Throws Error on a part that cannot be one of such an
/// epoch, naming the rank, and when a slice was taken twice, or by nobody.
EpochSummary SumUpEpoch(const model::TaskHeads& heads, const EpochShape& shape,
                        const EpochPart& left, const WorkerParts& parts, const net::RoleMap& roles);

/// Adds the epoch to what was done in the job so far; its train loss and balance replace those of
/// the epoch before. REQUIRES: totals->worker_samples is [n_workers].
void AddEpoch(const EpochSummary& summary, TrainingTotals* totals);

/// The epoch's lines of metrics.jsonl, one for each task: its metrics, balance and auxiliary loss.
/// `epoch` counts from 1, `step` is the number of steps up to its end.
std::vector<Json> TrainLines(int64_t epoch, int64_t step, const EpochSummary& summary);

}  // namespace zhiyin::worker::train
