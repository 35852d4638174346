// Defaults and checks of the model in a job's configuration.
#pragma once

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::model {

/// Fills in the defaults of the job's network, which may include those of its tasks. REQUIRES: the
/// defaults of the tasks are not filled in yet.
void FillModel(Job* job);

/// Checks the model of a job. Throws Error, by way of `base`, for the first setting that is
/// invalid. REQUIRES: the job's tables, fields and tasks have been checked.
void CheckModel(const config::Checker& base, const Job& job);

/// Returns whether the job's network can be trained by its auxiliary loss alone, when no task
/// contributes a loss.
bool LearnsWithoutTasks(const Job& job);

}  // namespace zhiyin::worker::model
