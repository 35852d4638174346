// The summary of an epoch of training, which the chief computes from the parts of all workers.
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

/// The results of a whole epoch, including the part of it before a resume. Plain data.
struct EpochSummary {
  /// The mean loss of each task over the examples that have its label, by the weights of the
  /// examples; NaN without labels.
  std::vector<double> mean_losses;  // [n_tasks]
  /// The sum over tasks of their mean losses, by the weights of the tasks: EvaluationResult::loss
  /// of the predictions in training.
  double train_loss = 0;
  int64_t n_samples = 0;                // examples trained on
  data::Unpredicted left_out;           // those of them that were left out
  std::vector<int64_t> worker_samples;  // [n_workers], without those before a resume
  double waited_s = 0;  // for servers, summed over workers, without waits before a resume
  /// Metrics of predictions that were made in training.
  std::vector<model::metric::TaskMetrics> metrics;  // [n_tasks]
  /// The auxiliary loss per example of the epoch; absent if the model has none.
  std::vector<std::optional<double>> own_losses;  // [n_tasks]
  Json task_balance;                              // BalanceJson by task; null: none
};

/// Sums up an epoch. `left` is its part before a resume, empty for none; `parts` are the workers'
/// sums and tallies (their batch statistics are not used); `heads` are those of the job. The losses
/// do not depend on which worker computed which slice. A pure function, for the chief. Throws
/// Error, naming the rank, on a part that cannot be of such an epoch, and when a slice was computed
/// twice or not at all.
EpochSummary SumUpEpoch(const model::TaskHeads& heads, const EpochShape& shape,
                        const EpochPart& left, const WorkerParts& parts, const net::RoleMap& roles);

/// Adds the epoch to the totals of the job; its train loss and balance replace those of the epoch
/// before. REQUIRES: totals->worker_samples is [n_workers].
void AddEpoch(const EpochSummary& summary, TrainingTotals* totals);

/// The epoch's lines of metrics.jsonl, one for each task: its metrics, balance and auxiliary loss.
/// `epoch` counts from 1, `step` is the number of steps up to its end.
std::vector<Json> TrainLines(int64_t epoch, int64_t step, const EpochSummary& summary);

}  // namespace zhiyin::worker::train
