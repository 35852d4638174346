// The position of this process in its job, by the environment variables of mpirun or a scheduler
// such as Slurm.
#pragma once

#include <string>

namespace zhiyin::launch::rank {

/// The number of this process among those that were started together; 0 if it was started alone.
/// For use before MPI_Init, or without MPI.
int LaunchedRank();

/// The number of processes that were started together; 1 if unknown.
int LaunchedRanks();

/// Whether a launcher started this process; also true for a single rank under mpirun.
bool StartedByLauncher();

/// The host name of this machine.
std::string HostName();

}  // namespace zhiyin::launch::rank
