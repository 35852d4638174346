// The first pass over the data: how it is divided among workers, and its results.
#pragma once

#include <string>

#include "configs/job.pb.h"
#include "worker/data/slice_reader.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// The number of slices of a step.
int SlicesOfStep(const Train& train, int n_workers);
/// The blocks that each worker reads in the first pass: those that it is likely to train on, so
/// that it can keep them in memory.
data::BlockDeal FirstDeal(const Train& train, int n_workers);

/// Throws Error for a malformed line if the job allows none, so that the pass ends at once.
void CheckBadLine(const data::BadLine& line, const Data& data);

/// Returns the summaries of all workers, at every worker. `split` is the name of the split in the
/// config: "train". Throws Error when there are more malformed lines than the job allows, no
/// examples, or a task without any label. Otherwise the chief logs the first malformed lines.
/// Collective over all workers.
data::BlockSummaries ShareSummaries(const data::BlockSummaries& own, const Job& job,
                                    const char* split, Group* group);

/// Returns the normalizer that standardises numerics as the job asks for, by the statistics of the
/// training split.
data::Normalizer NormalizerFor(const Job& job, const data::SplitSummary& training);

}  // namespace zhiyin::worker::train
