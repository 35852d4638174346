// The defaults that job.proto documents.
#pragma once

#include <string>

#include "configs/job.pb.h"

namespace zhiyin::launch::job {

/// Sets all fields that are not set and have a documented default. Makes file names absolute;
/// relative ones begin in `folder`.
void FillDefaults(const std::string& folder, Job* job);

}  // namespace zhiyin::launch::job
