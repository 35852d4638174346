// The two networks that a job can run on.
#pragma once

#include <string>

#include "common/net/sim_options.h"
#include "launch/rank/run_rank.h"

namespace zhiyin::launch::rank {

/// This process as one rank of mpirun's world. Does not return when the job has failed: the process
/// ends with code 1.
int RunOverMpi(RankOptions options);

/// From now on SIGTERM, by which mpirun ends all ranks when one has died, ends this process with
/// one line that says so.
void SpeakOnSigterm();

/// Servers and workers as ranks of a simulated network; equal options give equal runs. Prints
/// `replay_line`, the command that runs it again, first, and what tells two runs apart last.
int RunSimulated(int n_servers, int n_workers, const net::SimOptions& network_options,
                 const std::string& replay_line, RankOptions options);

}  // namespace zhiyin::launch::rank
