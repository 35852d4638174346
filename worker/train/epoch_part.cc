#include "worker/train/epoch_part.h"

#include <cmath>

#include "common/error.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::train {
namespace {

/// The names of the tasks that the checkpoint's numbers are about, in order.
std::vector<std::string> SavedTasksOf(const Progress& progress) {
  return {progress.task_name().begin(), progress.task_name().end()};
}

}  // namespace

WorkerParts GatherParts(const SliceSums& sums, const EpochTally& tally,
                        const model::nn::BatchStatistics& statistics, Group* group) {
  WorkerParts parts;
  parts.sums = group->Gather(sums.Serialize(), "its part of a checkpoint");
  parts.tallies = group->Gather(tally.Serialize(), "its tally for a checkpoint");
  parts.batch_statistics =
      group->Gather(statistics.Serialize(), "its batch statistics for a checkpoint");
  return parts;
}

EpochPart PartOfCheckpoint(const Progress& progress, const std::vector<std::string>& tasks,
                           const EpochShape& shape) {
  EpochPart part;
  part.batch_statistics = progress.batch_statistics();
  if (progress.slice_sums().empty()) return part;
  const std::vector<std::string> saved_tasks = SavedTasksOf(progress);
  const size_t n_saved_balance =
      shape.n_balance > 0 ? model::balance::BalanceSums(saved_tasks.size()).numbers().size() : 0;
  part.sums = SliceSums::Parse(progress.slice_sums(), shape.rows_of_slices, saved_tasks.size(),
                               n_saved_balance);
  part.tally = EpochTally::Parse(progress.tally(), saved_tasks.size());
  if (saved_tasks == tasks) return part;
  const TaskOrder order(saved_tasks, tasks);
  part.sums = order.Of(part.sums, shape.n_balance);
  part.tally.aucs = order.Of(part.tally.aucs, model::metric::RunningAuc());
  return part;
}

std::vector<std::vector<double>> LossesOfCheckpoint(const Progress& progress,
                                                    const std::vector<std::string>& tasks) {
  const TaskOrder order(SavedTasksOf(progress), tasks);
  std::vector<std::vector<double>> epochs;
  for (const Progress::Losses& losses : progress.losses()) {
    if (losses.task_size() != progress.task_name_size())
      Fail("the checkpoint: damaged: losses of ", losses.task_size(), " tasks of ",
           progress.task_name_size());
    // A task without labels has a mean loss of NaN, too.
    epochs.push_back(
        order.Of(std::vector<double>(losses.task().begin(), losses.task().end()), std::nan("")));
  }
  return epochs;
}

EpochPart MergeParts(const EpochPart& left, const WorkerParts& parts, const EpochShape& shape,
                     const net::RoleMap& roles) {
  EpochPart merged;
  merged.sums = left.sums;
  merged.tally = left.tally;
  merged.tally.aucs.resize(shape.n_tasks);
  model::nn::BatchStatistics statistics({});  // only serialized sums are added: no weights needed
  if (!left.batch_statistics.empty()) statistics.Add(left.batch_statistics, shape.n_weights);
  for (int w = 0; w < roles.n_workers; ++w) {
    const size_t worker = static_cast<size_t>(w);
    FromRank(roles.RankOfWorker(w), [&] {
      merged.sums.Append(SliceSums::Parse(parts.sums[worker], shape.rows_of_slices, shape.n_tasks,
                                          shape.n_balance));
      merged.tally.Merge(EpochTally::Parse(parts.tallies[worker], shape.n_tasks));
      statistics.Add(parts.batch_statistics[worker], shape.n_weights);
    });
  }
  merged.batch_statistics = statistics.Serialize();
  return merged;
}

void SavePart(const EpochPart& part, Progress* progress) {
  progress->set_slice_sums(part.sums.Serialize());
  progress->set_tally(part.tally.Serialize());
  progress->set_batch_statistics(part.batch_statistics);
}

}  // namespace zhiyin::worker::train
