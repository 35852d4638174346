// What all workers together learn about the data before the first step.
#pragma once

#include <string>

#include "configs/job.pb.h"
#include "worker/data/slice_reader.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// Parts that a step is cut into.
int SlicesOfStep(const Train& train, int n_workers);
/// Who reads what in the first pass: what it is likely to train on.
data::BlockDeal FirstDeal(const Train& train, int n_workers);

/// Throws Error for a malformed line where the job allows none: why read on?
void CheckBadLine(const data::BadLine& line, const Data& data);

/// Everybody's summaries of a split, at every worker. Throws Error when there are more malformed
/// lines than the job allows, no rows, or a task without any label; the chief logs the first
/// malformed lines of a job that goes on. Collective. `split` is its name in the config: "train".
data::BlockSummaries ShareSummaries(const data::BlockSummaries& own, const Job& job,
                                    const char* split, Group* group);

/// Standardises what the job wants standardised, by the statistics of the training rows.
data::Normalizer NormalizerFor(const Job& job, const data::SplitSummary& training);

}  // namespace zhiyin::worker::train
