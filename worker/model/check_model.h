// Defaults and checks of a job's model.
#pragma once

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::model {

/// Fills in what the job leaves out of its network. REQUIRES: tasks have no defaults filled in yet,
/// since a network may have others for them.
void FillModel(Job* job);

/// Checks the model of a job whose tables, fields and tasks have been checked.
void CheckModel(const config::Checker& base, const Job& job);

/// Whether the auxiliary loss of the job's model alone is enough to train on.
bool LearnsWithoutTasks(const Job& job);

}  // namespace zhiyin::worker::model
