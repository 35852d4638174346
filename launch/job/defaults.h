// The defaults that job.proto documents.
#pragma once

#include <string>

#include "configs/job.pb.h"

namespace zhiyin::launch::job {

/// Fills in what was left out and has a documented default; makes file names absolute, relative
/// ones against `folder`.
void FillDefaults(const std::string& folder, Job* job);

}  // namespace zhiyin::launch::job
