#include "worker/train/epoch_summary.h"

#include <cmath>
#include <string>
#include <utility>

#include "common/error.h"
#include "worker/model/balance/task_balance.h"
#include "worker/train/epoch_sums.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {
namespace {

/// The figures of balancing in the epoch, by task.
Json TaskBalanceJson(const model::TaskHeads& heads, const std::vector<double>& numbers) {
  std::vector<std::string> names;
  for (int t = 0; t < heads.n_tasks(); ++t) names.push_back(heads.name(t));
  model::balance::BalanceSums balance(names.size());
  balance.Add(numbers);
  Json by_task;
  for (size_t t = 0; t < names.size(); ++t)
    by_task[names[t]] = BalanceJson(balance.FiguresOf(t), t, names);
  return by_task;
}

}  // namespace

EpochSummary SumUpEpoch(const model::TaskHeads& heads, const EpochShape& shape,
                        const EpochPart& left, const WorkerParts& parts,
                        const net::RoleMap& roles) {
  EpochSummary summary;
  EpochTally tally = left.tally;
  EpochSums sums = left.sums;
  for (int w = 0; w < roles.n_workers; ++w) {
    const size_t worker = static_cast<size_t>(w);
    FromRank(roles.RankOfWorker(w), [&] {
      const EpochTally own = EpochTally::Parse(parts.tallies[worker], shape.sums.n_tasks);
      summary.worker_samples.push_back(own.n_rows);
      summary.waited_s += own.waited_s;
      tally.Merge(own);
      sums.Merge(EpochSums::Parse(parts.sums[worker], shape.sums, shape.n_rows));
    });
  }
  summary.n_samples = tally.n_rows;
  summary.left_out = std::move(tally.left_out);
  sums.CheckWhole();
  const double n_rows = static_cast<double>(shape.n_rows);
  for (int t = 0; t < heads.n_tasks(); ++t) {
    const model::TaskSums task = sums.OfTask(static_cast<size_t>(t));
    const std::optional<double> mean_loss = task.MeanLoss();
    summary.mean_losses.push_back(mean_loss.value_or(std::nan("")));
    summary.train_loss += heads.weight(t) * mean_loss.value_or(0);
    summary.metrics.push_back(
        TrainMetrics(heads.name(t), heads.kind(t), task, tally.aucs[static_cast<size_t>(t)]));
    std::optional<double>& own_loss = summary.own_losses.emplace_back();
    if (task.own_loss != 0) own_loss = task.own_loss / n_rows;
  }
  if (shape.sums.n_balance > 0) summary.task_balance = TaskBalanceJson(heads, sums.OfBalance());
  return summary;
}

void AddEpoch(const EpochSummary& summary, TrainingTotals* totals) {
  totals->n_samples += summary.n_samples;
  totals->n_left_out += summary.left_out.n;
  totals->waited_s += summary.waited_s;
  totals->train_loss = summary.train_loss;
  for (size_t w = 0; w < summary.worker_samples.size(); ++w)
    totals->worker_samples[w] += summary.worker_samples[w];
  if (!summary.task_balance.is_null()) totals->task_balance.update(summary.task_balance);
}

std::vector<Json> TrainLines(int64_t epoch, int64_t step, const EpochSummary& summary) {
  std::vector<Json> lines;
  for (size_t t = 0; t < summary.metrics.size(); ++t) {
    const model::metric::TaskMetrics& metrics = summary.metrics[t];
    Json& line = lines.emplace_back(MetricsLine(epoch, step, "train", metrics));
    if (!summary.task_balance.is_null()) line.update(summary.task_balance[metrics.task]);
    if (summary.own_losses[t]) line["own_loss"] = *summary.own_losses[t];
  }
  return lines;
}

}  // namespace zhiyin::worker::train
