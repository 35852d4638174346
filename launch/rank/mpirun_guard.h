// Ends an mpirun that waits for hosts which cannot be reached.
#pragma once

#include <chrono>

namespace zhiyin::launch::rank {

/// Makes sure that the mpirun that started this process ends, too. Starts a process that outlives
/// this one: if mpirun still runs after `patience`, it receives SIGTERM every `interval`, up to
/// five times (at the third it stops waiting), and then SIGKILL. Does nothing if mpirun is not the
/// parent of this process, as on all hosts but its own. Returns at once. Called by any thread.
void EndMpirunAfter(std::chrono::milliseconds patience,
                    std::chrono::milliseconds interval = std::chrono::seconds(1));

}  // namespace zhiyin::launch::rank
