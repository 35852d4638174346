// The schedule of a learning rate over the steps.
#pragma once

#include <cstdint>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::ps::table {

/// The factor of the learning rate at a step, counted from 0: the product of warm-up and decay, as
/// job.proto defines them.
float RateFactor(const Schedule& schedule, uint64_t step);

/// Throws Error, by way of `check`, for lengths and factors that are impossible.
void CheckSchedule(const config::Checker& check, const config::ConfigPath& path,
                   const Schedule& schedule);

}  // namespace zhiyin::ps::table
