#include "worker/train/epoch_part.h"

#include "common/error.h"
#include "worker/model/metric/metric.h"

namespace zhiyin::worker::train {

WorkerParts GatherParts(const EpochSums& sums, const EpochTally& tally,
                        const model::nn::BatchStatistics& statistics, Group* group) {
  WorkerParts parts;
  parts.sums = group->Gather(sums.Serialize(), "its part of a checkpoint");
  parts.tallies = group->Gather(tally.Serialize(), "its tally for a checkpoint");
  parts.batch_statistics =
      group->Gather(statistics.Serialize(), "its batch statistics for a checkpoint");
  return parts;
}

EpochPart OrderedPart(const EpochPart& part, const std::vector<std::string>& before,
                      const std::vector<std::string>& now, size_t n_balance) {
  if (before == now && part.sums.OfBalance().size() == n_balance) return part;
  const TaskOrder order(before, now);
  EpochPart ordered = part;
  ordered.sums = part.sums.Ordered(order, n_balance);
  ordered.tally.losses = order.Of(part.tally.losses, EpochTally::TaskLoss());
  ordered.tally.aucs = order.Of(part.tally.aucs, model::metric::RunningAuc());
  return ordered;
}

EpochPart MergeParts(const EpochPart& left, const WorkerParts& parts, const EpochShape& shape,
                     const net::RoleMap& roles) {
  EpochPart merged;
  merged.sums = left.sums;
  merged.tally = left.tally;
  model::nn::BatchStatistics statistics({});  // only serialized sums are added: no weights needed
  if (!left.batch_statistics.empty()) statistics.Add(left.batch_statistics, shape.n_weights);
  for (int w = 0; w < roles.n_workers; ++w) {
    const size_t worker = static_cast<size_t>(w);
    FromRank(roles.RankOfWorker(w), [&] {
      merged.sums.Merge(EpochSums::Parse(parts.sums[worker], shape.sums, shape.n_rows));
      merged.tally.Merge(EpochTally::Parse(parts.tallies[worker], shape.sums.n_tasks));
      statistics.Add(parts.batch_statistics[worker], shape.n_weights);
    });
  }
  merged.batch_statistics = statistics.Serialize();
  return merged;
}

}  // namespace zhiyin::worker::train
