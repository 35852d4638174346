// The defaults that job.proto documents.
#pragma once

#include "configs/job.pb.h"

namespace zhiyin::launch::job {

/// Sets all fields that are not set and have a documented default.
void FillDefaults(Job* job);

}  // namespace zhiyin::launch::job
