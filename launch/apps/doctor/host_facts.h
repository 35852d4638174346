// The facts about a rank and its host that need no messages.
#pragma once

#include "common/net/mpi/mpi_description.h"
#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// Collects the facts about this process and its host. Facts that cannot be found out are left
/// empty. Waits for nothing, except that it reads the executable file from disk.
RankFacts GatherRankFacts(const net::MpiDescription& mpi);

}  // namespace zhiyin::launch::apps
