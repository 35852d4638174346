// What a checkpoint keeps of a training job, and what a job that resumes takes from it.
#pragma once

#include <cstdint>
#include <vector>

#include "configs/job.pb.h"
#include "configs/manifest.pb.h"
#include "worker/train/training_data.h"
#include "worker/train/training_summary.h"

namespace zhiyin::worker::train {

/// All that the chief knows of the job before step `next_step` of all epochs, except what was seen
/// of the epoch at hand (SavePart), the content of metrics.jsonl (ResultFiles) and the state of the
/// stopping rule (ModelSelection). `mean_losses` [n_epochs][n_tasks] are those of TaskBalance. The
/// inverse is ResumeTotals, with LossesOfCheckpoint. A pure function.
Progress ProgressOf(const Job& job, const TrainingData& data, const TrainingTotals& totals,
                    const std::vector<std::vector<double>>& mean_losses, int64_t next_step);

/// Sets the totals that the chief of a job that resumes continues from; others are untouched.
void ResumeTotals(const Progress& progress, TrainingTotals* totals);

}  // namespace zhiyin::worker::train
