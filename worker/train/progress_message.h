// The progress of a training job as a message, for checkpoints.
#pragma once

#include <cstdint>
#include <vector>

#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/train/training_data.h"
#include "worker/train/training_summary.h"

namespace zhiyin::worker::train {

/// Returns the progress of a job that has done the steps before `next_step`, counted over all
/// epochs. ModelSelection adds the state of the stopping rule; the sums of the current epoch and
/// the content of metrics.jsonl are the ChiefState. `mean_losses` [n_epochs][n_tasks] are those of
/// TaskBalance. The inverse is ResumeTotals, with
/// LossesOfCheckpoint. A pure function.
Progress ProgressOf(const Job& job, const TrainingData& data, const TrainingTotals& totals,
                    const std::vector<std::vector<double>>& mean_losses, int64_t next_step);

/// Sets the totals that the chief of a resumed job continues from; leaves the others unchanged.
void ResumeTotals(const Progress& progress, TrainingTotals* totals);

}  // namespace zhiyin::worker::train
