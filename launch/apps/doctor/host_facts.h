// What a rank can say of itself and its host without talking to others.
#pragma once

#include "common/net/mpi/mpi_description.h"
#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// Waits for nothing but the executable file's own disk. What cannot be found out is left empty.
RankFacts GatherRankFacts(const net::MpiDescription& mpi);

}  // namespace zhiyin::launch::apps
