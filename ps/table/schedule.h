// How a learning rate changes with the steps.
#pragma once

#include <cstdint>

#include "configs/job.pb.h"

namespace zhiyin::ps::table {

/// The factor of the learning rate at a step, counted from 0: warm-up times decay, as job.proto
/// defines them.
float RateFactor(const Schedule& schedule, uint64_t step);

}  // namespace zhiyin::ps::table
