// What a rank can say of itself and its host without talking to others.
#pragma once

#include "common/net/mpi_endpoint.h"
#include "launch/doctor/facts.pb.h"

namespace zhiyin::launch {

/// Waits for nothing but the executable file's own disk. What cannot be found out is left empty.
RankFacts GatherRankFacts(const MpiDescription& mpi);

}  // namespace zhiyin::launch
