// A small training job's traffic: what its workers say, and what everyone then hears.
#pragma once

#include <string>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/job.pb.h"

namespace zhiyin::fuzz {

/// Who takes part.
inline constexpr net::RoleMap kRoles{2, 2};

/// A job of three tables, the dense one among them.
Job SmallJob(int staleness);

/// Everything that a client can be asked to do, always the same: the replies of one run fit
/// another. `folder` is where servers save; the chief's affair, as are their counts.
void Work(const Job& job, const std::string& folder, net::Mailbox* mailbox);

/// [rank]: the script of what each rank heard when all of them ran such a job.
std::vector<std::string> Listen(int staleness);

}  // namespace zhiyin::fuzz
