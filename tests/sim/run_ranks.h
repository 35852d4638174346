// The ranks of a command on a simulated network, as the command line would start them, and what
// they print.
#pragma once

#include <string>

#include "launch/rank/run_rank.h"

namespace zhiyin::testing {

struct RanksOutcome {
  int exit_code = 0;  // the largest of all ranks
  std::string printed;
  std::string error;
};

/// Runs 1 server and n_workers workers to their end. Sets the network of the options, and what
/// prints.
RanksOutcome RunRanks(launch::rank::RankOptions options, int n_workers);

}  // namespace zhiyin::testing
