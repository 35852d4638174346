// The processes that descend from this one, on this host.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

namespace zhiyin::launch::apps {

/// Has processes whose parent ends become children of this process, if they descend from it,
/// instead of children of the first process of the system: so none is lost sight of, whatever its
/// group or session is. They are to be waited for here. For the rest of this process' life.
void AdoptOrphans();

/// The ids of all processes that descend from this one, in no particular order. Those that have
/// ended and that nobody has waited for are among them.
std::vector<pid_t> Descendants();

/// Kills all descendants (SIGKILL), waits for those that become children of this process, and
/// repeats that until there are none, since one may have started another meanwhile. Returns false
/// if some are left after `limit`: they are in a call of the system that cannot be interrupted.
/// REQUIRES: AdoptOrphans was called.
bool KillDescendants(std::chrono::milliseconds limit);

}  // namespace zhiyin::launch::apps
