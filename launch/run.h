// The two networks that a job can run on.
#pragma once

#include "launch/run_rank.h"

namespace zhiyin::launch {

/// This process as one rank of mpirun's world. Does not return when the job has failed: the process ends with
/// code 1.
int RunOverMpi(RankOptions options);

/// From now on SIGTERM, by which mpirun ends all ranks when one has died, ends this process with one line
/// that says so.
void SpeakOnSigterm();

/// Servers and workers as threads of this process; the same seed gives the same run.
int RunSimulated(int n_servers, int n_workers, uint64_t seed, RankOptions options);

}  // namespace zhiyin::launch
