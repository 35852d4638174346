// Is a person watching?
#pragma once

namespace zhiyin::launch::apps {

/// Whether standard output ends at a terminal. Under mpirun a rank's output is always a
/// pseudo-terminal of mpirun's own, so there mpirun's output is looked at instead; on another host
/// than mpirun's the answer is no.
bool OutputIsWatched(bool under_mpirun);

}  // namespace zhiyin::launch::apps
