// What a job must be before it may run.
#pragma once

#include <sstream>
#include <string>

#include "common/config/checker.h"
#include "common/config/path.h"
#include "configs/job.pb.h"
#include "worker/data/known_columns.h"

namespace zhiyin::launch::job {

/// Throws Error, by way of `blame`, for the first thing that is impossible. REQUIRES: defaults are
/// filled in.
void CheckJob(const Job& job, const config::ConfigBlame& blame);

/// Checks the data of a job; returns the columns that it has.
worker::data::KnownColumns CheckData(const Job& job, const config::ConfigBlame& blame);

}  // namespace zhiyin::launch::job
