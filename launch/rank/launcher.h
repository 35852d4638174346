// What the program that started this process says of it: mpirun, or a scheduler such as Slurm.
#pragma once

#include <string>

namespace zhiyin::launch::rank {

/// This process' number among those that were started together; 0 when it was started alone. For
/// use before MPI_Init, or without it.
int LaunchedRank();

/// How many were started together; 1 when alone or when nothing says it.
int LaunchedRanks();

/// Whether anything says so: also of one rank alone under mpirun.
bool StartedByLauncher();

/// The name of this machine, as it calls itself.
std::string HostName();

}  // namespace zhiyin::launch::rank
