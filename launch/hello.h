// The first thing that a rank hears.
#pragma once

#include "common/net/frame.h"
#include "common/role_map.h"
#include "configs/manifest.pb.h"
#include "launch/run_rank.h"

namespace zhiyin::launch {

/// What rank 0 tells all others: the job, and for an evaluation the model that it is about. Throws Error,
/// naming the rank it came from, unless it is a job that rank 0 could have loaded.
Manifest ParseHello(const Frame& hello, Command command, const RoleMap& roles);

}  // namespace zhiyin::launch
