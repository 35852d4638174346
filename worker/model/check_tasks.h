// Defaults and checks of a job's tasks.
#pragma once

#include "common/config/checker.h"
#include "configs/job.pb.h"
#include "worker/data/known_columns.h"

namespace zhiyin::worker::model {

/// Fills in what the job leaves out of its tasks. REQUIRES: FillModel came before, since a network
/// may have defaults of its own for them.
void FillTasks(Job* job);

/// Throws Error, by way of `check`, for the first thing about the tasks that is impossible.
/// `columns`: those that examples have. REQUIRES: defaults are filled in, and the inputs were
/// checked.
void CheckTasks(const config::Checker& check, const Job& job, const data::KnownColumns& columns);

}  // namespace zhiyin::worker::model
