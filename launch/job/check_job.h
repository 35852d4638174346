// What a job must be before it may run.
#pragma once

#include "common/config/path.h"
#include "configs/job.pb.h"

namespace zhiyin::launch::job {

/// Checks all parts of the job, in the order in which each relies on those before. Throws Error, by
/// way of `blame`, for the first thing that is impossible. REQUIRES: defaults are filled in.
void CheckJob(const Job& job, const config::ConfigBlame& blame);

}  // namespace zhiyin::launch::job
