// Ends an mpirun that waits for hosts which nobody can reach.
#pragma once

#include <chrono>

namespace zhiyin::launch::rank {

/// Makes sure that the mpirun which started this process on its own host ends, too. Starts a
/// process that outlives this one: where mpirun is still there after `patience`, it gets a SIGTERM
/// each `interval` (the third makes it give up what it waits for), and after five of them SIGKILL.
/// Does nothing where another program started this process, as on all hosts but mpirun's own.
/// Returns at once; any thread.
void EndMpirunAfter(std::chrono::milliseconds patience,
                    std::chrono::milliseconds interval = std::chrono::seconds(1));

}  // namespace zhiyin::launch::rank
