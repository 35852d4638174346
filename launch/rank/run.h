// Runs a job on one of the two networks.
#pragma once

#include <string>

#include "common/net/sim_options.h"
#include "launch/rank/run_rank.h"

namespace zhiyin::launch::rank {

/// Runs this process as one rank of mpirun's world. Returns the exit code. When the job has failed,
/// ends the process with code 1 instead.
int RunOverMpi(RankOptions options);

/// Installs a handler of SIGTERM, by which mpirun ends all ranks when one has died. The handler
/// prints one line and ends the process.
void SpeakOnSigterm();

/// Runs servers and workers as ranks of a simulated network. Equal options give equal runs. Prints
/// `replay_line`, the command that repeats the run, first, and a hash of the run last. Returns the
/// exit code.
int RunSimulated(int n_servers, int n_workers, const net::SimOptions& network_options,
                 const std::string& replay_line, RankOptions options);

}  // namespace zhiyin::launch::rank
