// What all workers together learn about the data before the first step.
#pragma once

#include <string>

#include "configs/job.pb.h"
#include "worker/data/batches.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"
#include "worker/group.h"

namespace zhiyin::worker {

/// Who takes which rows, before their number is known: at staleness 0 a step's slices are shared by all
/// workers, otherwise every worker has a stream of its own and takes whole steps from it.
StreamPlan PlanFor(const Train& train, int n_workers);

/// Logs the first malformed lines and stops the job when there are too many. Used by one thread.
class BadLineWatch {
 public:
  explicit BadLineWatch(const Data& data) : max_share_(data.max_bad_share()) {}

  /// Throws Error at once where the job allows none.
  void operator()(const BadLine& line);
  /// Throws Error when `n_bad` of `n_lines` is more than the job allows; `first` is the first one's sentence.
  void CheckShare(int64_t n_bad, int64_t n_lines, const std::string& first) const;

 private:
  double max_share_;
  int n_shown_ = 0;
};

/// Everybody's summaries of a split, at every worker. Throws Error when there are too many malformed lines,
/// no rows, or a task without any label. Collective. `split` is its name in the config: "train".
BlockSummaries ShareSummaries(const BlockSummaries& own, const Job& job, const char* split,
                              const BadLineWatch& watch, Group* group);

/// Standardises what the job wants standardised, by the statistics of the training rows.
Normalizer NormalizerFor(const Job& job, const SplitSummary& training);

}  // namespace zhiyin::worker
