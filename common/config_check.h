// What a job must be before it may run.
#pragma once

#include "common/config_path.h"
#include "configs/job.pb.h"

namespace zhiyin {

/// Throws Error, by way of `blame`, for the first thing that is impossible. REQUIRES: defaults are filled in.
void CheckJob(const Job& job, const ConfigBlame& blame);

}  // namespace zhiyin
