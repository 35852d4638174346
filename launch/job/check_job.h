// The check of a whole job.
#pragma once

#include "common/config/path.h"
#include "configs/job.pb.h"

namespace zhiyin::launch::job {

/// Checks all parts of the job; the check of each part relies on those before it. Throws Error, by
/// way of `blame`, for the first thing that is impossible. REQUIRES: defaults are filled in.
void CheckJob(const Job& job, const config::ConfigBlame& blame);

}  // namespace zhiyin::launch::job
